// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

/// A cluster whose statistics were read with its first status.
struct CountedCluster {
    var cluster = Cluster()
    /// The links by node and number, that of node 1 to itself included.
    var links: [LinkID: Link] = {
        let ids =
            [LinkID(node: 1, number: 0)]
            + [2, 3].flatMap { node in [0, 1].map { LinkID(node: node, number: $0) } }
        return Dictionary(
            uniqueKeysWithValues: ids.map { ($0, Link(id: $0, isConnected: true, latency: 100, downs: 1)) })
    }()
    var counters = TotemCounters(tokenLosses: 1, consensusTimeouts: 2, retransmits: 3, memberships: 4)
    var misses: [SchedulingMiss] = []

    init(_ configuration: Configuration = .named([1, 2, 3]), readsFirst: Bool = true) {
        _ = cluster.reduce(.configuration(configuration))
        _ = cluster.nodelist(1, [1, 2, 3])
        if readsFirst { _ = read() }
        _ = cluster.quorum(true)
    }

    /// Reads the statistics at a moment, in milliseconds.
    mutating func read(at time: Int64 = 0) -> [Event] {
        let statistics = Statistics(
            links: links.values.sorted { $0.id < $1.id }, counters: counters, schedulingMisses: misses)
        return cluster.reduce(.statistics(statistics), at: time * 1000)
    }

    /// Changes the state of a link, and adds to its failures.
    mutating func change(_ node: NodeID, _ number: Int, isConnected: Bool, downs: UInt32 = 0) {
        links[LinkID(node: node, number: number)]?.isConnected = isConnected
        links[LinkID(node: node, number: number)]?.downs? += downs
    }

    /// Reads just after the nodelist of a ring, and when its evidence is due.
    mutating func evidence(
        of sequence: UInt64, _ members: [NodeID], at time: Int64 = 0,
        late: (inout CountedCluster) -> Void = { _ in }
    ) -> EvidenceReport? {
        _ = read(at: time)
        _ = cluster.reduce(.counted(ring: RingID(node: 1, sequence: sequence), members: members), at: time * 1000)
        late(&self)
        _ = read(at: time + 1500)
        return cluster.reduce(.evidence, at: (time + 1500) * 1000).only?.evidence
    }
}

/// The statistics of three nodes with two links, in states and events.
@Suite("Links and counters")
struct StatisticsTests {
    @Test("are part of the first status if they are read before it, without the loopback link")
    func showsLinks() throws {
        var watched = CountedCluster()
        let links = try #require(watched.cluster.reducer.knownState?.links)
        #expect(links.map { "\($0.id.node).\($0.id.number)" } == ["2.0", "2.1", "3.0", "3.1"])
        #expect(watched.cluster.reducer.knownState?.counters?.retransmits == 3)
        let nothing = watched.read()
        #expect(nothing == [])
    }

    @Test("cause an info event when they become known after the first status, and when they become unknown")
    func tellsThatLinksAreKnown() throws {
        var watched = CountedCluster(readsFirst: false)
        #expect(watched.cluster.reducer.knownState?.links == nil)
        #expect(watched.read().only?.kind == .info)
        let change = try #require(watched.cluster.changes.first)
        guard case .links(let links) = change.to else { throw Unexpected(nil) }
        #expect(change.field.path == "links" && change.from == .null && links.count == 4)
        #expect(
            watched.cluster.changes.dropFirst() == [
                Change(field: .node(2, .reachable), from: .null, to: .bool(true)),
                Change(field: .node(3, .reachable), from: .null, to: .bool(true)),
            ])
        #expect(watched.cluster.reduce(.statistics(nil)).only?.kind == .info)
        #expect(watched.cluster.changes.first?.to == .null)
        #expect(watched.cluster.reduce(.statistics(nil)) == [])
    }

    @Test("of a node that is removed from the nodelist are removed with it, by one event")
    func linksOfRemovedNode() {
        var watched = CountedCluster()
        #expect(watched.cluster.reduce(.configuration(.named([1, 2]))).only?.kind == .info)
        #expect(watched.cluster.reducer.knownState?.links?.map(\.id.node) == [2, 2])
        watched.links = watched.links.filter { $0.key.node != 3 }
        let nothing = watched.read()
        #expect(nothing == [])
    }

    @Test("cause a link event when a link fails or recovers, and an info event for the problem, which repeats no more")
    func tellsOfALink() throws {
        var watched = CountedCluster()
        watched.change(3, 1, isConnected: false, downs: 1)
        let events = watched.read()
        let down = try #require(events.first)
        let begun = Change(field: .state(.problems), from: .strings([]), to: .strings(["link_down"]))
        #expect(events.map(\.kind) == [.link, .info] && watched.cluster.changes == [begun])
        #expect(
            down.body
                == .link(.init(node: .init(id: 3, name: "node3"), number: 1, isConnected: false, downs: 1)))
        #expect(down.quorate == true)
        #expect(watched.cluster.quorum(true).only?.state?.links?.last?.isConnected == false)
        #expect(watched.cluster.changes == [])
        watched.change(3, 1, isConnected: true)
        let up = watched.read()
        #expect(
            up.first?.body
                == .link(.init(node: .init(id: 3, name: "node3"), number: 1, isConnected: true, downs: 0)))
        let ended = Change(field: .state(.problems), from: .strings(["link_down"]), to: .strings([]))
        #expect(up.map(\.kind) == [.link, .info] && watched.cluster.changes == [ended])
    }

    @Test("give an unknown number of failures if they are cleared after a link failed")
    func clearedAfterFailure() {
        var watched = CountedCluster()
        for id in watched.links.keys { watched.links[id]?.downs = 0 }
        _ = watched.read()
        watched.change(3, 1, isConnected: false)
        #expect(
            watched.read().first?.body
                == .link(.init(node: .init(id: 3, name: "node3"), number: 1, isConnected: false, downs: nil)))
    }

    @Test("are no problem of a node that has just joined, until its evidence: they come up one after the other")
    func joins() {
        var watched = CountedCluster()
        watched.cluster.states[3] = .dead
        for number in 0...1 { watched.change(3, number, isConnected: false, downs: 1) }
        _ = watched.cluster.nodelist(2, [1, 2])
        _ = watched.read()
        let lost = watched.cluster.quorum(true).only?.state
        #expect(lost?.nodes.last?.isReachable == false && lost?.problems.map(\.code) == [.nodeMissing])
        watched.cluster.states[3] = .member
        _ = watched.cluster.nodelist(3, [1, 2, 3])
        let joined = watched.cluster.quorum(true).only?.state
        #expect(joined?.nodes.map(\.isReachable) == [nil, true, false] && joined?.problems == [])
        // The counters alone are newer.
        watched.counters.retransmits = 9
        #expect(watched.read() == [] && watched.cluster.reducer.knownState?.problems == [])
        watched.change(3, 0, isConnected: true)
        #expect(watched.read().map(\.kind) == [.link])
        #expect(watched.cluster.reducer.knownState?.nodes.last?.isReachable == true)
        var other = watched
        other.change(3, 1, isConnected: true)
        #expect(other.read().map(\.kind) == [.link])
        #expect(other.cluster.reduce(.evidence).contains { $0.kind == .info } == false)
        let late = watched.cluster.reduce(.evidence).last
        #expect(late?.kind == .info && late?.state?.problems.map(\.code) == [.linkDown])
    }

    @Test("cause a link event for a link that failed and recovered between two readings")
    func tellsOfAFlap() {
        var watched = CountedCluster()
        watched.change(2, 0, isConnected: true, downs: 3)
        #expect(
            watched.read().only?.body
                == .link(.init(node: .init(id: 2, name: "node2"), number: 0, isConnected: true, downs: 3)))
        let nothing = watched.read()
        #expect(nothing == [])
    }

    @Test("are among the changes for an output that does not get link events")
    func changesForOthers() throws {
        var watched = CountedCluster()
        var tracker = ChangeTracker()
        tracker.begin(with: try #require(watched.cluster.reducer.knownState))
        watched.change(3, 1, isConnected: false, downs: 1)
        _ = watched.read()
        let event = try #require(watched.cluster.quorum(true).only)
        #expect(
            tracker.changes(in: event) == [
                Change(field: .link(LinkID(node: 3, number: 1), .connected), from: .bool(true), to: .bool(false)),
                Change(field: .state(.problems), from: .strings([]), to: .strings(["link_down"])),
            ])
    }

    @Test("cause no event if only latencies or counters differ, but the metrics have the new values")
    func measuresSilently() {
        var watched = CountedCluster()
        var record = WatchRecord()
        _ = record.record([], watched.cluster.reducer, at: Timestamp(microseconds: 1))
        watched.links[LinkID(node: 2, number: 0)]?.latency = 250
        watched.counters.retransmits = 9
        let nothing = watched.read()
        #expect(nothing == [])
        let isNews = record.record([], watched.cluster.reducer, at: Timestamp(microseconds: 2))
        #expect(isNews)
        #expect(record.lastChange == Timestamp(microseconds: 1))
        #expect(record.state?.links?.first?.latency == 250 && record.state?.counters?.retransmits == 9)
    }

    @Test("cause an info event for links that a reload adds or removes")
    func followsAReload() {
        var watched = CountedCluster()
        watched.links[LinkID(node: 3, number: 1)] = nil
        _ = watched.cluster.reduce(.configuration(.named([1, 2, 3, 4])))
        let new = LinkID(node: 4, number: 0)
        watched.links[new] = Link(id: new, isConnected: true)
        #expect(watched.read().only?.kind == .info)
        #expect(watched.cluster.changes.map(\.field.path) == ["links.3.1", "links.4.0", "nodes.4.reachable"])
    }

    @Test("are not compared with those of an earlier connection to corosync")
    func forgets() {
        var watched = CountedCluster()
        watched.counters.tokenLosses = 9
        _ = watched.cluster.reduce(.disconnected(.lost))
        #expect(watched.cluster.reducer.knownState?.links == nil)
        // A late reading of the corosync that has ended, then one of the corosync that has started.
        _ = watched.read()
        watched.counters = TotemCounters(tokenLosses: 0, consensusTimeouts: 0, retransmits: 0, memberships: 1)
        for id in watched.links.keys { watched.links[id] = Link(id: id, isConnected: false, downs: 0) }
        let nothing = watched.read()
        #expect(nothing == [])
        _ = watched.cluster.nodelist(9, [1])
        _ = watched.cluster.quorum(false)
        #expect(watched.evidence(of: 10, [1])?.tokenLosses == 0)
    }

    @Test("make a check WARNING if a link to a member is down, and UNKNOWN if they are unknown")
    func checks() throws {
        var watched = CountedCluster()
        watched.change(2, 1, isConnected: false)
        watched.change(3, 0, isConnected: false)
        _ = watched.read()
        var state = try #require(watched.cluster.reducer.knownState)
        #expect(CheckFormat().status(of: state) == .warning)
        let line = String(decoding: CheckFormat().line(for: state), as: UTF8.self)
        #expect(line.contains("; links are down: 1 to node2, 0 to node3 | "))
        #expect(line.hasSuffix(" nodes=3;;;0;3 links=2;;;0;4\n"))
        #expect(state.nodes.map(\.isReachable) == [nil, true, true])
        watched.change(3, 1, isConnected: false)
        _ = watched.read()
        state = try #require(watched.cluster.reducer.knownState)
        #expect(state.node(NodeID(3))?.isReachable == false)

        // Transports other than knet have no links.
        _ = watched.cluster.reduce(.statistics(Statistics(links: [])))
        #expect(watched.cluster.reducer.knownState?.nodes.map(\.isReachable) == [nil, nil, nil])

        for needsStatistics in [true, false] {
            var cluster = Cluster()
            cluster.reducer = Reducer(needsStatistics: needsStatistics)
            _ = cluster.reduce(.configuration(.named([1, 2, 3])))
            _ = cluster.nodelist(1, [1, 2, 3])
            _ = cluster.quorum(true)
            let codes = try #require(cluster.reducer.knownState).problems.map(\.code)
            #expect(codes == (needsStatistics ? [.configuration] : []))
        }
    }
}
