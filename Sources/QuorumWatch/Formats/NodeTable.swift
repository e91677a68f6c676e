// SPDX-License-Identifier: MIT

internal import Corosync

/// The columns of a table of nodes, in their order; the raw value is the heading.
enum NodeColumn: String, CaseIterable {
    case id = "ID"
    case name = "NAME"
    case state = "STATE"
    case votes = "VOTES"
    case since = "SINCE"
    case links = "LINKS"
    case device = "QDEVICE"
    case ifDown = "IF DOWN"
    case addresses = "ADDRESSES"
}

extension TextTable {
    /// The table of the nodes of a state, one row for each group of equal nodes, with those of the columns that have
    /// something to say. `since` is when the state of each node began, in words; `departed` are the members that are not
    /// part of the membership that votequorum recalculates.
    init(
        of state: ClusterState, _ groups: [[Node]], columns: [NodeColumn], margin: Int = 4,
        since: [NodeID: String] = [:], departed: Set<NodeID> = []
    ) {
        let predictsUp = state.quorate == false && state.waysToQuorum != nil
        let shown = columns.filter { column in
            switch column {
            case .id, .name, .state, .since, .addresses: true
            case .votes: state.quorate != nil
            case .links: state.links?.isEmpty == false
            case .device: state.quorate != nil && state.nodes.contains { $0.device != nil }
            case .ifDown: state.quorate != nil && (predictsUp || state.nodes.contains { $0.quorateIfDown != nil })
            }
        }
        self.init(
            columns: shown.map { column in
                Column(
                    heading: column == .ifDown && predictsUp ? "IF UP" : column.rawValue,
                    isNumber: column == .id || column == .votes)
            }, margin: margin)
        let names = state.names
        rows = groups.map { group in
            let node = group[0]
            let links = state.links?.filter { $0.id.node == node.id } ?? []
            let hasLeft = departed.contains(node.id)
            let cells = shown.map { column in
                switch column {
                case .id: abbreviated(group.map(\.id.description), separator: " ")
                case .name:
                    group.count > 1
                        ? names.text(group.map(\.reference)) : node.name.map { escaped($0, limit: 64) } ?? "-"
                case .state: hasLeft ? "left" : node.stateText
                case .votes: node.votes.map(String.init) ?? "-"
                case .since: since[node.id] ?? ""
                case .links: links.isEmpty ? "-" : "\(links.count { $0.isConnected }) of \(links.count)"
                case .device: node.device?.shortText ?? "-"
                case .ifDown: predictsUp ? state.ifUpText(of: node) : node.ifDownText
                case .addresses:
                    group.count > 1 ? "" : node.addresses.map { escaped($0, limit: 64) }.joined(separator: " ")
                }
            }
            let isGood =
                node.isMember && !hasLeft && node.device?.isWorking != false && !state.isLost(without: node)
                && links.allSatisfy(\.isConnected)
            return Row(cells: cells, isMarked: node.isLocal, style: isGood ? nil : .warning)
        }
    }
}

extension TextTable {
    /// Makes a table of nodes narrower: cuts the names, and removes the least important columns. `mark` ends a name that
    /// was cut.
    mutating func fit(into width: Int, mark: String = "…") {
        for column in [NodeColumn.addresses, nil, .votes, .ifDown, .id, .links] where self.width > width {
            column.map { remove($0.rawValue) }
            guard let names = columns.firstIndex(where: { $0.heading == NodeColumn.name.rawValue }) else { return }
            let longest = rows.map { $0.cells[names].columns }.max() ?? 0
            let room = max(8, longest - (self.width - width))
            for row in rows.indices { rows[row].cells[names] = rows[row].cells[names].cut(to: room, mark: mark) }
        }
    }
}

extension Node {
    /// Whether the cluster would be quorate if the node failed.
    fileprivate var ifDownText: String {
        isMember ? quorateIfDown.map { $0 ? "quorate" : "not quorate" } ?? "?" : "-"
    }
}

extension ClusterState {
    /// Whether the cluster would be quorate if the missing node joined.
    fileprivate func ifUpText(of node: Node) -> String {
        node.isMember ? "-" : waysToQuorum?.contains([node.reference]) == true ? "quorate" : "not quorate"
    }
}
