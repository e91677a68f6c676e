// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

extension Survey {
    /// Takes a whole membership change; the times are those of its two notifications.
    mutating func change(to cluster: Cluster, ring: UInt64 = 1, at time: Int64) {
        let members = cluster.states.filter { $0.value == .member }.map { NodeID($0.key) }
        _ = take(
            .nodelist(ring: RingID(node: NodeID(1), sequence: ring), members: members), at: .init(microseconds: time))
        _ = take(
            .quorum(quorate: cluster.isQuorate, nodes: cluster.listed, cluster.reading),
            at: .init(microseconds: time + 1))
    }

    /// Of a cluster after its first status.
    static func settled(_ cluster: Cluster = Cluster()) -> Survey {
        var survey = Survey()
        _ = survey.take(.configuration(.named([1, 2, 3])), at: .init(microseconds: 0))
        survey.change(to: cluster, at: 1_000_000)
        return survey
    }
}

@Suite("A survey")
struct SurveyTests {
    @Test("knows nothing before the first status, and nothing once corosync is gone or silent")
    func knows() {
        #expect(Survey().state == nil)
        var survey = Survey.settled()
        #expect(survey.state?.votes.total == 3)
        let news1 = survey.take(.unresponsive(silent: .seconds(10)), at: .init(microseconds: 3))
        #expect(news1)
        #expect(survey.state == nil)
        let news2 = survey.take(.reading(Cluster().reading), at: .init(microseconds: 4))
        #expect(news2)
        #expect(survey.state?.quorate == true)
        let news3 = survey.take(.disconnected(.lost), at: .init(microseconds: 5))
        #expect(news3)
        #expect(survey.state == nil)
    }

    @Test("counts every event, and a reconnect only when there was a connection before")
    func counts() {
        var survey = Survey.settled()
        #expect(survey.events == [.status: 1] && survey.reconnects == 0)
        _ = survey.take(.disconnected(.lost), at: .init(microseconds: 5))
        survey.change(to: Cluster(), at: 6)
        survey.change(to: Cluster(), ring: 2, at: 8)
        #expect(survey.events == [.status: 2, .disconnected: 1, .nodelist: 1, .quorum: 1])
        #expect(survey.reconnects == 1)
        var late = Survey()
        _ = late.take(.unresponsive(silent: .seconds(10)), at: .init(microseconds: 5))
        late.change(to: Cluster(), at: 6)
        #expect(late.reconnects == 0)
    }

    @Test("is another only when something happened, and has the time when the state became another")
    func lastChange() {
        var survey = Survey.settled()
        #expect(survey.lastChange == Timestamp(microseconds: 1_000_001))
        let news4 = survey.take(.reading(Cluster().reading), at: .init(microseconds: 2_000_000))
        #expect(!news4)
        var cluster = Cluster()
        cluster.votes[2] = 5
        let news5 = survey.take(.reading(cluster.reading), at: .init(microseconds: 3_000_000))
        #expect(news5)
        #expect(survey.lastChange == Timestamp(microseconds: 3_000_000))
        let news6 = survey.take(.disconnected(.lost), at: .init(microseconds: 4_000_000))
        #expect(news6)
        #expect(survey.lastChange == Timestamp(microseconds: 4_000_000))
    }

    @Test("says in a line how it stands, or what is waited for")
    func text() {
        var survey = Survey()
        survey.wait(because: "cannot connect")
        #expect(survey.text == "waiting for corosync: cannot connect")
        survey = .settled()
        #expect(survey.text == "QUORATE: 3 of 3 votes, quorum 2, can lose 1")
        _ = survey.take(.disconnected(.lost), at: .init(microseconds: 5))
        #expect(survey.text == "corosync is gone or does not answer")
    }
}
