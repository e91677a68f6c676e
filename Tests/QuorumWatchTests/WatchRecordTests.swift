// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

/// A cluster, and the record of a watch on it.
struct WatchedCluster {
    var cluster = Cluster()
    var record = WatchRecord()

    /// A watch after the first status.
    static func settled(_ cluster: Cluster = Cluster()) -> WatchedCluster {
        var watched = WatchedCluster(cluster: cluster)
        _ = watched.reduce(.configuration(.named([1, 2, 3])), at: 0)
        watched.change(at: 1_000_000)
        return watched
    }

    mutating func reduce(_ input: Reducer.Input, at time: Int64) -> Bool {
        let events = cluster.reduce(input, at: time)
        return record.record(events, cluster.reducer, at: .init(microseconds: time))
    }

    /// Records a whole membership change; the times are those of its two notifications.
    mutating func change(ring: UInt64 = 1, at time: Int64) {
        let members = cluster.states.filter { $0.value == .member }.map { NodeID($0.key) }
        _ = reduce(.nodelist(ring: RingID(node: NodeID(1), sequence: ring), members: members), at: time)
        _ = reduce(.quorum(quorate: cluster.isQuorate, nodes: cluster.listed, cluster.reading), at: time + 1)
    }
}

@Suite("The record of a watch")
struct WatchRecordTests {
    @Test("have no state before the first status or while corosync is gone or does not answer")
    func state() {
        #expect(WatchRecord().state == nil)
        var watched = WatchedCluster.settled()
        #expect(watched.record.state?.votes.total == 3)
        let isSilenceNews = watched.reduce(.unresponsive(silent: .seconds(10)), at: 3)
        #expect(isSilenceNews && watched.record.state == nil)
        let isAnswerNews = watched.reduce(.reading(Cluster().reading), at: 4)
        #expect(isAnswerNews && watched.record.state?.quorate == true)
        let isLossNews = watched.reduce(.disconnected(.lost), at: 5)
        #expect(isLossNews && watched.record.state == nil)
        #expect(!watched.record.isConnected)
    }

    @Test(
        "are connected, without quorate and votes, while votequorum does not finish recalculating, unless it is silent"
    )
    func unsettled() {
        var watched = WatchedCluster.settled()
        let ring = RingID(node: NodeID(1), sequence: 2)
        let isBeginNews = watched.reduce(.nodelist(ring: ring, members: [NodeID(1)]), at: 3_000_000)
        #expect(isBeginNews && watched.record.isRecalculating && watched.record.state != nil)
        #expect(watched.record.unsettled == nil)
        let isUnsettledNews = watched.reduce(.deadline, at: 38_000_000)
        #expect(isUnsettledNews && watched.record.isConnected)
        let state = watched.record.state
        #expect(state?.nodes.count == 3 && state?.quorate == nil && state?.votes == Votes() && state?.flags == nil)
        #expect(watched.record.unsettled == .recalculation)
        #expect(watched.record.text == "QUORUM UNKNOWN: \(UnsettledReason.recalculation.words(hasDevice: false))")
        _ = watched.reduce(.unresponsive(silent: .seconds(10)), at: 39_000_000)
        _ = watched.reduce(.deadline, at: 98_000_000)
        #expect(!watched.record.isConnected && watched.record.events[.unsettled] == 2)
        watched.change(ring: 2, at: 99_000_000)
        #expect(watched.record.isConnected && !watched.record.isRecalculating && watched.record.unsettled == nil)
    }

    @Test("has why totem has no membership only once that lasts too long, and does not take that for a recalculation")
    func membership() {
        var watched = WatchedCluster.settled()
        func statistics(isBlocked: Bool) -> Reducer.Input {
            .statistics(
                Statistics(
                    totem: TotemState(continuousGather: 2, operationalEntered: 4, isNetworkBlocked: isBlocked)))
        }
        _ = watched.reduce(statistics(isBlocked: false), at: 2_000_000)
        #expect(watched.record.unsettled == nil && watched.record.state?.quorate == true)
        #expect(!watched.record.isRecalculating)
        _ = watched.reduce(.deadline, at: 10_600_000)
        #expect(watched.record.unsettled == .membership)
        #expect(watched.record.state?.nodes.count == 3 && watched.record.state?.quorate == nil)
        _ = watched.reduce(statistics(isBlocked: true), at: 11_000_000)
        #expect(watched.record.unsettled == .network)
    }

    @Test("count every event, and a reconnect only after an earlier connection")
    func counts() {
        var watched = WatchedCluster.settled()
        #expect(watched.record.events == [.status: 1] && watched.record.reconnects == 0)
        _ = watched.reduce(.disconnected(.lost), at: 5)
        watched.change(at: 6)
        watched.change(ring: 2, at: 8)
        #expect(watched.record.events == [.status: 2, .disconnected: 1, .nodelist: 1, .quorum: 1])
        #expect(watched.record.reconnects == 1)
        var late = WatchedCluster()
        _ = late.reduce(.unresponsive(silent: .seconds(10)), at: 5)
        late.change(at: 6)
        #expect(late.record.reconnects == 0)
    }

    @Test("change only on an event, and have the time of the last change of the state")
    func lastChange() {
        var watched = WatchedCluster.settled()
        #expect(watched.record.lastChange == Timestamp(microseconds: 1_000_001))
        let isSameNews = watched.reduce(.reading(watched.cluster.reading), at: 2_000_000)
        #expect(!isSameNews)
        watched.cluster.votes[2] = 5
        let isVoteNews = watched.reduce(.reading(watched.cluster.reading), at: 3_000_000)
        #expect(isVoteNews && watched.record.lastChange == Timestamp(microseconds: 3_000_000))
        let isLossNews = watched.reduce(.disconnected(.lost), at: 4_000_000)
        #expect(isLossNews && watched.record.lastChange == Timestamp(microseconds: 4_000_000))
    }

    @Test("give a text with the state of quorum or the reason for waiting")
    func text() {
        var record = WatchRecord()
        record.recordWaiting(because: "cannot connect")
        #expect(record.text == "waiting for corosync: cannot connect")
        var watched = WatchedCluster.settled()
        #expect(watched.record.text == "QUORATE: 3 of 3 votes, quorum 2, can lose 1 vote")
        _ = watched.reduce(.disconnected(.lost), at: 5)
        #expect(watched.record.text == "corosync is gone or does not answer")
        _ = watched.reduce(
            .quorum(
                quorate: true, nodes: watched.cluster.listed, watched.cluster.reading, .recalculating), at: 6)
        #expect(watched.record.text == "QUORUM UNKNOWN: votequorum recalculates")
    }
}
