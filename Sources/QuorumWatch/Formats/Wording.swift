// SPDX-License-Identifier: MIT

package import Corosync

/// A decision of votequorum in words, whether it was made or predicted.
struct Verdict {
    var quorate: Bool?
    var votes: Votes
    /// The rules that can make a cluster quorate with fewer votes than the quorum.
    var rules: [DecidingRule] = []
    /// Whether votequorum waits until all nodes are members (`wait_for_all`).
    var waitsForAll = false

    /// `QUORATE`, `NOT QUORATE` or `QUORUM UNKNOWN`.
    var word: String { quorate.map { $0 ? "QUORATE" : "NOT QUORATE" } ?? "QUORUM UNKNOWN" }

    /// ``word`` in its colour.
    var styled: StyledText { StyledText(word, quorate.map { $0 ? .good : .bad } ?? .warning) }

    /// The votes against the quorum: `2 of 3 votes, quorum 2`.
    var votesText: String {
        guard quorate != nil, let total = votes.total, let expected = votes.expected, let quorum = votes.quorum else {
            return "votes not known"
        }
        return "\(total) of \(expected) votes, quorum \(quorum)"
    }

    /// How many votes can be lost or are missing, or why the votes do not decide; nil when not known.
    var marginText: String? {
        guard let quorate, let margin = votes.margin else { return nil }
        switch (quorate, margin) {
        case (true, 0...): return "can lose \(count(margin, "vote"))"
        case (true, _):
            let rule = rules.isEmpty ? "a rule that is not known" : list(rules.map(\.rawValue), "or")
            return "\(count(-margin, "vote")) below the quorum, quorate by \(rule)"
        case (false, _) where waitsForAll: return "waiting for all nodes (wait_for_all)"
        case (false, ..<0): return "needs \(count(-margin, "more vote"))"
        case (false, _): return "enough votes, but votequorum has not given quorum"
        }
    }

    /// The votes and the margin.
    var summary: String { votesText + (marginText.map { ", \($0)" } ?? "") }
}

extension ClusterState {
    /// The last decision of votequorum.
    var decision: Verdict {
        let isMaster = nodes.contains { $0.isMember && $0.device.map { $0.masterWins && $0.castVote } == true }
        return Verdict(
            quorate: quorate, votes: votes,
            rules: (flags?.contains(.autoTieBreaker) == true ? [.autoTieBreaker] : [])
                + (isMaster ? [.masterWins] : []),
            waitsForAll: flags?.contains(.waitForAll) == true)
    }

    /// ``Verdict/marginText`` with the nodes that would help: those that the cluster waits for, or those whose votes are
    /// enough.
    var marginText: String? {
        let decision = decision
        guard let words = decision.marginText, quorate == false, let margin = votes.margin else {
            return decision.marginText
        }
        let missing = missingNodes.map(\.reference)
        if decision.waitsForAll { return missing.isEmpty ? words : "\(words): \(names.text(missing)) missing" }
        guard margin < 0, let ways = waysToQuorum, !ways.isEmpty else { return words }
        let alone = ways.filter { $0.count == 1 }.map { $0[0] }
        let together = ways.filter { $0.count > 1 }.prefix(3).map { "\(names.sentence($0)) together" }
        let single =
            alone.isEmpty
            ? [] : [(alone.count > NodeNames.mostListed ? "any one of " : "") + names.sentence(alone, "or")]
        return "\(words): \(list(single + together, "or")) would give \(margin == -1 ? "it" : "them")"
    }

    /// The votes, and how many can be lost or are missing, with names.
    var summary: String { decision.votesText + (marginText.map { ", \($0)" } ?? "") }

    /// The quorum device; nil when there is none. While it is not known whether the cluster is quorate, its votes are not
    /// either.
    var deviceText: String? { device?.text(withVotes: quorate != nil) }

    /// The names of its nodes.
    var names: NodeNames { NodeNames(among: nodes.map(\.reference)) }

    /// Whether the cluster is quorate, and would not be if this member alone failed.
    func isLost(without node: Node) -> Bool { quorate == true && node.quorateIfDown == false }
}

extension Prediction {
    /// The decision.
    var decision: Verdict {
        Verdict(
            quorate: quorate, votes: votes, rules: rule.map { [$0] } ?? [], waitsForAll: waitsForAllAfterwards == true)
    }
}

extension NodeReference {
    /// `name(id)`, or the ID alone when there is no name.
    var text: String {
        id == .quorumDevice ? "the quorum device" : name.map { "\(escaped($0))(\(id))" } ?? id.description
    }
}

extension Node {
    /// Its state; `lost` if votequorum calls it dead, since its machine may be running.
    var stateText: String { state == .dead ? "lost" : stateName }
}

extension QuorumDevice {
    /// Name, votes and state, or without anything of its votes.
    func text(withVotes: Bool = true) -> String {
        let votes = withVotes ? "\(count(votes, "vote")), " : ""
        guard let state else { return "\(escaped(model ?? "")) (\(votes)configured, not registered)" }
        return "\(escaped(name ?? "")) (\(votes)\(withVotes ? state.text : state.aliveText))"
    }
}

extension DeviceState {
    /// `alive, casts its vote`.
    var text: String {
        "\(aliveText), \(castVote ? "casts its vote" : "casts no vote")" + (masterWins ? ", master wins" : "")
    }

    /// ``text`` in short, for a table.
    var shortText: String { isWorking ? "votes" : alive ? "no vote" : "not alive" }

    fileprivate var aliveText: String { alive ? "alive" : "not alive" }
}

extension NodeInfo.Flags {
    /// The flags that are about the cluster, with the names and in the order of corosync-quorumtool(8); the last, which
    /// that has no name for, is named in the same manner.
    package static let clusterFlags: [(flag: NodeInfo.Flags, name: String)] = [
        (.twoNode, "2Node"), (.quorate, "Quorate"), (.waitForAll, "WaitForAll"),
        (.lastManStanding, "LastManStanding"), (.autoTieBreaker, "AutoTieBreaker"),
        (.allowDownscale, "AllowDownscale"), (.quorumDeviceRegistered, "Qdevice"),
        (.quorumDeviceHasExtraInfo, "QdeviceHasExtraInfo"),
    ]

    /// The names of the flags that are about the cluster; each bit without a name is given as `0x800`.
    package var clusterFlagNames: [String] {
        subtracting([.quorumDeviceAlive, .quorumDeviceCastVote, .quorumDeviceMasterWins]).names(Self.clusterFlags)
    }
}
