// SPDX-License-Identifier: MIT

internal import Corosync

/// A prediction as sentences for people.
extension PredictionReport {
    /// The verdict with the votes, then remarks on it.
    var sentences: [StyledText] {
        let condition = "\(list(ifDown.map(\.text))) \(ifDown.count == 1 ? "goes" : "go") down"
        let votes = prediction.members.isEmpty ? "no member is left" : prediction.decision.summary
        return [StyledText("If \(condition): ") + prediction.decision.styled + StyledText(": \(votes)")]
            + remarks.map { StyledText($0) }
    }

    private var remarks: [String] {
        var remarks: [String] = []
        for node in ifDown.compactMap({ nodes.about($0.id) }) where !node.isMember {
            let consequence = prediction.dependsOnDevice == true ? "" : ", so its failure changes nothing"
            remarks.append("\(node.reference.text) is already \(node.stateText)\(consequence).")
        }
        if ifDown.contains(where: { $0.id == .quorumDevice }),
            !nodes.contains(where: { $0.device != nil })
        {
            remarks.append("No quorum device is registered, so its failure changes nothing.")
        }
        if prediction.quorate == nil {
            remarks.append(
                "The remaining nodes would not agree, or a value that decides is not known on this node: the votes of "
                    + "another node, or what votequorum keeps from its start although the configuration was reloaded.")
        }
        if prediction.rule == .twoNode { remarks.append("One vote is enough (two_node).") }
        if prediction.dependsOnDevice == true {
            remarks.append("This depends on the quorum device, and assumes that it goes on voting as it does now.")
        }
        if prediction.waitsForAllAfterwards == true {
            let votes = prediction.waitsForVotes.map { "\($0) votes" } ?? "all expected votes"
            remarks.append("Quorum would then return only once \(votes) are present at the same time (wait_for_all).")
        }
        return remarks
    }
}
