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

    @Test("are compared with changed votes, since a reload changes both")
    func comparesWithVotes() throws {
        var cluster = Cluster.settled()
        #expect(cluster.reduce(.votesChanging) == [])
        let configured = try #require(cluster.reduce(.configuration(.named([1, 2, 3, 4]))).only?.state)
        #expect(configured.problems.map(\.code) == [.nodeMissing], "the votes are still those of before")
        cluster.expected = 4
        let changed = try #require(cluster.reduce(.expectedVotes(4, cluster.reading)).only?.state)
        #expect(changed.votes.expected == 4 && changed.problems.map(\.code) == [.nodeMissing])
        // Without a reload.
        _ = cluster.reduce(.votesChanging)
        #expect(cluster.reduce(.configuration(.named([1, 2, 3, 4]))) == [])
        cluster.expected = 5
        let wrong: [Problem.Code] = [.nodeMissing, .expectedVotes, .votesMissing]
        #expect(cluster.reduce(.expectedVotes(5, cluster.reading)).only?.state?.problems.map(\.code) == wrong)
        // A problem that was told stays.
        _ = cluster.reduce(.votesChanging)
        #expect(cluster.reduce(.configuration(.named([1, 2, 3, 4]))) == [])
        _ = cluster.reduce(.disconnected(.lost))
        #expect(cluster.quorum(true).only?.state?.problems.map(\.code) == wrong, "a new connection compares at once")
    }

    @Test("that change votes cause a problem once the votes are read after them, or the second reading is the same")
    func holdsBackProblems() throws {
        var cluster = Cluster.settled()
        let five = Configuration.named([1, 2, 3, 4, 5])
        #expect(cluster.reduce(.configuration(five)).only?.state?.problems.map(\.code) == [.nodeMissing])
        let wrong: [Problem.Code] = [.nodeMissing, .expectedVotes]
        #expect(cluster.reduce(.configuration(five)).only?.state?.problems.map(\.code) == wrong)
        var other = Cluster.settled()
        _ = other.reduce(.configuration(five))
        #expect(other.reduce(.reading(other.reading)).only?.state?.problems.map(\.code) == wrong)
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
