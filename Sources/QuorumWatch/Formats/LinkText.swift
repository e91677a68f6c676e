// SPDX-License-Identifier: MIT

internal import Corosync

/// Texts for links and evidence.

extension LinkReport {
    /// `link 1 to node3 is down`
    var text: String {
        let link = "link \(number) to \(NodeNames(among: [node]).text(node))"
        let downs = downs ?? 0
        let times = downs > 1 ? " \(downs) times" : ""
        guard isConnected else { return "\(link) is down" + (downs > 1 ? " (it went down\(times))" : "") }
        return "\(link) " + (downs > 0 ? "went down\(times), and is" : "is") + " connected again"
    }
}

extension EvidenceReport {
    /// Whether no token was lost and corosync was always scheduled: a node joined, or left without a failure.
    var isHarmless: Bool {
        tokenLosses == 0 && consensusTimeouts == 0 && schedulingMisses.isEmpty && mtuChanges.isEmpty && rejoined.isEmpty
            && configVersions.isEmpty
    }

    /// `evidence for membership 1.22: token lost; links 0 and 1 to node3 went down 1.4 s before; corosync was not
    /// scheduled for 3.2 s`
    var text: String {
        func count(_ count: UInt64?, _ words: String) -> String? {
            guard let count, count > 0 else { return nil }
            return words + (count > 1 ? " \(count) times" : "")
        }
        let names = NodeNames(
            among: Set((linksDown ?? []).map(\.node) + mtuChanges.map(\.node) + rejoined + configVersions.map(\.node)))
        let isCleared = [tokenLosses, consensusTimeouts, retransmits, memberships].contains(nil) || linksDown == nil
        var parts = [tokenLosses == 0 ? "no token lost" : count(tokenLosses, "token lost")]
        parts.append(count(consensusTimeouts, "membership consensus timed out"))
        parts.append(linksDown.flatMap { $0.isEmpty ? nil : $0.text(names) })
        parts += mtuChanges.map { "MTU of link \($0.number) to \(names.text($0.node)) \($0.from) -> \($0.to) bytes" }
        parts.append(rejoined.isEmpty ? nil : "\(names.sentence(rejoined)) left and joined again in between")
        parts += configVersions.map {
            "\(names.text($0.node)) has configuration version \($0.version), not this node's"
        }
        parts.append(retransmits.flatMap { $0 > 0 ? "\($0) message\($0 == 1 ? "" : "s") retransmitted" : nil })
        parts.append(memberships.flatMap { $0 > 1 ? "\($0) memberships formed" : nil })
        if !schedulingMisses.isEmpty {
            parts.append("corosync was not scheduled for \(list(schedulingMisses.map { $0.delay.secondsText }))")
        }
        if isCleared { parts.append("not all counters are known") }
        let subject = ring.map { "evidence for membership \($0): " } ?? "evidence: "
        return subject + parts.compactMap { $0 }.joined(separator: "; ")
    }
}

extension [LinkDown] {
    /// `links 0 and 1 to node3 went down 1.4 s before`. Nodes with the same links are grouped.
    fileprivate func text(_ names: NodeNames) -> String {
        let nodes = grouped(by: \.node).map { node, links in (node: node, numbers: links.map(\.number)) }
        let links = nodes.grouped(by: \.numbers).map { numbers, nodes in
            "link\(numbers.count == 1 ? "" : "s") \(list(numbers.map(String.init))) to "
                + names.sentence(nodes.map(\.node))
        }
        let times = compactMap(\.before)
        guard let first = times.max(), let last = times.min() else { return "\(list(links)) went down" }
        let isOne = first.secondsText == last.secondsText && times.count == count
        return "\(list(links)) went down" + (isOne ? "" : ", the first") + " \(first.timeText)"
    }
}

extension [Link] {
    /// A table for the status.
    func table(in state: ClusterState) -> TextTable {
        var table = TextTable(columns: [
            .init(heading: "LINK", isNumber: true), .init(heading: "TO"), .init(heading: "STATE"),
            .init(heading: "AVERAGE LATENCY", isNumber: true), .init(heading: "MTU", isNumber: true),
        ])
        let names = state.names
        table.rows = filter { state.node($0.id.node)?.isRemoved != true }.map { link in
            let node = state.reference(link.id.node)
            return TextTable.Row(
                cells: [
                    "\(link.id.number)", names.text(node), link.isConnected ? "connected" : "down",
                    link.isConnected ? link.latency.map(\.millisecondsText) ?? "-" : "-",
                    link.mtu.map(String.init) ?? "-",
                ], style: link.isConnected ? nil : .warning)
        }
        return table
    }
}

extension Int64 {
    /// Milliseconds as seconds with one decimal place: `3.2 s`.
    fileprivate var secondsText: String {
        let tenths = self / 100 + (self % 100 >= 50 ? 1 : 0)
        return "\(tenths / 10).\(tenths % 10) s"
    }

    /// Milliseconds before a moment: `1.4 s before`.
    fileprivate var timeText: String { self < 0 ? "\((0 - self).secondsText) after" : "\(secondsText) before" }
}

extension UInt32 {
    /// Microseconds as milliseconds with three decimal places: `0.125 ms`.
    fileprivate var millisecondsText: String { "\(self / 1000).\(String(1000 + self % 1000).dropFirst()) ms" }
}
