// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

/// A cluster whose maps are read, with a clock in milliseconds.
struct ClockedCluster {
    var cluster = Cluster()

    /// A cluster after its first status and the first reading of its statistics.
    init(_ configuration: Configuration? = .named([1, 2, 3]), limits: QuorumPhase.Limits? = nil) {
        if let limits { cluster.reducer = Reducer(limits: limits) }
        reduce(.configuration(configuration))
        reduce(.totem(formed: 5))
        nodelist(1)
        quorum()
    }

    @discardableResult
    mutating func reduce(_ input: Reducer.Input, at time: Int64 = 0) -> [Event] {
        cluster.reduce(input, at: time * 1000)
    }

    mutating func nodelist(_ sequence: UInt64, at time: Int64 = 0) {
        _ = cluster.nodelist(sequence, [1, 2, 3], at: time * 1000)
    }

    @discardableResult
    mutating func quorum(at time: Int64 = 0) -> Event? { cluster.quorum(true, at: time * 1000).only }

    /// The report at a deadline.
    mutating func report(at time: Int64) -> UnsettledReport? {
        let event = reduce(.deadline, at: time).only
        guard case .unsettled(let report)? = event?.body, event?.quorate == nil else { return nil }
        return report
    }

    /// When the next deadline is due; nil: never.
    var deadline: Int64? { cluster.reducer.deadline.map { Int64($0.nanoseconds / 1_000_000) } }
}

extension Reducer.Input {
    /// A reading of totem's state: how many rings it has formed, and how many gather states it has entered since.
    static func totem(formed: UInt64?, gathers: UInt32? = 0, isBlocked: Bool? = false, lacksToken: Bool = false) -> Self
    {
        .statistics(
            Statistics(
                totem: TotemState(
                    continuousGather: gathers, operationalEntered: formed, lacksToken: lacksToken,
                    isNetworkBlocked: isBlocked)))
    }

    /// The reading before was made after the nodelist of a ring.
    static func counted(_ sequence: UInt64) -> Self {
        .counted(ring: RingID(node: 1, sequence: sequence), members: [1, 2, 3])
    }
}

private let ring1 = RingID(node: 1, sequence: 1)
private let ring2 = RingID(node: 1, sequence: 2)

@Suite("What is outdated for too long")
struct UnsettledTests {
    /// A configuration with a quorum device that has this sync timeout, in milliseconds.
    private static func configuration(syncTimeout: Int64?) -> Configuration {
        var configuration = Configuration.named([1, 2, 3])
        configuration.device = ConfiguredDevice(
            model: "net", syncTimeout: syncTimeout.map { .milliseconds($0) })
        return configuration
    }

    @Test(
        "is a recalculation after 35 s, or 5 s more than the sync timeout of a configured device",
        arguments: [
            (nil, 35_000), (.named([1, 2, 3]), 35_000), (configuration(syncTimeout: nil), 35_000),
            (configuration(syncTimeout: 12_000), 17_000), (configuration(syncTimeout: 40_000), 45_000),
        ] as [(Configuration?, Int64)])
    func recalculation(configuration: Configuration?, limit: Int64) {
        var watched = ClockedCluster(configuration)
        #expect(watched.deadline == nil)
        watched.nodelist(2, at: 1000)
        #expect(watched.deadline == 1000 + limit)
        #expect(watched.report(at: 1000 + limit - 1) == nil && watched.cluster.reducer.knownState != nil)
        let report = watched.report(at: 1000 + limit)
        #expect(report == UnsettledReport(ring: ring2, reason: .recalculation, elapsed: .milliseconds(limit)))
        #expect(watched.cluster.reducer.knownState == nil && watched.cluster.reducer.phase.isUnsettled)
        #expect(watched.quorum(at: 90_000)?.quorate == true)
        #expect(watched.deadline == nil && watched.report(at: 1_000_000) == nil)
    }

    @Test(
        "is a membership that totem does not form, or that is not completed, after its consensus timeout and 5 s",
        arguments: [false, true], [(nil, 8600), (1200, 6200)] as [(Int64?, Int64)])
    func membership(isGathering: Bool, timeout: (consensus: Int64?, limit: Int64)) {
        var configuration = Configuration.named([1, 2, 3])
        configuration.consensus = timeout.consensus.map { .milliseconds($0) }
        var watched = ClockedCluster(configuration)
        watched.reduce(.totem(formed: isGathering ? 5 : 6, gathers: isGathering ? 1 : 0), at: 1000)
        #expect(!watched.cluster.reducer.phase.isSettled && !watched.cluster.reducer.phase.isRecalculating)
        // Later rings and gather states do not begin it anew.
        watched.reduce(.totem(formed: 7, gathers: 3), at: 4000)
        #expect(watched.deadline == 1000 + timeout.limit)
        #expect(watched.report(at: 1000 + timeout.limit - 1) == nil && watched.cluster.reducer.knownState != nil)
        let report = watched.report(at: 1000 + timeout.limit)
        #expect(
            report
                == UnsettledReport(ring: ring1, reason: .membership, elapsed: .milliseconds(timeout.limit)))
        #expect(watched.cluster.reducer.knownState == nil)
        for _ in 1...2 { #expect(watched.reduce(.reading(watched.cluster.reading), at: 20_000) == []) }
        watched.nodelist(2, at: 30_000)
        #expect(watched.quorum(at: 30_000)?.quorate == true)
        #expect(watched.deadline == nil)
    }

    @Test("has the reason network if corosync says that a firewall or a failed interface is why")
    func network() {
        var watched = ClockedCluster()
        watched.reduce(.totem(formed: 5, gathers: 4, isBlocked: true), at: 1000)
        #expect(watched.report(at: 9599) == nil)
        #expect(
            watched.report(at: 9600)
                == UnsettledReport(ring: ring1, reason: .network, elapsed: .milliseconds(8600)))
        watched.reduce(.totem(formed: 5, gathers: 9, isBlocked: false), at: 10_000)
        #expect(watched.report(at: 69_600)?.reason == .membership)
    }

    @Test("is repeated every 60 s with the whole time, until it ends")
    func repetition() {
        var watched = ClockedCluster()
        watched.nodelist(2, at: 1000)
        #expect(watched.report(at: 36_500)?.elapsed == .milliseconds(35_500))
        // A second nodelist does not end it.
        watched.nodelist(3, at: 40_000)
        #expect(watched.cluster.reducer.phase.isUnsettled && watched.deadline == 96_500)
        #expect(watched.report(at: 96_499) == nil)
        #expect(watched.report(at: 96_500)?.elapsed == .milliseconds(95_500))
        #expect(watched.report(at: 156_499) == nil)
        #expect(watched.report(at: 156_500)?.elapsed == .milliseconds(155_500))
        #expect(watched.quorum(at: 157_000)?.quorate == true)
        #expect(watched.report(at: 300_000) == nil)
        // The next one begins anew.
        watched.nodelist(4, at: 400_000)
        #expect(watched.report(at: 434_999) == nil)
        #expect(watched.report(at: 435_000)?.elapsed == .seconds(35))
    }

    @Test("has limits that are given to the reducer")
    func limits() {
        var watched = ClockedCluster(
            limits: .init(
                syncTimeout: .milliseconds(20), consensus: .milliseconds(7), grace: .milliseconds(3),
                repetition: .milliseconds(9)))
        watched.nodelist(2, at: 100)
        #expect(watched.report(at: 122) == nil)
        #expect(watched.report(at: 123) != nil)
        #expect(watched.report(at: 131) == nil)
        #expect(watched.report(at: 132) != nil)
        watched.reduce(.counted(2), at: 140)
        watched.quorum(at: 140)
        watched.reduce(.totem(formed: 5, gathers: 1), at: 200)
        #expect(watched.report(at: 209) == nil)
        #expect(watched.report(at: 210) != nil)
    }

    @Test("is a recalculation in which totem loses its membership from the earlier beginning of both")
    func both() {
        var watched = ClockedCluster()
        watched.nodelist(2, at: 1000)
        watched.reduce(.totem(formed: 6), at: 1000)
        watched.reduce(.counted(2), at: 1000)
        watched.reduce(.totem(formed: 6, gathers: 1), at: 2000)
        #expect(watched.deadline == 10_600)
        let report = watched.report(at: 10_600)
        #expect(report == UnsettledReport(ring: ring2, reason: .membership, elapsed: .milliseconds(9600)))
        // Totem has a membership again, but votequorum has not finished.
        watched.nodelist(3, at: 11_000)
        #expect(watched.report(at: 70_600)?.reason == .recalculation)
    }

    @Test("is a first status while totem has no membership, and ends when it has one")
    func firstStatus() throws {
        var watched = ClockedCluster()
        watched.reduce(.disconnected(.lost), at: 500)
        #expect(watched.deadline == nil)
        watched.reduce(.totem(formed: 5, gathers: 2), at: 1000)
        watched.nodelist(7, at: 1000)
        let event = watched.quorum(at: 1000)
        let status = try #require(event)
        #expect(status.kind == .status && status.quorate == nil && status.state?.votes == Votes())
        #expect(watched.report(at: 9599) == nil)
        #expect(watched.report(at: 9600)?.reason == .membership)
        watched.nodelist(8, at: 11_000)
        #expect(watched.quorum(at: 11_000)?.quorate == true && watched.deadline == nil)
    }

    @Test("is a first status while votequorum recalculates and totem gathers, from the earlier beginning of both")
    func firstRecalculation() {
        var cluster = Cluster()
        _ = cluster.reduce(.totem(formed: 5, gathers: 1), at: 1_000_000)
        _ = cluster.nodelist(1, [1, 2, 3], at: 2_000_000)
        let snapshot = Reducer.Input.quorum(
            quorate: true, nodes: cluster.listed, cluster.reading, .recalculating)
        #expect(cluster.reduce(snapshot, at: 3_000_000).only?.quorate == nil)
        #expect(
            cluster.reduce(.deadline, at: 9_600_000).only?.body
                == .unsettled(UnsettledReport(ring: ring1, reason: .membership, elapsed: .milliseconds(8600))))
    }

    @Test("is a first status of a recalculation, whose old flag does not count when the token is back")
    func outdatedWithoutToken() {
        var watched = ClockedCluster()
        watched.reduce(.disconnected(.lost))
        watched.reduce(.totem(formed: 5, lacksToken: true), at: 1000)
        watched.cluster.states = [1: .member, 2: .dead, 3: .dead]
        #expect(watched.quorum(at: 1000)?.quorate == .some(nil))
        #expect(watched.reduce(.totem(formed: 5), at: 2000) == [] && watched.cluster.reducer.knownState == nil)
        #expect(watched.cluster.quorum(false, at: 3_000_000).only?.quorate == false)
    }

    @Test("does not end with a decision of votequorum, as on a quorum device that died, while totem has no membership")
    func decisionWithoutMembership() throws {
        var watched = ClockedCluster()
        watched.reduce(.totem(formed: 5, gathers: 1), at: 1000)
        #expect(watched.report(at: 9600) != nil)
        let event = watched.quorum(at: 10_000)
        #expect(try #require(event).quorate == nil && watched.cluster.reducer.validState.problems.count == 1)
        #expect(watched.report(at: 69_599) == nil && watched.report(at: 69_600)?.elapsed == .milliseconds(68_600))
    }

    @Test("ends when the token is back although votequorum was silent before it answered for expected votes")
    func silenceWithoutToken() {
        var watched = ClockedCluster()
        watched.reduce(.disconnected(.lost))
        watched.reduce(.totem(formed: 5, lacksToken: true), at: 1000)
        watched.quorum(at: 1000)
        watched.reduce(.unresponsive(silent: .seconds(10)), at: 12_000)
        watched.cluster.expected = 5
        watched.reduce(.expectedVotes(5, watched.cluster.reading), at: 13_000)
        let event = watched.reduce(.totem(formed: 5), at: 14_000).only
        #expect(event?.quorate == true && event?.state?.votes.expected == 5)
    }

    @Test("ends with the connection")
    func lostConnection() {
        var watched = ClockedCluster()
        watched.nodelist(2, at: 1000)
        watched.reduce(.counted(2), at: 1000)
        watched.reduce(.totem(formed: 5, gathers: 1), at: 1000)
        #expect(watched.report(at: 9600) != nil)
        watched.reduce(.disconnected(.lost), at: 20_000)
        #expect(watched.deadline == nil && !watched.cluster.reducer.phase.isUnsettled)
        #expect(watched.report(at: 100_000) == nil)
    }

    @Test("is never a membership where the statistics map was never read, but a recalculation is")
    func unread() {
        var watched = ClockedCluster()
        watched.reduce(.disconnected(.lost))
        watched.reduce(.statistics(nil))
        watched.nodelist(1)
        watched.quorum()
        watched.reduce(.statistics(nil), at: 2000)
        #expect(watched.deadline == nil && watched.cluster.reducer.phase.isSettled)
        watched.nodelist(2, at: 3000)
        #expect(watched.report(at: 38_000)?.reason == .recalculation)
    }

    @Test("stays a membership until a nodelist while the statistics map cannot be read any more")
    func unreadable() {
        var watched = ClockedCluster()
        watched.reduce(.totem(formed: 5, gathers: 1), at: 1000)
        watched.reduce(.statistics(nil), at: 2000)
        #expect(!watched.cluster.reducer.phase.isSettled && !watched.cluster.reducer.phase.isSynchronizing)
        #expect(watched.report(at: 9600)?.reason == .membership)
        // Readable again while the services of the next ring are synchronised.
        watched.reduce(.totem(formed: 6), at: 20_000)
        #expect(watched.reduce(.reading(watched.cluster.reading), at: 20_000) == [])
        #expect(watched.cluster.reducer.knownState == nil)
        watched.nodelist(2, at: 21_000)
        watched.quorum(at: 21_000)
        #expect(watched.cluster.reducer.knownState?.quorate == true)
    }

    @Test(
        "is a first status without the token, and ends when that is back without another ring",
        arguments: [false, true])
    func tokenIsBack(isReported: Bool) throws {
        var watched = ClockedCluster()
        watched.reduce(.disconnected(.lost))
        watched.reduce(.totem(formed: 5, lacksToken: true), at: 1000)
        #expect(watched.quorum(at: 1000)?.quorate == .some(nil))
        #expect(watched.cluster.reducer.validState.problems.map(\.code) == [.unsettled])
        if isReported { #expect(watched.report(at: 9600)?.reason == .membership) }
        let events = watched.reduce(.totem(formed: 5), at: 11_000)
        let event = try #require(events.only)
        #expect(event.kind == .info && event.quorate == true && event.state?.votes.total == 3)
        #expect(event.state?.problems == [] && watched.cluster.reducer.knownState?.quorate == true)
        #expect(!watched.cluster.reducer.phase.isUnsettled && watched.deadline == nil)
    }
}
