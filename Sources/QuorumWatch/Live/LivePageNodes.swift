// SPDX-License-Identifier: MIT

internal import Corosync

// The nodes of a page: a table, divided into as many parts side by side as are needed to show all nodes. If they do not
// fit, the nodes that matter most come first, and the others are counted.
extension LivePage {
    /// The table, with its heading, in at most `room` lines.
    mutating func nodes(of state: ClusterState, room: Int) -> [StyledText] {
        let nodes = state.shownNodes
        guard room > 1, !nodes.isEmpty else { return [] }
        var table = table(of: state)
        if nodes.count >= room { table.remove(NodeColumn.addresses.rawValue) }
        table.fit(into: size.width, mark: glyphs.text("…"))
        let most = max(1, (size.width + 2) / (table.width + 2))
        let across = min(most, (nodes.count + room - 2) / (room - 1))
        guard across * (room - 1) < nodes.count else { return table.lines(beside: max(1, across)) }

        let order = nodes.indices.sorted { one, other in
            (rank(of: nodes[one]), one) < (rank(of: nodes[other]), other)
        }
        // The last line counts the rest.
        let shown = most * (room - 2)
        var lines: [StyledText] = []
        if shown > 0 {
            table.rows = order.prefix(shown).map { table.rows[$0] }
            lines = table.lines(beside: most)
        }
        let rest = order.dropFirst(shown).sorted().map { nodes[$0] }
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

    private func hasLinkDown(_ node: Node) -> Bool {
        facts.state?.links?.contains { $0.id.node == node.id && !$0.isConnected } ?? false
    }

    private mutating func table(of state: ClusterState) -> TextTable {
        let nodes = state.shownNodes
        var since: [NodeID: String] = [:]
        for node in nodes { since[node.id] = facts.nodesSince[node.id].flatMap { durations.text(since: $0) } }
        // What they would say is of before the recalculation.
        let columns = NodeColumn.allCases.filter { facts.recalculation == nil || ![.votes, .ifDown].contains($0) }
        var table = TextTable(
            of: state, nodes.map { [$0] }, columns: columns, margin: 2, since: since,
            departed: Set(nodes.filter(isLeaving).map(\.id)))
        for row in table.rows.indices { table.rows[row].cells = table.rows[row].cells.map { glyphs.text($0) } }
        return table
    }
}
