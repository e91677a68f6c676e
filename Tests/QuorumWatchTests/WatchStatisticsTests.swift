// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

/// A cluster, and the statistics of a watch on it.
struct WatchedCluster {
    var cluster = Cluster()
    var statistics = WatchStatistics()

    /// A watch after the first status.
    static func settled(_ cluster: Cluster = Cluster()) -> WatchedCluster {
        var watched = WatchedCluster(cluster: cluster)
        _ = watched.record(.configuration(.named([1, 2, 3])), at: 0)
        watched.change(at: 1_000_000)
        return watched
    }

    mutating func record(_ input: Reducer.Input, at time: Int64) -> Bool {
        let events = cluster.reduce(input, at: time)
        return statistics.record(events, cluster.reducer, at: .init(microseconds: time))
    }

    /// Records a whole membership change; the times are those of its two notifications.
    mutating func change(ring: UInt64 = 1, at time: Int64) {
        let members = cluster.states.filter { $0.value == .member }.map { NodeID($0.key) }
        _ = record(.nodelist(ring: RingID(node: NodeID(1), sequence: ring), members: members), at: time)
        _ = record(.quorum(quorate: cluster.isQuorate, nodes: cluster.listed, cluster.reading), at: time + 1)
    }
}

@Suite("The statistics of a watch")
struct WatchStatisticsTests {
    @Test("have no state before the first status or while corosync is gone or does not answer")
    func state() {
        #expect(WatchStatistics().state == nil)
        var watched = WatchedCluster.settled()
        #expect(watched.statistics.state?.votes.total == 3)
        let isSilenceNews = watched.record(.unresponsive(silent: .seconds(10)), at: 3)
        #expect(isSilenceNews && watched.statistics.state == nil)
        let isAnswerNews = watched.record(.reading(Cluster().reading), at: 4)
        #expect(isAnswerNews && watched.statistics.state?.quorate == true)
        let isLossNews = watched.record(.disconnected(.lost), at: 5)
        #expect(isLossNews && watched.statistics.state == nil)
        #expect(!watched.statistics.isConnected)
    }

    @Test("are connected without a state while votequorum does not finish recalculating, unless it is silent as well")
    func unsettled() {
        var watched = WatchedCluster.settled()
        let ring = RingID(node: NodeID(1), sequence: 2)
        let isBeginNews = watched.record(.nodelist(ring: ring, members: [NodeID(1)]), at: 3)
        #expect(isBeginNews && watched.statistics.isRecalculating && watched.statistics.state != nil)
        let isUnsettledNews = watched.record(.unsettled(elapsed: .seconds(35)), at: 4)
        #expect(isUnsettledNews && watched.statistics.state == nil && watched.statistics.isConnected)
        #expect(watched.statistics.text == "QUORUM UNKNOWN: votequorum does not finish recalculating")
        _ = watched.record(.unresponsive(silent: .seconds(10)), at: 5)
        _ = watched.record(.unsettled(elapsed: .seconds(95)), at: 6)
        #expect(!watched.statistics.isConnected)
        watched.change(ring: 2, at: 7)
        #expect(watched.statistics.isConnected && !watched.statistics.isRecalculating)
    }

    @Test("count every event, and a reconnect only after an earlier connection")
    func counts() {
        var watched = WatchedCluster.settled()
        #expect(watched.statistics.events == [.status: 1] && watched.statistics.reconnects == 0)
        _ = watched.record(.disconnected(.lost), at: 5)
        watched.change(at: 6)
        watched.change(ring: 2, at: 8)
        #expect(watched.statistics.events == [.status: 2, .disconnected: 1, .nodelist: 1, .quorum: 1])
        #expect(watched.statistics.reconnects == 1)
        var late = WatchedCluster()
        _ = late.record(.unresponsive(silent: .seconds(10)), at: 5)
        late.change(at: 6)
        #expect(late.statistics.reconnects == 0)
    }

    @Test("change only on an event, and have the time of the last change of the state")
    func lastChange() {
        var watched = WatchedCluster.settled()
        #expect(watched.statistics.lastChange == Timestamp(microseconds: 1_000_001))
        let isSameNews = watched.record(.reading(watched.cluster.reading), at: 2_000_000)
        #expect(!isSameNews)
        watched.cluster.votes[2] = 5
        let isVoteNews = watched.record(.reading(watched.cluster.reading), at: 3_000_000)
        #expect(isVoteNews && watched.statistics.lastChange == Timestamp(microseconds: 3_000_000))
        let isLossNews = watched.record(.disconnected(.lost), at: 4_000_000)
        #expect(isLossNews && watched.statistics.lastChange == Timestamp(microseconds: 4_000_000))
    }

    @Test("give a text with the state of quorum or the reason for waiting")
    func text() {
        var statistics = WatchStatistics()
        statistics.recordWaiting(because: "cannot connect")
        #expect(statistics.text == "waiting for corosync: cannot connect")
        var watched = WatchedCluster.settled()
        #expect(watched.statistics.text == "QUORATE: 3 of 3 votes, quorum 2, can lose 1")
        _ = watched.record(.disconnected(.lost), at: 5)
        #expect(watched.statistics.text == "corosync is gone or does not answer")
        _ = watched.record(
            .quorum(
                quorate: true, nodes: watched.cluster.listed, watched.cluster.reading, isRecalculating: true), at: 6)
        #expect(watched.statistics.text == "QUORUM UNKNOWN: votequorum recalculates")
    }
}
