// SPDX-License-Identifier: MIT

internal import Corosync

// The nodes of a page: a table, divided into as many parts side by side as are needed to show all nodes. If they do not
// fit, the nodes that matter most come first, and the others are counted.
extension LivePage {
    /// The table, with its heading, in at most `room` lines.
    mutating func nodes(of state: ClusterState, room: Int) -> [StyledText] {
        guard room > 1, !state.nodes.isEmpty else { return [] }
        var table = table(of: state)
        if table.width > size.width || state.nodes.count >= room { table.remove("ADDRESSES") }
        table.fit(into: size.width, mark: glyphs.text("…"))
        let most = max(1, (size.width + 2) / (table.width + 2))
        let across = min(most, (state.nodes.count + room - 2) / (room - 1))
        guard across * (room - 1) < state.nodes.count else { return table.lines(beside: max(1, across)) }

        let order = state.nodes.indices.sorted { one, other in
            (rank(of: state.nodes[one]), one) < (rank(of: state.nodes[other]), other)
        }
        // The last line counts the rest.
        let shown = most * (room - 2)
        var lines: [StyledText] = []
        if shown > 0 {
            table.rows = order.prefix(shown).map { table.rows[$0] }
            lines = table.lines(beside: most)
        }
        let rest = order.dropFirst(shown).sorted().map { state.nodes[$0] }
        let what = rest.allSatisfy(\.isMember) ? "members" : "nodes"
        let names = state.names.text(rest.map(\.reference))
        let line = "    \(shown > 0 ? "and " : "")\(rest.count)\(shown > 0 ? " more" : "") \(what): \(names)"
        return lines + [StyledText(glyphs.text(line).cut(to: size.width, mark: glyphs.text("…")))]
    }

    /// The place of a node in the order of importance: first nodes with a problem, then those that changed, then this
    /// node.
    private func rank(of node: Node) -> Int {
        if !node.isMember || isLeaving(node) || node.device?.isWorking == false || hasLinkDown(node) { return 0 }
        if facts.nodesSince[node.id]?.isExact == true { return 1 }
        return node.isLocal ? 2 : 3
    }

    /// Whether a node that votequorum still calls a member is not part of the ring any more.
    private func isLeaving(_ node: Node) -> Bool {
        node.isMember && facts.recalculation.map { !$0.members.contains(node.id) } ?? false
    }

    private func links(to node: Node) -> [Link] { facts.state?.links?.filter { $0.id.node == node.id } ?? [] }

    private func hasLinkDown(_ node: Node) -> Bool { links(to: node).contains { !$0.isConnected } }

    private mutating func table(of state: ClusterState) -> TextTable {
        let nodes = state.nodes
        var table = TextTable(
            columns: [
                .init(heading: "ID", isNumber: true), .init(heading: "NAME"), .init(heading: "STATE"),
                .init(heading: "VOTES", isNumber: true), .init(heading: "SINCE"), .init(heading: "LINKS"),
                .init(heading: "QDEVICE"), .init(heading: "IF DOWN"), .init(heading: "ADDRESSES"),
            ], margin: 2)
        for node in nodes {
            let since = facts.nodesSince[node.id].flatMap { durations.text(since: $0) }
            let isLeaving = isLeaving(node)
            let isGood =
                node.isMember && !isLeaving && node.device?.isWorking != false && !state.isLost(without: node)
                && !hasLinkDown(node)
            let links = links(to: node)
            let device = node.device.map { $0.isWorking ? "votes" : $0.alive ? "no vote" : "not alive" }
            let cells: [String] = [
                node.id.description, node.name.map { escaped($0, limit: 64) } ?? "-",
                isLeaving ? "not in ring" : node.stateName, node.votes.map(String.init) ?? "-", since ?? "",
                links.isEmpty ? "-" : "\(links.count { $0.isConnected }) of \(links.count)",
                device ?? "-", node.ifDownText,
                node.addresses.map { escaped($0, limit: 64) }.joined(separator: " "),
            ]
            table.rows.append(
                TextTable.Row(
                    cells: cells.map { glyphs.text($0) }, isMarked: node.isLocal, style: isGood ? nil : .warning))
        }
        if facts.state?.links?.isEmpty != false { table.remove("LINKS") }
        if !nodes.contains(where: { $0.device != nil }) { table.remove("QDEVICE") }
        if !nodes.contains(where: { $0.quorateIfDown != nil }) { table.remove("IF DOWN") }
        return table
    }
}

extension TextTable {
    /// Makes the table narrower: cuts the names, and removes the least important columns. `mark` ends a name that was
    /// cut.
    fileprivate mutating func fit(into width: Int, mark: String) {
        for heading in [nil, "VOTES", "IF DOWN", "ID", "LINKS"] where self.width > width {
            heading.map { remove($0) }
            let names = columns.firstIndex { $0.heading == "NAME" }!
            let longest = rows.map { $0.cells[names].columns }.max() ?? 0
            let room = max(8, longest - (self.width - width))
            for row in rows.indices { rows[row].cells[names] = rows[row].cells[names].cut(to: room, mark: mark) }
        }
    }
}
