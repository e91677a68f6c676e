// SPDX-License-Identifier: MIT

internal import Corosync

/// The status as a page for people: the verdict, the votes and flags, and a table of the nodes.
struct StatusText {
    let color: Bool
    /// The height of the terminal in lines; nil: no terminal. If the nodes do not fit, equal nodes share a row.
    var height: Int?

    /// The page.
    func page(for state: ClusterState) -> [UInt8] {
        let facts: [(String, String)] = [
            ("Votes", state.votesText + (state.marginText.map { ", \($0)" } ?? "")),
            ("Highest expected", state.votes.highestExpected.map(String.init) ?? "?"),
            ("Flags", state.flags.map { $0.clusterFlagNames.joined(separator: " ") } ?? "?"),
            ("Ring ID", state.ring?.description ?? "?"),
            ("Quorum device", state.device?.text ?? "none"),
        ]
        var lines: [StyledText] = [
            StyledText("Cluster \(state.clusterName.map { escaped($0) } ?? "(no name)"): ")
                + StyledText(state.verdict, state.quorate.map { $0 ? .good : .bad } ?? .warning)
        ]
        lines += facts.map { name, value in
            StyledText("  \(name):".padded(to: 20) + (value.isEmpty ? "none" : value))
        }
        lines.append("")
        // The heading, the legend, and the shell's prompt take three lines.
        let room = height.map { $0 - lines.count - 3 } ?? .max
        lines += table(of: state, isGrouped: state.nodes.count > room).lines()
        if state.nodes.contains(where: \.isLocal) { lines.append("    * this node") }
        if let links = state.links, !links.isEmpty { lines += [""] + links.table(in: state).lines() }
        return lines.flatMap { Array("\($0.rendered(color: color))\n".utf8) }
    }

    private func table(of state: ClusterState, isGrouped: Bool) -> TextTable {
        var table = TextTable(columns: [
            .init(heading: "ID", isNumber: true), .init(heading: "NAME"), .init(heading: "STATE"),
            .init(heading: "VOTES", isNumber: true), .init(heading: "QDEVICE"), .init(heading: "IF DOWN"),
            .init(heading: "ADDRESSES"),
        ])
        var groups: [[Node]] = []
        for node in state.nodes {
            let group = isGrouped ? groups.firstIndex { $0[0].looksLike(node) } : nil
            if let group { groups[group].append(node) } else { groups.append([node]) }
        }
        let names = state.names
        table.rows = groups.map { group in
            let node = group[0]
            let addresses = node.addresses.map { escaped($0, limit: 64) }.joined(separator: " ")
            return TextTable.Row(
                cells: [
                    abbreviated(group.map(\.id.description)),
                    group.count > 1
                        ? names.text(group.map(\.reference)) : node.name.map { escaped($0, limit: 64) } ?? "-",
                    node.stateName, node.votes.map(String.init) ?? "-", node.device?.text ?? "-",
                    node.ifDownText,
                    group.count > 1 ? "" : addresses,
                ],
                isMarked: node.isLocal, style: node.isMember && !state.isLost(without: node) ? nil : .warning)
        }
        if !state.nodes.contains(where: { $0.device != nil }) { table.remove("QDEVICE") }
        if !state.nodes.contains(where: { $0.quorateIfDown != nil }) { table.remove("IF DOWN") }
        return table
    }
}

extension Node {
    /// Whether both rows would be equal except for ID, name and addresses.
    fileprivate func looksLike(_ other: Node) -> Bool {
        state == other.state && votes == other.votes && device == other.device && quorateIfDown == other.quorateIfDown
            && !isLocal && !other.isLocal
    }
}
