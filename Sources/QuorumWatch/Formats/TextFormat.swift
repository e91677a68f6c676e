// SPDX-License-Identifier: MIT

internal import Corosync

/// Events as text for people, one line an event.
struct TextFormat {
    let color: Bool

    /// The line of an event, its newline included.
    func line(for event: Event, changes: [Change]) -> [UInt8] {
        var bytes: [UInt8] = []
        event.time.appendLocal(to: &bytes)
        bytes.append(contentsOf: " \(words(for: event, changes: changes))\n".utf8)
        return bytes
    }

    /// The line without its time.
    func words(for event: Event, changes: [Change]) -> String {
        "\(event.kind.rawValue) \(text(of: event.body, changes))"
    }

    private func text(of body: Event.Body, _ changes: [Change]) -> String {
        switch body {
        case .status(let state): status(state)
        case .quorum(let state), .expectedVotes(let state), .info(let state): update(state, changes)
        case .nodelist(let report): nodelist(report)
        case .disconnected(let error):
            TextStyle.bad.apply(to: "\(error.reason) (\(error.code))", color: color)
        case .unsettled(let ring, let elapsed):
            TextStyle.bad.apply(
                to: "votequorum has not finished recalculating for \(elapsed.components.seconds) s"
                    + (ring.map { " (ring \($0))" } ?? "") + ": whether the cluster is quorate is not known",
                color: color)
        case .unresponsive(let silent):
            TextStyle.bad.apply(
                to: "corosync has not answered for \(silent.components.seconds) s", color: color)
        case .dropped(let count):
            TextStyle.warning.apply(
                to: "\(count) events are missing here: the output was read too slowly", color: color)
        }
    }

    private func status(_ state: ClusterState) -> String {
        var parts = [summary(state, verdict: state.verdict)]
        if let ring = state.ring { parts.append("ring \(ring)") }
        parts.append("members " + state.nodes.filter(\.isMember).map(\.reference).text)
        let missing = state.missingNodes.map { "\($0.reference.text) \($0.stateName)" }
        if !missing.isEmpty { parts.append("missing " + missing.joined(separator: ", ")) }
        if let device = state.device { parts.append("quorum device " + device.text) }
        return parts.joined(separator: "; ")
    }

    private func update(_ state: ClusterState, _ changes: [Change]) -> String {
        // Quorum gained and lost stands out; quorum kept need not.
        let turned = changes.contains { $0.field == "quorate" }
        let verdict = state.quorate == true && !turned ? "quorate" : state.verdict
        let shown = changes.filter { change in
            switch change.field {
            case "flags": !turned
            case "quorate", "cluster_name", "local_node_id", "ring_id": false
            // The summary says what they are now, and votes.total what they come from.
            case "votes.margin", "votes.quorum", "votes.highest_expected": false
            default: !(change.field.hasPrefix("nodes.") && change.field.hasSuffix(".expected_votes"))
            }
        }
        return ([summary(state, verdict: verdict)] + shown.map { $0.text(in: state) }).joined(separator: "; ")
    }

    private func nodelist(_ report: NodelistReport) -> String {
        var parts = ["ring \(report.ring): \(report.members.text)"]
        if !report.joined.isEmpty { parts.append("joined \(report.joined.text)") }
        if !report.left.isEmpty { parts.append("left \(report.left.text)") }
        return parts.joined(separator: "; ")
    }

    private func summary(_ state: ClusterState, verdict: String) -> String {
        let style: TextStyle? = state.quorate.map { $0 ? (verdict == "QUORATE" ? .good : nil) : .bad } ?? .warning
        let shown = style?.apply(to: verdict, color: color) ?? verdict
        return "\(shown): \(state.votesText)" + (state.marginText.map { ", \($0)" } ?? "")
    }
}
