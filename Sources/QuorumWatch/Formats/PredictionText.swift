// SPDX-License-Identifier: MIT

internal import Corosync

/// A prediction as sentences for people.
struct PredictionText {
    private let report: PredictionReport
    private let prediction: Prediction

    init(_ report: PredictionReport) {
        self.report = report
        prediction = report.prediction
    }

    /// The sentences, one per line.
    func page(color: Bool) -> [UInt8] {
        sentences.flatMap { Array("\($0.rendered(color: color))\n".utf8) }
    }

    /// The verdict with the votes, then remarks on it.
    var sentences: [StyledText] {
        var state = ClusterState()
        state.quorate = prediction.quorate
        state.votes = prediction.votes
        if prediction.waitsForAllAfterwards == true { state.flags = .waitForAll }
        let votes =
            prediction.members.isEmpty
            ? "no member is left" : state.votesText + (margin(of: state).map { ", \($0)" } ?? "")
        let failing = report.ifDown
        let condition = "\(list(failing.map(\.text))) \(failing.count == 1 ? "goes" : "go") down"
        let verdict = StyledText(state.verdict, state.quorate.map { $0 ? .good : .bad } ?? .warning)
        return [StyledText("If \(condition): ") + verdict + StyledText(": \(votes)")]
            + remarks.map { StyledText($0) }
    }

    private func margin(of state: ClusterState) -> String? {
        guard prediction.quorate == true, let rule = prediction.rule, let margin = prediction.votes.margin, margin < 0
        else { return state.marginWords }
        return "below quorum by \(-margin), quorate by \(rule.rawValue)"
    }

    private var remarks: [String] {
        var remarks: [String] = []
        let states = report.ifDown.compactMap { report.nodes.about($0.id) }.filter { !$0.isMember }
        for node in states {
            remarks.append("\(node.reference.text) is already \(node.stateName), so its failure changes nothing.")
        }
        if prediction.quorate == nil {
            remarks.append(
                "The remaining nodes would not agree, or the decision depends on something that this node does not know."
            )
        }
        if prediction.rule == .twoNode { remarks.append("One vote is enough (two_node).") }
        if prediction.dependsOnDevice == true {
            remarks.append("This depends on the quorum device, and assumes that it goes on voting as it does now.")
        }
        if prediction.waitsForAllAfterwards == true {
            remarks.append("Quorum would then return only once all nodes are members at the same time (wait_for_all).")
        }
        return remarks
    }
}
