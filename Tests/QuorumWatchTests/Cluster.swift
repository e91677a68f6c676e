// SPDX-License-Identifier: MIT

import Corosync

@testable import QuorumWatch

/// A cluster of three nodes, from the view of node 1, that generates input for the reducer.
struct Cluster {
    var reducer = Reducer()
    private var tracker = ChangeTracker()
    /// The changes in each event of the last input, for an output that is given every event.
    private(set) var changesOfEach: [[Change]] = []
    var states: [UInt32: NodeState] = [1: .member, 2: .member, 3: .member]
    var votes: [UInt32: UInt32] = [1: 1, 2: 1, 3: 1]
    var expected: UInt32 = 3
    var deviceFlags: NodeInfo.Flags = []
    var isQuorate = true

    /// A cluster after its first status.
    static func settled() -> Cluster {
        var cluster = Cluster()
        _ = cluster.reduce(.configuration(.named([1, 2, 3])))
        _ = cluster.nodelist(1, [1, 2, 3])
        _ = cluster.quorum(true)
        return cluster
    }

    /// The present result of votequorum_getinfo(3) for all nodes.
    var reading: Reading {
        let total = states.filter { $0.value == .member }.map { votes[$0.key] ?? 1 }.reduce(0, +)
        func info(_ id: UInt32) -> NodeInfo {
            NodeInfo(
                id: NodeID(id), state: states[id] ?? .dead, votes: votes[id] ?? 1, expectedVotes: expected,
                highestExpected: expected, totalVotes: total, quorum: expected / 2 + 1,
                flags: deviceFlags.union(isQuorate ? .quorate : []), quorumDeviceVotes: 1, quorumDeviceName: "net")
        }
        return Reading(local: info(1), others: states.keys.filter { $0 != 1 }.map(info))
    }

    /// Sets the expected votes of all nodes. Returns the notification of that.
    mutating func expect(_ votes: UInt32) -> Reducer.Input {
        expected = votes
        return .expectedVotes(votes, reading)
    }

    /// The nodes as in a quorum notification, which does not sort them.
    var listed: [VoteQuorum.Notification.ListedNode] {
        states.sorted { $0.key > $1.key }.map { .init(id: NodeID($0.key), state: $0.value) }
    }

    /// Processes an input of a moment, in microseconds by both clocks.
    mutating func reduce(_ input: Reducer.Input, at time: Int64 = 0) -> [Event] {
        let events = reducer.reduce(input, at: .at(microseconds: time))
        changesOfEach = events.map { tracker.changes(in: $0) ?? [] }
        return events
    }

    /// The changes in the last event of the last input.
    var changes: [Change] { changesOfEach.last ?? [] }

    mutating func nodelist(_ sequence: UInt64, _ members: [UInt32], at time: Int64 = 0) -> [Event] {
        let ring = RingID(node: NodeID(1), sequence: sequence)
        return reduce(.nodelist(ring: ring, members: members.map(NodeID.init(_:))), at: time)
    }

    mutating func quorum(_ quorate: Bool, at time: Int64 = 0) -> [Event] {
        isQuorate = quorate
        return reduce(.quorum(quorate: quorate, nodes: listed, reading), at: time)
    }
}

extension Moment {
    /// A moment in the life of a test, by both clocks.
    static func at(microseconds: Int64) -> Moment {
        Moment(time: Timestamp(microseconds: microseconds), instant: Instant(nanoseconds: UInt64(microseconds) * 1000))
    }
}

extension Configuration {
    static func named(_ ids: [UInt32]) -> Configuration {
        Configuration(
            clusterName: "lab",
            nodes: ids.map { ConfiguredNode(id: NodeID($0), name: "node\($0)", addresses: ["10.0.0.\($0)"]) })
    }
}

extension CorosyncError {
    static let lost = CorosyncError(code: .libraryFailure, operation: .votequorumDispatch)
}

extension Array {
    /// The element, if there is exactly one.
    var only: Element? { count == 1 ? self[0] : nil }
}

/// An event with which a test cannot continue.
struct Unexpected: Error {
    let event: Event?
    init(_ event: Event?) { self.event = event }
}
