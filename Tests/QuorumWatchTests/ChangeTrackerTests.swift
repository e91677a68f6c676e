// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

/// Changes are computed for each output, against the last state that this output was given.
@Suite("The changes in an event")
struct ChangeTrackerTests {
    /// A cluster, and the outbox of one output.
    private struct Watched {
        var cluster = Cluster()
        private var filter: EventFilter
        private let outbox: Outbox<Delivery>
        private var tracker = ChangeTracker()

        init(
            kinds: Set<EventKind> = Set(EventKind.allCases), showsFirstStatus: Bool = true,
            limits: Outbox<Delivery>.Limits = Outbox<Delivery>.eventLimits
        ) throws {
            filter = EventFilter(kinds: kinds, showsFirstStatus: showsFirstStatus)
            outbox = try Outbox(limits: limits)
            add { $0.reduce(.configuration(.named([1, 2, 3]))) }
            add { $0.nodelist(1, [1, 2, 3]) }
            add { $0.quorum(true) }
        }

        /// Adds the events of a step to the outbox.
        mutating func add(_ step: (inout Cluster) -> [Event]) {
            for event in step(&cluster) { if let delivery = filter.delivery(of: event) { outbox.put(delivery) } }
        }

        /// Changes the votes of node 2, and adds the events of the next reading.
        mutating func vote(_ votes: UInt32) {
            add { cluster in
                cluster.votes[2] = votes
                return cluster.reduce(.reading(cluster.reading))
            }
        }

        /// The next item that the output shows.
        mutating func next() -> EventItem? { outbox.nextWithoutWaiting().flatMap { tracker.item(for: $0) } }

        /// Closes the outbox and returns the items that the output shows.
        mutating func items() -> [EventItem] {
            outbox.close()
            var items: [EventItem] = []
            while true {
                let next = outbox.next()
                if case .end = next { return items }
                if let item = tracker.item(for: next) { items.append(item) }
            }
        }
    }

    @Test("include those of events that the output does not get")
    func comparesWithWhatWasGiven() throws {
        var watched = try Watched(kinds: [.quorum])
        watched.vote(2)
        watched.add { $0.nodelist(2, [1, 2, 3]) }
        watched.add { $0.quorum(true) }
        let items = watched.items()
        let item = try #require(items.only)
        #expect(item.event.kind == .quorum)
        #expect(item.changes.map(\.field.path) == ["ring_id", "votes.total", "votes.margin", "nodes.2.votes"])
    }

    @Test("with --events info are those since the last info, and an info without changes is not printed")
    func onlyInfo() throws {
        var watched = try Watched(kinds: [.info])
        watched.add { cluster in
            cluster.votes[2] = 2
            return cluster.nodelist(2, [1, 2, 3]) + cluster.quorum(true)
        }
        // A notification reported the votes, so there is no info. The silent change back leaves only the new ring to
        // report.
        watched.vote(1)
        // There is no silent change and thus no line, although the ring is new since the last info.
        watched.add { $0.nodelist(3, [1, 2, 3]) }
        watched.add { $0.quorum(true) }
        watched.add { $0.reduce(.reading($0.reading)) }
        watched.vote(5)
        let items = watched.items()
        #expect(
            items.map { $0.changes.map(\.field.path) } == [
                ["ring_id"], ["ring_id", "votes.total", "votes.margin", "nodes.2.votes"],
            ])
        var silent = try Watched(kinds: [.status, .info])
        silent.add { cluster in
            cluster.votes[2] = 2
            return cluster.reduce(.quorum(quorate: true, nodes: cluster.listed, cluster.reading))
        }
        silent.vote(1)
        let silentItems = silent.items()
        #expect(silentItems.map(\.event.kind) == [.status], "the state equals the one that was printed last")
    }

    @Test("after a drop are those since the last event that the output got")
    func countsFromTheLastGiven() throws {
        var watched = try Watched(limits: .init(count: 2, bytes: .max))
        let shown = watched.next()
        let first = try #require(shown)
        #expect(first.event.kind == .status && first.changes == [])
        for votes in 2...5 { watched.vote(UInt32(votes)) }
        let items = watched.items()
        #expect(items.map(\.event.kind) == [.dropped, .info, .info])
        #expect(items[0].event.body == .dropped(count: 2))
        #expect(
            items[1].changes == [
                Change(field: .votes(.total), from: .number(3), to: .number(6)),
                Change(field: .votes(.margin), from: .number(1), to: .number(4)),
                Change(field: .node(2, .votes), from: .number(1), to: .number(4)),
            ])
    }

    @Test("without a printed status are those since the state at the start")
    func countsFromTheStart() throws {
        var watched = try Watched(showsFirstStatus: false)
        watched.vote(2)
        let items = watched.items()
        let item = try #require(items.only)
        #expect(item.changes.map(\.field.path) == ["votes.total", "votes.margin", "nodes.2.votes"])
    }

    @Test("compare problems by their codes and nodes, and causes by more than what follows from other values")
    func comparesProblems() throws {
        var state = try #require(Cluster.settled().reducer.knownState)
        let problem = Problem(code: .nodeMissing, nodes: [state.reference(3)], text: "node3 is not a member")
        state.problems = [problem]
        var other = state
        other.problems[0].text = "node3(3) is not a member"
        #expect(other.changes(since: state).isEmpty)
        other.problems[0].nodes = [state.reference(2)]
        let codes = FieldValue.strings(["node_missing"])
        #expect(other.changes(since: state) == [Change(field: .state(.problems), from: codes, to: codes)])
        let pair = Problem(code: .nodeMissing, nodes: [2, 3].map(state.reference), text: "two nodes are not members")
        let each = [2, 3].map { Problem(code: .nodeMissing, nodes: [state.reference($0)], text: "\($0) is missing") }
        (other.problems, state.problems) = ([pair], each)
        #expect(other.changes(since: state).isEmpty)
        state.problems = []
        #expect(other.changes(since: state).map(\.to) == [codes])
        state.problems = [problem]
        other.problems = each
        #expect(other.changes(since: state) == [Change(field: .state(.problems), from: codes, to: codes)])
        other = state
        (other.nodes[2].isReachable, other.nodes[2].quorateIfDown) = (true, false)
        let derived = other.changes(since: state)
        #expect(derived.map(\.field.path) == ["nodes.3.reachable", "nodes.3.quorate_if_down"])
        #expect(derived.map(\.field.node) == [3, 3] && derived.map(\.causesEvent) == [false, false])
        other.nodes[2].configVersion = 4
        #expect(other.changes(since: state).map(\.causesEvent) == [false, true, false])
        state.links = [Link(id: LinkID(node: 3, number: 1), isConnected: true, latency: 10, mtu: 1446)]
        other = state
        other.links?[0].latency = 20
        #expect(other.changes(since: state).isEmpty)
        other.links?[0].mtu = 450
        #expect(other.changes(since: state).map(\.field.path) == ["links.3.1.mtu"])
    }

    @Test("are queued up to a limit of bytes as well as of events, and one event always fits")
    func boundsBytes() throws {
        var watched = try Watched(limits: .init(count: .max, bytes: 1))
        for votes in 2...5 { watched.vote(UInt32(votes)) }
        let items = watched.items()
        #expect(items.map(\.event.body).first == .dropped(count: 4))
        #expect(items.map(\.event.kind) == [.dropped, .info])
    }
}
