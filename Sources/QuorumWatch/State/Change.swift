// SPDX-License-Identifier: MIT

internal import Corosync

/// One difference between two states.
struct Change: Hashable, Sendable {
    /// The dotted path of the field in the JSON line, with the ID of the node where there is one (`nodes.3.state`).
    var field: String
    /// The value before.
    var from: Value
    /// The value now.
    var to: Value

    /// A value of a JSON line.
    enum Value: Hashable, Sendable {
        /// Unknown or missing.
        case null
        /// True or false.
        case bool(Bool)
        /// A number.
        case number(Int)
        /// A string.
        case string(String)
        /// A list of strings.
        case strings([String])
        /// A quorum device that was added or removed.
        case device(QuorumDevice)
        /// The state of a quorum device that was registered or unregistered on a node.
        case deviceState(DeviceState)
        /// A node that was added or removed.
        case node(Node)
        /// A link that was added or removed.
        case link(Link)
        /// The links, if they were or are unknown.
        case links([Link])
    }
}

extension ClusterState {
    /// What has changed since an earlier state, in the order of the fields of a JSON line.
    func changes(since old: ClusterState) -> [Change] {
        guard self != old else { return [] }
        var changes = ChangeList()
        changes.note("cluster_name", .init(old.clusterName), .init(clusterName))
        changes.note("local_node_id", .init(old.localNode?.rawValue), .init(localNode?.rawValue))
        changes.note("quorate", .init(old.quorate), .init(quorate))
        changes.note("ring_id", .init(old.ring?.description), .init(ring?.description))
        changes.note("votes.total", .init(old.votes.total), .init(votes.total))
        changes.note("votes.expected", .init(old.votes.expected), .init(votes.expected))
        changes.note("votes.highest_expected", .init(old.votes.highestExpected), .init(votes.highestExpected))
        changes.note("votes.quorum", .init(old.votes.quorum), .init(votes.quorum))
        changes.note("votes.margin", .init(old.votes.margin), .init(votes.margin))
        changes.note("flags", .init(old.flags?.clusterFlagNames), .init(flags?.clusterFlagNames))
        changes.note(from: old.device, to: device)
        changes.note(from: old.nodes, to: nodes)
        changes.note(from: old.links, to: links)
        return changes.list
    }
}

extension Change.Value {
    fileprivate init(_ bool: Bool?) { self = bool.map(Self.bool) ?? .null }
    fileprivate init(_ number: (some BinaryInteger)?) { self = number.map { .number(Int($0)) } ?? .null }
    fileprivate init(_ string: String?) { self = string.map(Self.string) ?? .null }
    fileprivate init(_ strings: [String]?) { self = strings.map(Self.strings) ?? .null }
}

private struct ChangeList {
    var list: [Change] = []

    mutating func note(_ field: @autoclosure () -> String, _ from: Change.Value, _ to: Change.Value) {
        if from != to { list.append(Change(field: field(), from: from, to: to)) }
    }

    mutating func note(from old: QuorumDevice?, to new: QuorumDevice?) {
        guard let old, let new else {
            return note("qdevice", old.map(Change.Value.device) ?? .null, new.map(Change.Value.device) ?? .null)
        }
        note("qdevice.name", .init(old.name), .init(new.name))
        note("qdevice.model", .init(old.model), .init(new.model))
        note("qdevice.registered", .bool(old.isRegistered), .bool(new.isRegistered))
        note("qdevice.votes", .init(old.votes), .init(new.votes))
        note("qdevice.alive", .bool(old.state?.alive ?? false), .bool(new.state?.alive ?? false))
        note("qdevice.cast_vote", .bool(old.state?.castVote ?? false), .bool(new.state?.castVote ?? false))
        note("qdevice.master_wins", .bool(old.state?.masterWins ?? false), .bool(new.state?.masterWins ?? false))
    }

    /// Both lists are sorted by ID, so a single pass over both finds every difference.
    mutating func note(from old: [Node], to new: [Node]) {
        var old = old[...]
        var new = new[...]
        while let id = [old.first?.id, new.first?.id].compactMap({ $0 }).min() {
            let before = old.first?.id == id ? old.removeFirst() : nil
            let after = new.first?.id == id ? new.removeFirst() : nil
            note(node: id, from: before, to: after)
        }
    }

    /// Latencies and counters are not compared.
    mutating func note(from old: [Link]?, to new: [Link]?) {
        guard let old, let new else {
            return note("links", old.map(Change.Value.links) ?? .null, new.map(Change.Value.links) ?? .null)
        }
        var (before, after) = (old[...], new[...])
        while let id = [before.first?.id, after.first?.id].compactMap({ $0 }).min() {
            let old = before.first?.id == id ? before.removeFirst() : nil
            let new = after.first?.id == id ? after.removeFirst() : nil
            let field = "links.\(id.node).\(id.number)"
            guard let old, let new else {
                note(field, old.map(Change.Value.link) ?? .null, new.map(Change.Value.link) ?? .null)
                continue
            }
            note("\(field).connected", .bool(old.isConnected), .bool(new.isConnected))
            note("\(field).enabled", .init(old.isEnabled), .init(new.isEnabled))
        }
    }

    private mutating func note(node id: NodeID, from old: Node?, to new: Node?) {
        guard old != new else { return }
        guard let old, let new else {
            return note("nodes.\(id)", old.map(Change.Value.node) ?? .null, new.map(Change.Value.node) ?? .null)
        }
        note("nodes.\(id).name", .init(old.name), .init(new.name))
        note("nodes.\(id).state", .string(old.stateName), .string(new.stateName))
        note("nodes.\(id).votes", .init(old.votes), .init(new.votes))
        note("nodes.\(id).expected_votes", .init(old.expectedVotes), .init(new.expectedVotes))
        note("nodes.\(id).local", .bool(old.isLocal), .bool(new.isLocal))
        note("nodes.\(id).addresses", .strings(old.addresses), .strings(new.addresses))
        note(
            "nodes.\(id).qdevice", old.device.map(Change.Value.deviceState) ?? .null,
            new.device.map(Change.Value.deviceState) ?? .null)
    }
}
