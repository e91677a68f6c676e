// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("The queue of an output")
struct EventQueueTests {
    /// An event of a cluster of so many nodes.
    private static func event(nodes count: Int, time: Int64) throws -> Event {
        var cluster = Cluster()
        let ids = (1...UInt32(count)).map { $0 }
        cluster.states = Dictionary(uniqueKeysWithValues: ids.map { ($0, .member) })
        _ = cluster.nodelist(1, ids)
        return try #require(cluster.quorum(true, at: time).only)
    }

    /// Takes everything that waits.
    private func drain(_ queue: EventQueue) -> [Event] {
        queue.close()
        var events: [Event] = []
        while case .event(let item) = queue.next() { events.append(item.event) }
        return events
    }

    @Test("holds a limited number of events; the oldest are dropped, and counted in their place")
    func boundByCount() throws {
        let queue = try EventQueue(limits: .init(events: 3, bytes: .max))
        for time: Int64 in 1...10 { queue.put(try Self.event(nodes: 3, time: time)) }
        let events = drain(queue)
        #expect(events.map(\.time.microseconds) == [7, 8, 9, 10])
        #expect(events.first?.body == .dropped(count: 7))
    }

    @Test("holds a limited number of bytes, which include every node, and at least one event")
    func boundByBytes() throws {
        let large = try Self.event(nodes: 384, time: 1)
        // A node is an ID, a name, a state, votes and addresses: far more than a word.
        #expect(large.footprint > 384 * 64)
        let queue = try EventQueue(limits: .init(events: .max, bytes: 3 * large.footprint))
        for time: Int64 in 1...10 { queue.put(try Self.event(nodes: 384, time: time)) }
        #expect(drain(queue).map(\.body.droppedCount) == [7, nil, nil, nil])
        // A taken event makes room.
        let small = try EventQueue(limits: .init(events: .max, bytes: large.footprint))
        for time: Int64 in 1...4 {
            small.put(try Self.event(nodes: 384, time: time))
            guard case .event(let item) = small.next() else { throw Unexpected(nil) }
            #expect(item.event.time.microseconds == time)
        }
        let none = try EventQueue(limits: .init(events: .max, bytes: 1))
        for time: Int64 in 1...2 { none.put(try Self.event(nodes: 3, time: time)) }
        #expect(drain(none).map(\.body.droppedCount) == [1, nil])
    }

    @Test("makes a producer wait for room once, and not again until there was room")
    func stalledFile() throws {
        let queue = try EventQueue(limits: .init(events: 4, bytes: .max))
        func timeToPut(atMost limit: Duration) throws -> Duration {
            let start = Instant.now
            queue.waitForRoom(atMost: limit)
            queue.put(try Self.event(nodes: 3, time: 1))
            return Instant.now.since(start)
        }
        for _ in 1...3 { #expect(try timeToPut(atMost: .seconds(60)) < .seconds(30)) }
        #expect(try timeToPut(atMost: .milliseconds(50)) >= .milliseconds(50))
        // No event waits again.
        for _ in 1...20 { #expect(try timeToPut(atMost: .seconds(60)) < .seconds(30)) }
        // There is room, and then none.
        for _ in 1...4 { _ = queue.next() }
        for _ in 1...2 { #expect(try timeToPut(atMost: .seconds(60)) < .seconds(30)) }
        #expect(try timeToPut(atMost: .milliseconds(50)) >= .milliseconds(50))
    }

    @Test("is closed and drained if its consumer cannot be started")
    func noConsumer() throws {
        let queue = try EventQueue()
        queue.onFirstQueued { false }
        queue.put(try Self.event(nodes: 3, time: 1))
        #expect(wait(for: [(queue.drainedDescriptor, 1)], until: .now) != [0])
        let unanswered = try EventQueue()
        unanswered.onFirstQueued { false }
        unanswered.close(noAnswer: "there is none")
        #expect(wait(for: [(unanswered.drainedDescriptor, 1)], until: .now) != [0])
    }

    @Test("returns how many events were discarded")
    func discard() throws {
        let queue = try EventQueue()
        for time: Int64 in 1...3 { queue.put(try Self.event(nodes: 3, time: time)) }
        #expect(queue.discard() == 3)
        #expect(drain(queue).isEmpty)
    }
}

extension Event.Body {
    fileprivate var droppedCount: Int? {
        if case .dropped(let count) = self { count } else { nil }
    }
}
