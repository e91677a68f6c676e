// SPDX-License-Identifier: MIT

internal import Corosync

/// The status as a page for people: the verdict, what it rests on, and a table of the nodes.
struct StatusText {
    let color: Bool

    /// The page.
    func page(for state: ClusterState) -> [UInt8] {
        let verdict = (state.quorate.map { $0 ? TextStyle.good : .bad } ?? .warning)
            .apply(to: state.verdict, color: color)
        var page = "Cluster \(state.clusterName.map { harmless($0) } ?? "(no name)"): \(verdict)\n"
        let facts: [(String, String)] = [
            ("Votes", state.votesText + (state.marginText.map { ", \($0)" } ?? "")),
            ("Highest expected", state.votes.highestExpected.map(String.init) ?? "?"),
            ("Flags", state.flags.map { $0.clusterFlagNames.joined(separator: " ") } ?? "?"),
            ("Ring ID", state.ring?.description ?? "?"),
            ("Quorum device", state.device?.text ?? "none"),
        ]
        for (name, value) in facts {
            page += "  \(name):".padded(to: 20) + (value.isEmpty ? "none" : value) + "\n"
        }
        return Array((page + "\n" + table(of: state.nodes)).utf8)
    }

    private func table(of nodes: [Node]) -> String {
        let hasDevice = nodes.contains { $0.device != nil }
        let header = ["ID", "NAME", "STATE", "VOTES"] + (hasDevice ? ["QDEVICE"] : []) + ["ADDRESSES"]
        let rows = nodes.map { node in
            [
                node.id.description, node.name.map { harmless($0, limit: 64) } ?? "-", node.stateName,
                node.votes.map(String.init) ?? "-",
            ] + (hasDevice ? [node.device?.text ?? "-"] : []) + [
                node.addresses.map { harmless($0, limit: 64) }.joined(separator: " ")
            ]
        }
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            cells.indices.map { column in
                column == 0 || column == 3
                    ? cells[column].padded(to: widths[column], left: true) : cells[column].padded(to: widths[column])
            }.joined(separator: "  ")
        }
        var table = TextStyle.faint.apply(to: "    " + line(header).trimmed, color: color) + "\n"
        for (node, row) in zip(nodes, rows) {
            let text = (node.isLocal ? "  * " : "    ") + line(row).trimmed
            table += (node.isMember ? text : TextStyle.warning.apply(to: text, color: color)) + "\n"
        }
        return table + (nodes.contains(where: \.isLocal) ? "    * this node\n" : "")
    }
}

extension String {
    fileprivate func padded(to width: Int, left: Bool = false) -> String {
        let padding = String(repeating: " ", count: max(0, width - count))
        return left ? padding + self : self + padding
    }

    /// Without the blanks at the end.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
