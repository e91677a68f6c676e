// SPDX-License-Identifier: MIT

internal import Corosync

/// Texts for links and evidence.

extension LinkReport {
    /// `1 to node3(3) is down`, which follows the kind of the event, `link`.
    var words: String {
        let link = "\(number) to \(node.text)"
        guard isConnected else {
            return "\(link) is down\(downs.map { $0 > 1 ? " (it went down \($0) times)" : "" } ?? "")"
        }
        guard let downs, downs > 0 else { return "\(link) is connected again" }
        return "\(link) went down\(downs > 1 ? " \(downs) times" : ""), and is connected again"
    }
}

extension EvidenceReport {
    /// Whether no token was lost and corosync was always scheduled: a node joined, or left without a failure.
    var isHarmless: Bool { tokenLosses == 0 && consensusTimeouts == 0 && schedulingMisses.isEmpty }

    /// `ring 1.22: token lost; links 0 and 1 to node3(3) went down; corosync was not scheduled for 3.2 s`
    var text: String {
        func count(_ count: UInt64?, _ words: String) -> String? {
            guard let count, count > 0 else { return nil }
            return words + (count > 1 ? " \(count) times" : "")
        }
        let isCleared = [tokenLosses, consensusTimeouts, retransmits, memberships].contains(nil) || linksDown == nil
        var parts = [tokenLosses == 0 ? "no token lost" : count(tokenLosses, "token lost")]
        parts.append(count(consensusTimeouts, "no consensus in time"))
        parts.append(linksDown.flatMap { $0.isEmpty ? nil : "\($0.text) went down" })
        parts.append(retransmits.flatMap { $0 > 0 ? "\($0) message\($0 == 1 ? "" : "s") sent again" : nil })
        parts.append(memberships.flatMap { $0 > 1 ? "\($0) memberships formed" : nil })
        if !schedulingMisses.isEmpty {
            parts.append("corosync was not scheduled for \(list(schedulingMisses.map { $0.delay.secondsText }))")
        }
        if isCleared { parts.append("not all counters are known") }
        return (ring.map { "ring \($0): " } ?? "") + parts.compactMap { $0 }.joined(separator: "; ")
    }
}

extension [LinkDown] {
    /// `links 0 and 1 to node3(3)`. Nodes with the same links are grouped.
    fileprivate var text: String {
        var groups: [(numbers: [Int], nodes: [NodeReference])] = []
        var rest = self[...]
        while let node = rest.first?.node {
            let numbers = rest.prefix { $0.node == node }.map(\.number)
            rest = rest.dropFirst(numbers.count)
            if let index = groups.firstIndex(where: { $0.numbers == numbers }) {
                groups[index].nodes.append(node)
            } else {
                groups.append((numbers, [node]))
            }
        }
        return list(
            groups.map { group in
                "link\(group.numbers.count == 1 ? "" : "s") \(list(group.numbers.map(String.init))) to "
                    + (group.nodes.count <= NodeNames.mostListed
                        ? list(group.nodes.map(\.text)) : NodeNames(among: group.nodes).text(group.nodes))
            })
    }
}

extension [Link] {
    /// A table for the status.
    func table(in state: ClusterState) -> TextTable {
        var table = TextTable(columns: [
            .init(heading: "LINK", isNumber: true), .init(heading: "TO"), .init(heading: "STATE"),
            .init(heading: "LATENCY", isNumber: true),
        ])
        let names = state.names
        table.rows = map { link in
            let node = state.reference(link.id.node)
            return TextTable.Row(
                cells: [
                    "\(link.id.number)", names.text(node), link.isConnected ? "connected" : "down",
                    link.isConnected ? link.latency.map(\.millisecondsText) ?? "-" : "-",
                ], style: link.isConnected ? nil : .warning)
        }
        return table
    }
}

/// `a`, `a and b`, `a, b and c`
func list(_ words: [String]) -> String {
    guard words.count > 1, let last = words.last else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
}

extension Int64 {
    /// Milliseconds as seconds with one decimal place: `3.2 s`.
    fileprivate var secondsText: String {
        let tenths = self / 100 + (self % 100 >= 50 ? 1 : 0)
        return "\(tenths / 10).\(tenths % 10) s"
    }
}

extension UInt32 {
    /// Microseconds as milliseconds with three decimal places: `0.125 ms`.
    var millisecondsText: String { "\(self / 1000).\(String(1000 + self % 1000).dropFirst()) ms" }
}
