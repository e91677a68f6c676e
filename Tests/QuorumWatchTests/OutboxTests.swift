// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("What waits for an output")
struct OutboxTests {
    /// An outbox of numbers that take a byte each.
    private static func outbox(count: Int = .max, bytes: Int = .max) throws -> Outbox<Int> {
        try Outbox(limits: .init(count: count, bytes: bytes)) { _ in 1 }
    }

    /// What is next, in words.
    private static func words(_ next: Outbox<Int>.Next?) -> String {
        switch next {
        case nil: "nothing"
        case .element(let number): "\(number)"
        case .dropped(let count, let last): "\(count) dropped, the last \(last)"
        case .end: "end"
        }
    }

    /// Takes everything that waits, in words.
    private static func drain(_ outbox: Outbox<Int>) -> [String] {
        outbox.close()
        var all: [String] = []
        while all.last != "end" { all.append(words(outbox.next())) }
        return all
    }

    @Test("is limited by number; the oldest are dropped, and counted in their place")
    func boundByCount() throws {
        let outbox = try Self.outbox(count: 3)
        for number in 1...10 { outbox.put(number) }
        #expect(Self.drain(outbox) == ["7 dropped, the last 7", "8", "9", "10", "end"])
    }

    @Test("is limited by memory, and keeps at least one element")
    func boundByBytes() throws {
        let outbox = try Self.outbox(bytes: 3)
        for number in 1...10 { outbox.put(number) }
        #expect(Self.drain(outbox) == ["7 dropped, the last 7", "8", "9", "10", "end"])
        // An element that was taken makes room.
        let small = try Self.outbox(bytes: 1)
        for number in 1...4 {
            small.put(number)
            #expect(Self.words(small.next()) == "\(number)")
        }
        let none = try Self.outbox(bytes: 0)
        for number in 1...2 { none.put(number) }
        #expect(Self.drain(none) == ["1 dropped, the last 1", "2", "end"])
    }

    @Test("tells of each loss once, in its place")
    func losses() throws {
        let outbox = try Self.outbox(count: 1)
        for number in 1...3 { outbox.put(number) }
        #expect(Self.words(outbox.nextWithoutWaiting()) == "2 dropped, the last 2")
        outbox.put(4)
        #expect(Self.words(outbox.nextWithoutWaiting()) == "1 dropped, the last 3")
        #expect(Self.words(outbox.nextWithoutWaiting()) == "4")
        #expect(Self.words(outbox.nextWithoutWaiting()) == "nothing")
    }

    @Test("of events is limited to 100,000 events")
    func numberOfEvents() throws {
        let outbox = try Outbox<Delivery>()
        let event = Event(time: Timestamp(microseconds: 1), body: .unresponsive(silent: .seconds(10)))
        for _ in 1...100_000 { outbox.put(.event(event)) }
        guard case .element? = outbox.nextWithoutWaiting() else { throw Unexpected(nil) }
        for _ in 1...2 { outbox.put(.event(event)) }
        guard case .dropped(count: 1, _)? = outbox.nextWithoutWaiting() else { throw Unexpected(nil) }
        #expect(outbox.discard() == 100_000)
    }

    @Test("of events is limited to 64 MiB, which include every node")
    func memoryOfEvents() throws {
        var cluster = Cluster()
        let ids = Array<UInt32>(1...384)
        cluster.states = Dictionary(uniqueKeysWithValues: ids.map { ($0, .member) })
        _ = cluster.nodelist(1, ids)
        let large = Delivery.event(try #require(cluster.quorum(true).only))
        // A node is an ID, a name, a state, votes and addresses: far more than a word.
        #expect(large.footprint > 384 * 64)
        let most = (64 << 20) / large.footprint
        let outbox = try Outbox<Delivery>()
        for _ in 1...most { outbox.put(large) }
        guard case .element? = outbox.nextWithoutWaiting() else { throw Unexpected(nil) }
        for _ in 1...2 { outbox.put(large) }
        guard case .dropped(count: 1, _)? = outbox.nextWithoutWaiting() else { throw Unexpected(nil) }
        #expect(outbox.discard() == most)
    }

    @Test("counts the memory of all lists in an event")
    func footprints() throws {
        let time = Timestamp(microseconds: 1)
        let node = NodeReference(id: 1, name: "node1")
        let empty = EvidenceReport(schedulingMisses: [])
        var reports = Array(repeating: empty, count: 5)
        reports[0].linksDown = Array(repeating: LinkDown(node: node, number: 0), count: 100)
        reports[1].mtuChanges = Array(repeating: MTUChange(node: node, number: 0, from: 1, to: 2), count: 100)
        reports[2].rejoined = Array(repeating: node, count: 100)
        reports[3].configVersions = Array(repeating: NodeConfigVersion(node: node, version: 1), count: 100)
        reports[4].schedulingMisses = Array(repeating: SchedulingMiss(time: time, delay: 1), count: 100)
        let size = Event(time: time, body: .evidence(empty)).footprint
        for report in reports { #expect(Event(time: time, body: .evidence(report)).footprint >= size + 100 * 16) }
        var nodelist = NodelistReport(ring: RingID(node: 1, sequence: 1), members: [], joined: [], left: [])
        nodelist.left = Array(repeating: node, count: 100)
        #expect(Event(time: time, body: .nodelist(nodelist)).footprint >= size + 100 * 16)
    }

    @Test("discards everything, the loss of elements included, and returns how many there were")
    func discard() throws {
        let outbox = try Self.outbox(count: 2)
        for number in 1...5 { outbox.put(number) }
        #expect(outbox.discard() == 5)
        outbox.put(6)
        #expect(Self.words(outbox.nextWithoutWaiting()) == "end")
        #expect(outbox.discard() == 0)
    }

    @Test("takes nothing after it was closed, and tells when its consumer has ended")
    func close() throws {
        let outbox = try Self.outbox()
        outbox.put(1)
        outbox.close()
        outbox.put(2)
        func isFinished() -> Bool { !wait(for: [Polled((), outbox.finishedDescriptor)], until: .now).isEmpty }
        #expect(!isFinished())
        #expect(Self.drain(outbox) == ["1", "end"])
        #expect(!isFinished())
        outbox.finish()
        #expect(isFinished())
    }

    @Test("wakes a consumer that waits, for an element and for the end")
    func waiting() throws {
        let outbox = try Self.outbox()
        let taken = Guarded<[String]>([])
        try startThread("consumer") {
            while taken.withLock({ $0.last != "end" }) {
                let words = Self.words(outbox.next())
                taken.withLock { $0.append(words) }
            }
        }
        let limit = Instant.now + .seconds(60)
        outbox.put(1)
        #expect(taken.wait(until: limit) { $0 == ["1"] ? true : nil } == true)
        outbox.close()
        #expect(taken.wait(until: limit) { $0 == ["1", "end"] ? true : nil } == true)
    }
}

@Suite("The selection of events for the outputs")
struct EventFilterTests {
    /// What the outputs receive of some inputs of one cluster, in words.
    private static func deliveries(_ filter: EventFilter) -> [String] {
        var filter = filter
        var cluster = Cluster()
        let inputs: [(inout Cluster) -> [Event]] = [
            { $0.nodelist(1, [1, 2, 3]) + $0.quorum(true) },
            { $0.nodelist(2, [1, 2, 3]) },
            { $0.quorum(true) },
            { $0.reduce(.disconnected(.lost)) },
            { $0.nodelist(3, [1, 2, 3]) + $0.quorum(true) },
        ]
        return inputs.flatMap { $0(&cluster) }.map { event in
            switch filter.delivery(of: event) {
            case .event(let shown): shown == event ? shown.kind.rawValue : "another event"
            case .firstState(let state): state == event.state ? "first state" : "another state"
            case .noStatus: "no status"
            case nil: "-"
            }
        }
    }

    @Test("is everything by default")
    func everything() {
        #expect(Self.deliveries(EventFilter()) == ["status", "nodelist", "quorum", "disconnected", "status"])
    }

    @Test("leaves out the status at the start, with which changes are compared, but not one after a reconnect")
    func changesOnly() {
        #expect(
            Self.deliveries(EventFilter(showsFirstStatus: false))
                == ["first state", "nodelist", "quorum", "disconnected", "status"])
    }

    @Test("leaves out the rest of a status at the start, too, where quorum was not known yet")
    func incompleteStatus() throws {
        func deliveries(_ second: (inout Cluster) -> [Event]) throws -> [String] {
            var filter = EventFilter(showsFirstStatus: false)
            var cluster = Cluster()
            _ = cluster.nodelist(1, [1, 2, 3])
            let snapshot = Reducer.Input.quorum(quorate: true, nodes: cluster.listed, cluster.reading, .recalculating)
            var events = cluster.reduce(snapshot) + second(&cluster)
            cluster.expected = 4
            events += cluster.reduce(.reading(cluster.reading))
            return events.map { event in
                if case .event(let shown)? = filter.delivery(of: event) { shown.kind.rawValue } else { "-" }
            }
        }
        let late = try deliveries { $0.reduce(.quorum(quorate: true, nodes: $0.listed, $0.reading, .settled)) }
        #expect(late == ["-", "-", "info"])
        #expect(try deliveries { $0.quorum(true) } == ["-", "quorum", "info"])
    }

    @Test("leaves out other kinds than those that are wanted, with the first state if the status is one of them")
    func kinds() {
        #expect(Self.deliveries(EventFilter(kinds: [.quorum])) == ["first state", "-", "quorum", "-", "-"])
        #expect(Self.deliveries(EventFilter(kinds: [.status])) == ["status", "-", "-", "-", "status"])
        #expect(
            Self.deliveries(EventFilter(kinds: [.nodelist, .disconnected], showsFirstStatus: false))
                == ["first state", "nodelist", "-", "disconnected", "-"])
        #expect(
            Self.deliveries(EventFilter(kinds: [.status, .quorum], showsFirstStatus: false))
                == ["first state", "-", "quorum", "-", "status"])
    }

    @Test("gives an output the changes since a first state that was not shown, and a marker for events it missed")
    func items() throws {
        var cluster = Cluster()
        _ = cluster.nodelist(1, [1, 2, 3])
        let status = try #require(cluster.quorum(true).only)
        cluster.votes[2] = 2
        let info = try #require(cluster.reduce(.reading(cluster.reading), at: 5).only)
        var tracker = ChangeTracker()
        let first = tracker.item(for: .element(.firstState(try #require(status.state))))
        #expect(first == nil)
        let item = tracker.item(for: .element(.event(info)))
        #expect(item?.event == info)
        #expect(item?.changes.map(\.field.path) == ["votes.total", "votes.margin", "nodes.2.votes"])
        let repeated = tracker.item(for: .element(.event(info)))
        #expect(repeated == nil, "an info event without changes is not shown")
        let marker = tracker.item(for: .dropped(count: 7, last: .event(info)))
        #expect(marker?.event.body == .dropped(count: 7) && marker?.event.time == info.time && marker?.changes == [])
        let end = tracker.item(for: .end)
        let none = tracker.item(for: .element(.noStatus(reason: "none")))
        #expect(end == nil && none == nil)
    }
}
