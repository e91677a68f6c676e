// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("Evidence")
struct EvidenceTests {
    @Test("is what was counted before a nodelist, with failed links to nodes that left")
    func givesEvidence() throws {
        var watched = CountedCluster()
        watched.counters = TotemCounters(tokenLosses: 2, consensusTimeouts: 3, retransmits: 8, memberships: 6)
        watched.change(3, 0, isConnected: false, downs: 1)
        let miss = SchedulingMiss(time: Timestamp(microseconds: 5), delay: 3200)
        watched.misses = [miss]
        let evidence = watched.evidence(of: 2, [1, 2]) { watched in
            watched.change(3, 1, isConnected: false, downs: 1)
            // The growth of a counter after the nodelist, and the failure of a link to a member, belong to the next nodelist.
            watched.change(2, 1, isConnected: true, downs: 1)
            watched.counters.tokenLosses = 3
        }
        let report = try #require(evidence)
        #expect(report.ring == RingID(node: 1, sequence: 2))
        #expect(report.tokenLosses == 1 && report.consensusTimeouts == 1 && report.retransmits == 5)
        #expect(report.memberships == 2 && report.schedulingMisses == [miss])
        let node3 = NodeReference(id: 3, name: "node3")
        #expect(
            report.linksDown == [
                .init(node: node3, number: 0, before: 0), .init(node: node3, number: 1, before: -1500),
            ])

        let next = watched.evidence(of: 3, [1, 2], at: 2000)
        #expect(next?.tokenLosses == 1 && next?.memberships == 0 && next?.schedulingMisses == [])
        #expect(next?.linksDown == [.init(node: .init(id: 2, name: "node2"), number: 1, before: 500)])
        let more = watched.cluster.reduce(.evidence)
        #expect(more == [], "one for each nodelist")
    }

    @Test("for a nodelist is given at once when the next one arrives")
    func hurries() throws {
        var watched = CountedCluster()
        watched.counters.tokenLosses = 2
        _ = watched.read()
        #expect(watched.cluster.reduce(.counted(ring: RingID(node: 1, sequence: 2), members: [1, 2])) == [])
        watched.counters.tokenLosses = 4
        _ = watched.read()
        let first = watched.cluster.reduce(.counted(ring: RingID(node: 1, sequence: 3), members: [1])).only?.evidence
        #expect(first?.ring?.sequence == 2 && first?.tokenLosses == 1)
        let second = watched.cluster.reduce(.evidence).only?.evidence
        #expect(second?.ring?.sequence == 3 && second?.tokenLosses == 2)
    }

    @Test("is given once, with the present ring, of a scheduling miss without a nodelist")
    func tellsOfAMiss() throws {
        var watched = CountedCluster()
        #expect(watched.cluster.reduce(.evidence) == [])
        watched.misses = [SchedulingMiss(time: Timestamp(microseconds: 5), delay: 900)]
        #expect(watched.read() == [])
        #expect(watched.cluster.reducer.hasSchedulingMiss)
        let report = try #require(watched.cluster.reduce(.evidence).only?.evidence)
        #expect(report.ring?.sequence == 1 && report.schedulingMisses.map(\.delay) == [900])
        #expect(watched.read() == [])
        #expect(!watched.cluster.reducer.hasSchedulingMiss)
        #expect(watched.cluster.reducer.missedMilliseconds == 900)
    }

    @Test("has no scheduling misses of before the start of the watch")
    func ignoresOldMisses() {
        var watched = CountedCluster(readsFirst: false)
        watched.misses = [SchedulingMiss(time: Timestamp(microseconds: 5), delay: 900)]
        _ = watched.read()
        #expect(!watched.cluster.reducer.hasSchedulingMiss && watched.cluster.reducer.missedMilliseconds == 0)
    }

    @Test("has null for a cleared counter, and never a negative number")
    func clearsCounters() throws {
        var watched = CountedCluster()
        watched.counters = TotemCounters(tokenLosses: 0, consensusTimeouts: 0, retransmits: 0, memberships: 5)
        for id in watched.links.keys { watched.links[id]?.downs = 0 }
        _ = watched.read()
        watched.counters.tokenLosses = 7
        watched.change(3, 0, isConnected: true, downs: 1)
        let evidence = watched.evidence(of: 2, [1, 2])
        let report = try #require(evidence)
        #expect(report.tokenLosses == nil && report.consensusTimeouts == nil && report.retransmits == nil)
        #expect(report.memberships == 1 && report.linksDown == nil)
        let next = watched.evidence(of: 3, [1, 2])
        #expect(next?.tokenLosses == 0 && next?.linksDown == [])
    }

    @Test("has how long before a nodelist a failed link was noticed, and null for one that no nodelist follows")
    func timesOfLinks() throws {
        var watched = CountedCluster()
        watched.change(3, 0, isConnected: true, downs: 1)
        _ = watched.read(at: 500)
        watched.change(3, 0, isConnected: false, downs: 1)
        _ = watched.read(at: 1000)
        watched.change(2, 1, isConnected: true, downs: 2)
        _ = watched.read(at: 2399)
        let evidence = watched.evidence(of: 2, [1, 2], at: 2400) { watched in
            watched.change(3, 1, isConnected: false, downs: 1)
        }
        #expect(evidence?.linksDown?.map(\.node.id) == [2, 3, 3])
        #expect(evidence?.linksDown?.map(\.number) == [1, 0, 1])
        #expect(
            evidence?.linksDown?.map(\.before) == [1, 1400, -1500],
            "the last failure, and a negative number for one that was noticed after it")

        // The later of two failures, of a link that recovered in between, and a scheduling miss.
        watched.change(2, 0, isConnected: true, downs: 1)
        _ = watched.read(at: 5000)
        watched.change(2, 0, isConnected: false, downs: 1)
        watched.misses = [SchedulingMiss(time: Timestamp(microseconds: 5), delay: 900)]
        _ = watched.read(at: 6000)
        let miss = try #require(watched.cluster.reduce(.evidence, at: 8_000_000).only?.evidence)
        #expect(miss.linksDown == [LinkDown(node: .init(id: 2, name: "node2"), number: 0, before: nil)])
    }

    @Test("has the MTU of a link before the first change and after the last one, unless they are the same")
    func mtus() throws {
        var watched = CountedCluster()
        func set(_ mtu: UInt32?, _ node: NodeID, in watched: inout CountedCluster) {
            watched.links[LinkID(node: node, number: 0)]?.mtu = mtu
            _ = watched.read()
        }
        for id in watched.links.keys { watched.links[id]?.mtu = 1446 }
        _ = watched.read()
        set(9000, 2, in: &watched)
        set(1446, 2, in: &watched)
        set(1000, 3, in: &watched)
        let evidence = watched.evidence(of: 2, [1, 2, 3]) { set(490, 3, in: &$0) }
        #expect(evidence?.mtuChanges == [MTUChange(node: .init(id: 3, name: "node3"), number: 0, from: 1446, to: 490)])
        set(nil, 3, in: &watched)
        set(1446, 3, in: &watched)
        #expect(watched.evidence(of: 3, [1, 2, 3])?.mtuChanges == [], "an unknown MTU is no change")
    }

    /// A configuration with how often each node has joined a ring, and the versions of their configurations.
    private static func configuration(joins: [UInt32], versions: [UInt64?] = [], own: UInt64? = nil) -> Configuration {
        var configuration = Configuration.named([1, 2, 3])
        configuration.version = own
        for (index, count) in joins.enumerated() {
            configuration.members[NodeID(UInt32(index) + 1)] = TotemMember(
                isJoined: true, joinCount: count, configVersion: versions.isEmpty ? nil : versions[index])
        }
        return configuration
    }

    @Test("has the nodes that are in both rings and joined again in between")
    func rejoined() throws {
        var watched = CountedCluster(Self.configuration(joins: [1, 1, 4]))
        _ = watched.cluster.reduce(.configuration(Self.configuration(joins: [1, 1, 5])))
        #expect(watched.evidence(of: 2, [1, 2, 3])?.rejoined == [NodeReference(id: 3, name: "node3")])
        #expect(watched.evidence(of: 3, [1, 2, 3])?.rejoined == [], "once")
        // A node that leaves in one ring and joins in another one is in its nodelist.
        #expect(watched.evidence(of: 4, [1, 3])?.rejoined == [])
        _ = watched.cluster.reduce(.configuration(Self.configuration(joins: [1, 2, 5])))
        #expect(watched.evidence(of: 5, [1, 2, 3])?.rejoined == [])
        // Corosync counts from its own start.
        _ = watched.cluster.reduce(.disconnected(.lost))
        _ = watched.cluster.reduce(.configuration(Self.configuration(joins: [0, 1, 1])))
        _ = watched.read()
        _ = watched.cluster.nodelist(9, [1, 2, 3])
        _ = watched.cluster.quorum(true)
        #expect(watched.evidence(of: 10, [1, 2, 3])?.rejoined == [])
        _ = watched.cluster.reduce(.configuration(Self.configuration(joins: [0, 2, 1])))
        #expect(watched.evidence(of: 11, [1, 2, 3])?.rejoined.map(\.id) == [2])
    }

    @Test("has the versions of configurations that are not this node's, where they are known")
    func configurationVersions() throws {
        func versions(_ own: UInt64?, _ all: UInt64?...) -> [NodeConfigVersion]? {
            var watched = CountedCluster(Self.configuration(joins: [1, 1, 1], versions: all, own: own))
            return watched.evidence(of: 2, [1, 2, 3])?.configVersions
        }
        #expect(versions(4, 4, 4, 4) == [])
        #expect(versions(4, 3, 3, nil) == [NodeConfigVersion(node: .init(id: 2, name: "node2"), version: 3)])
        #expect(versions(nil, 3, 4, 5) == [])
    }
}

@Suite("The schedule of evidence")
struct EvidenceScheduleTests {
    private let start = Instant(nanoseconds: 1_000_000_000)
    private func nodelist(_ sequence: UInt64) -> EvidenceSchedule.Nodelist {
        (RingID(node: 1, sequence: sequence), [1, 2])
    }

    @Test("has a reading at each nodelist, and one for evidence within two seconds after the last nodelist")
    func readsTwice() throws {
        var schedule = EvidenceSchedule()
        #expect(schedule.deadline == nil)
        #expect(schedule.due(at: start) == nil)
        schedule.note(nodelist(2), at: start)
        schedule.note(nodelist(3), at: start + .seconds(1))
        #expect(schedule.deadline! <= start)
        let now = schedule.due(at: start + .seconds(1))
        let first = try #require(now)
        #expect(first.nodelists.map(\.ring.sequence) == [2, 3] && !first.isEvidence)
        let deadline = try #require(schedule.deadline)
        #expect(deadline > start + .seconds(2) && deadline < start + .seconds(3))
        #expect(schedule.due(at: start + .seconds(2)) == nil)
        let later = schedule.due(at: deadline)
        let second = try #require(later)
        #expect(second.nodelists.isEmpty && second.isEvidence)
        #expect(schedule.deadline == nil)
    }

    @Test("waits longer after a scheduling miss, unless a nodelist follows")
    func waitsAfterAMiss() {
        var schedule = EvidenceSchedule()
        schedule.noteMiss(at: start)
        #expect(schedule.deadline == start + EvidenceSchedule.afterMiss)
        schedule.note(nodelist(2), at: start + .seconds(1))
        #expect(schedule.due(at: start + .seconds(1))?.isEvidence == false)
        schedule.noteMiss(at: start + .seconds(1))
        #expect(schedule.deadline == start + .seconds(1) + EvidenceSchedule.afterNodelist)
        schedule.cancel()
        #expect(schedule.deadline == nil)
    }
}

extension Event {
    var evidence: EvidenceReport? {
        if case .evidence(let report) = body { report } else { nil }
    }
}
