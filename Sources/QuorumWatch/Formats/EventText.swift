// SPDX-License-Identifier: MIT

internal import Corosync

/// An event as a line of text for people, without its time. It begins with what happened, and can be read alone.
struct EventText {
    let event: Event
    let changes: [Change]

    init(_ event: Event, _ changes: [Change] = []) {
        self.event = event
        self.changes = changes
    }

    /// The line.
    var line: StyledText {
        switch event.body {
        case .status(let state): status(state)
        case .quorum(let state): StyledText("quorum: ") + update(state, summaryFirst: true)
        case .expectedVotes(let state):
            StyledText(changes.isEmpty ? "expected votes set again: " : "changed: ") + update(state)
        case .info(let state): StyledText("changed: ") + update(state)
        case .nodelist(let report): StyledText(nodelist(report))
        case .disconnected(let error):
            StyledText("connection lost: ", .bad) + StyledText("\(error.reasonOfLoss) (\(error.code))")
        case .unsettled(let report): unsettled(report)
        case .link(let report): StyledText(report.text, report.isConnected ? .good : .bad)
        case .evidence(let report): StyledText(report.text)
        case .unresponsive(let silent):
            StyledText("no answer: ", .bad)
                + StyledText(
                    "corosync has not answered for \(silent.components.seconds) s; see whether its process is stopped or "
                        + "kept from running")
        case .dropped(let count):
            StyledText("missing: \(count) events, because the output was read too slowly", .warning)
        case .prediction(let report): report.sentences.joined(separator: " ")
        }
    }

    private func status(_ state: ClusterState) -> StyledText {
        let names = state.names
        var parts: [String] = []
        if let ring = state.ring { parts.append("membership \(ring)") }
        parts.append("members: " + names.text(state.nodes.filter(\.isMember).map(\.reference)))
        parts += state.missingNodes.grouped(by: \.stateText).map { state, nodes in
            "\(state): \(names.text(nodes.map(\.reference)))"
        }
        if let device = state.deviceText { parts.append("quorum device \(device)") }
        parts += ChangeText(state).lossPhrases(for: [], isNew: true)
        parts += state.problems.filter { !$0.isInSummary }.map(\.phrase)
        return StyledText("status: ") + state.decision.styled
            + StyledText(([", " + state.summary] + parts.map { "; \($0)" }).joined())
    }

    private func update(_ state: ClusterState, summaryFirst: Bool = false) -> StyledText {
        // The verdict is in capitals unless the cluster was quorate before and still is.
        let hasTurned = changes.contains { $0.field == .state(.quorate) }
        let verdict = state.quorate == true && !hasTurned ? StyledText("quorate") : state.decision.styled
        let summary = verdict + StyledText(", " + state.summary)
        // The quorate flag changes at the same time.
        let reported = hasTurned ? changes.filter { $0.field != .state(.flags) } : changes
        let text = ChangeText(state)
        let phrases = text.phrases(for: reported)
        let losses = text.lossPhrases(for: changes, isNew: hasTurned)
        let parts =
            summaryFirst || hasTurned
            ? [summary] + phrases.map { StyledText($0) } : phrases.map { StyledText($0) } + [summary]
        return (parts + losses.map { StyledText($0) }).joined(separator: "; ")
    }

    private func nodelist(_ report: NodelistReport) -> String {
        let names = NodeNames(among: report.members + report.left)
        let members = report.members
        var parts = [
            "membership \(report.ring): "
                + (members.count > NodeNames.mostListed ? "\(members.count) nodes" : names.text(members))
        ]
        if !report.joined.isEmpty { parts.append("joined: \(names.text(report.joined))") }
        if !report.left.isEmpty { parts.append("left: \(names.text(report.left))") }
        return parts.joined(separator: "; ")
    }

    private func unsettled(_ report: UnsettledReport) -> StyledText {
        StyledText("QUORUM UNKNOWN", .bad)
            + StyledText(": " + report.reason.text(of: report.ring, for: "\(report.elapsed.components.seconds) s"))
    }
}

extension CorosyncError {
    /// Why a connection was lost.
    var reasonOfLoss: String { code == .libraryFailure ? "corosync has ended or closed the connection" : reason }
}

extension UnsettledReason {
    /// Why what votequorum says is outdated, for how long, and what to look at.
    func text(of ring: RingID?, for length: String) -> String {
        let last = ring.map { " after \($0)" } ?? ""
        return switch self {
        case .recalculation:
            "votequorum has not finished its recalculation\(ring.map { " of membership \($0)" } ?? "") for \(length); see "
                + "corosync's log, and the quorum device if there is one"
        case .membership:
            "totem has completed no membership\(last) for \(length); see corosync's log on every node, and whether each "
                + "node hears each other (corosync-cfgtool -n)"
        case .network:
            "totem has completed no membership\(last) for \(length), and corosync reports a firewall or a failed "
                + "interface; see the packet filter and the network interfaces of this node"
        }
    }
}

extension Problem {
    /// `warning: node3 is not a member`
    var phrase: String { "\(severity.rawValue): \(escaped(text, limit: 1000))" }

    /// Whether the verdict, the votes and the states of the nodes express it.
    var isInSummary: Bool { [.notQuorate, .unsettled, .nodeMissing].contains(code) }
}
