// SPDX-License-Identifier: MIT

internal import Corosync

/// One difference between two states.
struct Change: Hashable, Sendable {
    var field: Field
    var from: FieldValue
    var to: FieldValue

    /// A field of a state.
    enum Field: Hashable, Sendable {
        /// A field of the cluster; of the quorum device or the links, if they were or are unknown.
        case state(ClusterState.Field)
        case votes(Votes.Field)
        case device(QuorumDevice.Field)
        /// A field of a node; nil: the node, which was added or removed.
        case node(NodeID, Node.Field?)
        /// A field of a link; nil: the link, which was added or removed.
        case link(LinkID, Link.Field?)
    }

    /// Whether it causes an event. Values that follow from others do not: a `link` event tells of the reachability.
    var causesEvent: Bool {
        switch field {
        case .node(_, .reachable), .node(_, .quorateIfDown): false
        case .state, .votes, .device, .node, .link: true
        }
    }
}

extension Change.Field {
    /// The dotted path in the JSON line, with the ID of the node: `nodes.3.state`.
    var path: String {
        func path(_ parent: ClusterState.Field, _ names: String?...) -> String {
            ([parent.rawValue] + names.compactMap { $0 }).joined(separator: ".")
        }
        return switch self {
        case .state(let field): field.rawValue
        case .votes(let field): path(.votes, field.rawValue)
        case .device(let field): path(.device, field.rawValue)
        case .node(let id, let field): path(.nodes, id.description, field?.rawValue)
        case .link(let id, let field): path(.links, id.node.description, String(id.number), field?.rawValue)
        }
    }

    /// Whether it is a measurement, which differs all the time. Another value is no change.
    var isMeasurement: Bool {
        if case .link(_, .latency) = self { true } else { false }
    }

    /// The node that the field is about.
    var node: NodeID? {
        switch self {
        case .state, .votes, .device: nil
        case .node(let id, _): id
        case .link(let id, _): id.node
        }
    }
}

extension ClusterState {
    /// What has changed since an earlier state, in the order of the fields of a JSON line.
    func changes(since old: ClusterState) -> [Change] {
        guard self != old else { return [] }
        var changes = ChangeList()
        for field in Field.allCases {
            switch field {
            case .votes: changes.note(from: old.votes, to: votes, Change.Field.votes)
            case .nodes: changes.note(from: old.nodes, to: nodes, \.id, FieldValue.node, Change.Field.node)
            case .device where old.device != nil && device != nil:
                changes.note(from: old.device!, to: device!, Change.Field.device)
            case .links where old.links != nil && links != nil:
                changes.note(from: old.links!, to: links!, \.id, FieldValue.link, Change.Field.link)
            case .problems: changes.note(from: old.problems, to: problems)
            case .clusterName, .localNode, .localName, .quorate, .ring, .flags, .device, .links:
                changes.note(.state(field), old.value(of: field), value(of: field))
            }
        }
        return changes.list
    }

    /// Whether it differs from an earlier state in more than measurements and counters.
    func hasChanged(since old: ClusterState) -> Bool { !changes(since: old).isEmpty }
}

private struct ChangeList {
    var list: [Change] = []

    mutating func note(_ field: Change.Field, _ from: FieldValue, _ to: FieldValue) {
        if from != to, !field.isMeasurement { list.append(Change(field: field, from: from, to: to)) }
    }

    mutating func note<Part: FieldContainer>(
        from old: Part, to new: Part, _ path: (Part.Field) -> Change.Field
    ) {
        guard old != new else { return }
        for field in Part.Field.allCases { note(path(field), old.value(of: field), new.value(of: field)) }
    }

    /// Both lists are sorted, so a single pass over both finds every difference.
    mutating func note<Part: FieldContainer, ID: Comparable>(
        from old: [Part], to new: [Part], _ id: (Part) -> ID, _ whole: (Part) -> FieldValue,
        _ path: (ID, Part.Field?) -> Change.Field
    ) {
        guard old != new else { return }
        var (old, new) = (old[...], new[...])
        while let next = [old.first, new.first].compactMap({ $0.map(id) }).min() {
            let before = old.first.map(id) == next ? old.removeFirst() : nil
            let after = new.first.map(id) == next ? new.removeFirst() : nil
            if let before, let after {
                note(from: before, to: after) { path(next, $0) }
            } else {
                note(path(next, nil), before.map(whole) ?? .null, after.map(whole) ?? .null)
            }
        }
    }

    /// Problems are the same if their codes and nodes are; their texts, and how they share nodes, may differ.
    mutating func note(from old: [Problem], to new: [Problem]) {
        guard old != new, old.subjects() != new.subjects() else { return }
        func codes(_ problems: [Problem]) -> FieldValue {
            .strings(problems.map(\.code.rawValue).reduce(into: []) { if $0.last != $1 { $0.append($1) } })
        }
        list.append(Change(field: .state(.problems), from: codes(old), to: codes(new)))
    }
}

extension ClusterState {
    /// The same state with these links connected or not, of which `link` events tell.
    func with(_ changed: [Link]) -> ClusterState {
        var state = self
        for link in changed {
            guard let index = state.links?.firstIndex(where: { $0.id == link.id }) else { continue }
            state.links?[index].isConnected = link.isConnected
        }
        return state
    }
}
