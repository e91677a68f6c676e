// SPDX-License-Identifier: MIT

internal import Corosync

/// The phrases that all text formats share.

extension NodeReference {
    /// `name(id)`, or the ID alone when there is no name.
    var text: String { name.map { "\(escaped($0))(\(id))" } ?? id.description }
}

extension ClusterState {
    /// `QUORATE`, `NOT QUORATE` or `QUORUM UNKNOWN`.
    var verdict: String { quorate.map { $0 ? "QUORATE" : "NOT QUORATE" } ?? "QUORUM UNKNOWN" }

    /// The nodes that are configured or known but not members.
    var missingNodes: [Node] { nodes.filter { !$0.isMember } }

    /// The names of its nodes.
    var names: NodeNames { NodeNames(among: nodes.map(\.reference)) }

    /// The votes against the quorum: `2 of 3 votes, quorum 2`.
    var votesText: String {
        func text(_ number: UInt32?) -> String { number.map(String.init) ?? "?" }
        return "\(text(votes.total)) of \(text(votes.expected)) votes, quorum \(text(votes.quorum))"
    }

    /// How many votes can be lost or are missing, or the names of the nodes that the cluster waits for; nil when not
    /// known.
    var marginText: String? {
        let missing = isWaitingForAll ? missingNodes.map(\.reference) : []
        return marginWords.map { missing.isEmpty ? $0 : "\($0): \(names.text(missing)) missing" }
    }

    /// ``marginText`` without names.
    var marginWords: String? {
        guard let quorate, let margin = votes.margin else { return nil }
        switch (quorate, margin) {
        case (true, 0...): return "can lose \(margin)"
        case (true, _): return "below quorum by \(-margin), quorate by special rule"
        case (false, ..<0): return "\(-margin) missing"
        case (false, _): return isWaitingForAll ? "waiting for all nodes" : "waiting for votequorum to give quorum"
        }
    }

    /// Whether there are enough votes, but the cluster waits for all nodes before it becomes quorate (`wait_for_all`).
    private var isWaitingForAll: Bool {
        quorate == false && flags?.contains(.waitForAll) == true && votes.margin.map { $0 >= 0 } ?? false
    }
}

extension ClusterState {
    /// Whether the cluster is quorate, and would not be if this member alone failed.
    func isLost(without node: Node) -> Bool { quorate == true && node.quorateIfDown == false }
}

extension Node {
    /// Whether the cluster would be quorate if the node failed, as text for a table.
    var ifDownText: String { isMember ? quorateIfDown.map { $0 ? "quorate" : "not quorate" } ?? "?" : "-" }
}

extension QuorumDevice {
    /// Name, votes and state.
    var text: String {
        let votes = "\(votes) vote\(votes == 1 ? "" : "s")"
        guard let state else { return "\(escaped(model ?? "")) (\(votes), configured, not registered)" }
        return "\(escaped(name ?? "")) (\(votes), \(state.text))"
    }
}

extension DeviceState {
    /// `alive, casts its vote`.
    var text: String {
        [alive ? "alive" : "not alive", castVote ? "casts its vote" : "casts no vote"]
            .joined(separator: ", ") + (masterWins ? ", master wins" : "")
    }
}
