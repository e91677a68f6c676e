// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("Changes of the configuration map")
struct ConfigurationChangeTests {
    private static func change(_ key: String, _ value: (any ConfigurationMapValue)?) -> ConfigurationMap.Change {
        let new = value.map { ConfigurationMap.Value(type: type(of: $0).valueType, bytes: $0.valueBytes) }
        return .init(track: .init(rawValue: 1), kind: .modified, key: key, oldValue: nil, newValue: new)
    }

    @Test("update what totem knows of the configured nodes, without a request")
    func members() {
        var configuration = Configuration(nodes: [ConfiguredNode(id: NodeID(1)), ConfiguredNode(id: NodeID(2))])
        configuration.members[NodeID(1)] = TotemMember(isJoined: true, joinCount: 1, configVersion: 7)
        let changes: [(String, (any ConfigurationMapValue)?)] = [
            ("1.status", "left"), ("1.join_count", UInt32(2)), ("1.config_version", UInt64(8)), ("2.status", "joined"),
            ("2.ip", "r(0) ip(10.0.0.2)"), ("9.status", "joined"), ("x.status", "joined"), ("2.status.more", "left"),
        ]
        for (key, value) in changes {
            let isTaken = configuration.update(Self.change("runtime.members." + key, value))
            #expect(isTaken)
        }
        #expect(
            configuration.members == [
                NodeID(1): TotemMember(isJoined: false, joinCount: 2, configVersion: 8),
                NodeID(2): TotemMember(isJoined: true),
            ])
        _ = configuration.update(Self.change("runtime.members.1.config_version", nil))
        #expect(configuration.members[NodeID(1)]?.configVersion == nil)
    }

    private static let four = Configuration.named([1, 2, 3, 4])
    private static let wrong: [Problem.Code] = [.nodeMissing, .expectedVotes]

    @Test("that a reload makes are not compared with votes of before, which votequorum changes later")
    func comparesAfterReload() throws {
        var cluster = Cluster.settled()
        let configured = try #require(cluster.reduce(.configuration(Self.four)).only?.state)
        #expect(configured.problems.map(\.code) == [.nodeMissing], "the votes are still those of before")
        // Neither the same configuration nor votes of before that are read once more end that.
        #expect(cluster.reduce(.configuration(Self.four)) == [] && cluster.reduce(.reading(cluster.reading)) == [])
        cluster.expected = 4
        let changed = try #require(cluster.reduce(.expectedVotes(4, cluster.reading), at: 10_000).only?.state)
        #expect(changed.votes.expected == 4 && changed.problems.map(\.code) == [.nodeMissing])
        #expect(cluster.reducer.reloadEnd == Moment.at(microseconds: 2_000_000).instant)
        #expect(cluster.reduce(.configuration(Self.four), at: 2_000_000) == [])
        #expect(cluster.reducer.reloadEnd == nil)
    }

    @Test("that a reload makes are compared with the votes when the configuration is read again after two seconds")
    func comparesTwice() {
        var cluster = Cluster.settled()
        _ = cluster.reduce(.configuration(Self.four))
        #expect(cluster.reduce(.configuration(Self.four), at: 1_999_999) == [])
        let late = cluster.reduce(.configuration(Self.four), at: 2_000_000).only
        #expect(late?.kind == .info && late?.state?.problems.map(\.code) == Self.wrong)
        // A problem that was told before the reload is told during it.
        var five = Configuration.named([1, 2, 3, 4, 5])
        #expect(cluster.reduce(.configuration(five), at: 3_000_000).only?.state?.problems.map(\.code) == Self.wrong)
        // The same sum, of other votes.
        (five.nodes[0].votes, five.nodes[1].votes) = (0, 2)
        _ = cluster.reduce(.configuration(five), at: 4_000_000)
        #expect(cluster.reducer.reloadEnd == Moment.at(microseconds: 6_000_000).instant)
    }

    @Test("are not compared with expected votes that come with a quorum notification, which is the first of a reload")
    func comparesAfterQuorum() {
        var cluster = Cluster.settled()
        cluster.expected = 4
        #expect(cluster.quorum(false, at: 1000).only?.state?.problems.map(\.code) == [.notQuorate])
        #expect(cluster.reduce(.configuration(.named([1, 2, 3])), at: 2000) == [])
        let end = Moment.at(microseconds: 2_001_000)
        #expect(cluster.reducer.reloadEnd == end.instant)
        var other = cluster
        #expect(
            cluster.reduce(.configuration(Self.four), at: 3000).only?.state?.problems.map(\.code) == [
                .notQuorate, .nodeMissing,
            ])
        let late = other.reducer.reduce(.configuration(.named([1, 2, 3])), at: end).only
        #expect(late?.state?.problems.map(\.code) == [.notQuorate, .expectedVotes, .votesMissing])
    }

    @Test("that give a node more votes while it is absent are those that it would bring")
    func votesOfTheAbsent() {
        var cluster = Cluster.settled()
        var configuration = Configuration.named([1, 2, 3])
        configuration.nodes[2].votes = 3
        cluster.states[3] = .dead
        cluster.expected = 5
        for time: Int64 in [0, 2_000_000] { _ = cluster.reduce(.configuration(configuration), at: time) }
        #expect(cluster.quorum(false, at: 2_000_001).only?.state?.problems.map(\.code) == [.notQuorate, .nodeMissing])
        _ = cluster.reduce(.configuration(configuration), at: 5_000_000)
        #expect(cluster.reducer.knownState?.problems.map(\.code) == [.notQuorate, .nodeMissing])
    }

    @Test("are compared at once with votes that were changed without a reload, and at the start of a connection")
    func comparesAtOnce() {
        var cluster = Cluster.settled()
        cluster.expected = 4
        #expect(cluster.reduce(.configuration(.named([1, 2, 3]))) == [])
        let wrong: [Problem.Code] = [.expectedVotes, .votesMissing]
        #expect(cluster.reduce(.expectedVotes(4, cluster.reading)).only?.state?.problems.map(\.code) == wrong)
        var other = Cluster.settled()
        _ = other.reduce(.configuration(Self.four))
        _ = other.reduce(.disconnected(.lost))
        #expect(other.reducer.reloadEnd == nil)
        _ = other.reduce(.configuration(.named([1, 2, 3, 4, 5])))
        #expect(other.quorum(true).only?.state?.problems.map(\.code) == Self.wrong)
    }

    @Test("that cannot be read end the comparison with a reload")
    func unreadable() {
        var cluster = Cluster.settled()
        _ = cluster.reduce(.configuration(Self.four))
        _ = cluster.reduce(.configuration(nil))
        #expect(cluster.reducer.reloadEnd == nil)
    }

    @Test(
        "of any other key need a reading",
        arguments: ["nodelist.node.0.nodeid", "quorum.device.model", "totem.cluster_name"])
    func others(key: String) {
        var configuration = Configuration()
        let isTaken = configuration.update(Self.change(key, "1"))
        #expect(!isTaken)
    }
}
