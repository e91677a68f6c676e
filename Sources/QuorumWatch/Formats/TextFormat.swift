// SPDX-License-Identifier: MIT

internal import Corosync

/// Events as text for people, one line per event.
struct TextFormat {
    let color: Bool

    /// The line of an event, its newline included. It does not repeat the content of the previous line.
    func line(
        for event: Event, changes: [Change], ifDownChanges: [Node] = [], after previous: Event? = nil
    ) -> [UInt8] {
        var time: [UInt8] = []
        event.time.appendLocal(to: &time)
        let stamp = TextStyle.faint.apply(to: String(decoding: time, as: UTF8.self), color: color)
        let words = Self.words(for: event, changes, ifDownChanges: ifDownChanges, after: previous)
        return Array("\(stamp) \(words.rendered(color: color))\n".utf8)
    }

    /// The line without its time.
    static func words(
        for event: Event, _ changes: [Change], ifDownChanges: [Node] = [], after previous: Event? = nil
    ) -> StyledText {
        var said: NodelistReport?
        if case .nodelist(let report) = previous?.body { said = report }
        return StyledText("\(event.kind.rawValue) ") + text(of: event.body, changes, after: said)
            + (event.state.map { losses($0, ifDownChanges) } ?? "")
    }

    /// A phrase about the members for which ``Node/quorateIfDown`` has changed.
    private static func losses(_ state: ClusterState, _ turned: [Node]) -> StyledText {
        let phrases = [(false, "does not survive"), (true, "survives")].map { survives, words in
            let nodes = turned.filter { $0.quorateIfDown == survives }.map(\.reference)
            return nodes.isEmpty ? "" : "; \(words) the loss of \(state.names.text(nodes))"
        }
        return StyledText(phrases.joined())
    }

    private static func text(of body: Event.Body, _ changes: [Change], after said: NodelistReport?) -> StyledText {
        switch body {
        case .status(let state): status(state)
        case .quorum(let state), .expectedVotes(let state), .info(let state): update(state, changes, after: said)
        case .nodelist(let report): StyledText(nodelist(report))
        case .disconnected(let error): StyledText("\(error.reason) (\(error.code))", .bad)
        case .unsettled(let report):
            StyledText(
                "votequorum has not finished recalculating for \(report.elapsed.components.seconds) s"
                    + (report.ring.map { " (ring \($0))" } ?? "") + ": whether the cluster is quorate is not known",
                .bad)
        case .link(let report): StyledText(report.words, report.isConnected ? .good : .bad)
        case .evidence(let report): StyledText(report.text)
        case .unresponsive(let silent):
            StyledText("corosync has not answered for \(silent.components.seconds) s", .bad)
        case .dropped(let count):
            StyledText("\(count) events are missing here: the output was read too slowly", .warning)
        case .prediction(let report): PredictionText(report).sentences.joined(separator: " ")
        }
    }

    private static func status(_ state: ClusterState) -> StyledText {
        let names = state.names
        var parts: [String] = []
        if let ring = state.ring { parts.append("ring \(ring)") }
        parts.append("members " + names.text(state.nodes.filter(\.isMember).map(\.reference)))
        // Groups the missing nodes by state, in the order of their first node.
        var missing: [(state: String, nodes: [NodeReference])] = []
        for node in state.missingNodes {
            if let group = missing.firstIndex(where: { $0.state == node.stateName }) {
                missing[group].nodes.append(node.reference)
            } else {
                missing.append((node.stateName, [node.reference]))
            }
        }
        parts += missing.map { "\($0.state): \(names.text($0.nodes))" }
        if let device = state.device { parts.append("quorum device " + device.text) }
        return summary(state, verdict: state.verdict) + StyledText(parts.map { "; \($0)" }.joined())
    }

    private static func update(_ state: ClusterState, _ changes: [Change], after said: NodelistReport?) -> StyledText {
        // The verdict is in capitals unless the cluster was quorate before and still is.
        let turned = changes.contains { $0.field == "quorate" }
        let verdict = state.quorate == true && !turned ? "quorate" : state.verdict
        // The quorate flag changes at the same time.
        let reported = turned ? changes.filter { $0.field != "flags" } : changes
        let phrases = ChangeText(state, after: said).phrases(for: reported)
        return summary(state, verdict: verdict) + StyledText(phrases.map { "; \($0)" }.joined())
    }

    private static func nodelist(_ report: NodelistReport) -> String {
        let names = NodeNames(among: report.members + report.left)
        let members = report.members
        var parts = [
            "ring \(report.ring): "
                + (members.count > NodeNames.mostListed ? "\(members.count) nodes" : names.text(members))
        ]
        if !report.joined.isEmpty { parts.append("joined: \(names.text(report.joined))") }
        if !report.left.isEmpty { parts.append("left: \(names.text(report.left))") }
        return parts.joined(separator: "; ")
    }

    private static func summary(_ state: ClusterState, verdict: String) -> StyledText {
        let style: TextStyle? = state.quorate.map { $0 ? (verdict == "QUORATE" ? .good : nil) : .bad } ?? .warning
        return StyledText(verdict, style)
            + StyledText(": \(state.votesText)" + (state.marginText.map { ", \($0)" } ?? ""))
    }
}
