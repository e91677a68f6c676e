// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("A condition")
struct ConditionTests {
    private func condition(_ text: String) -> Condition? { try? Condition(parsing: text) }

    private func holds(_ text: String, _ cluster: Cluster) throws -> Bool {
        try obstacle(of: text, cluster) == nil
    }

    private func obstacle(of text: String, _ cluster: Cluster) throws -> String? {
        try Condition(parsing: text).obstacle(
            in: cluster.reducer.knownState ?? ClusterState(), configured: cluster.reducer.configuredNodes)
    }

    @Test(
        "has the parsed text as its description",
        arguments: ["quorate", "inquorate", "complete", "member=node3", "absent=3", "member=a=b", "absent= "])
    func roundTrip(_ text: String) throws {
        #expect(try Condition(parsing: text).description == text)
    }

    @Test(
        "with an unknown form is refused, with a list of the allowed forms",
        arguments: [
            "", "=", "Quorate", "quorate ", "quorate=yes", "complete=", "member", "absent", "node=3", "member =3",
        ])
    func refused(_ text: String) {
        #expect(
            throws: Condition.ParseError(
                description: "write quorate, inquorate, complete, member=NODE or absent=NODE")
        ) { try Condition(parsing: text) }
    }

    @Test("without a node is refused", arguments: ["member=", "absent="])
    func noNode(_ text: String) {
        #expect(throws: Condition.ParseError(description: "write the ID, the name or an address of a node")) {
            try Condition(parsing: text)
        }
    }

    @Test("on node 0, which is the quorum device, is refused", arguments: ["member=0", "absent=000"])
    func nodeZero(_ text: String) {
        #expect(throws: Condition.ParseError(description: "no node has the ID 0")) { try Condition(parsing: text) }
    }

    @Test("contradicts only its opposite")
    func contradictions() throws {
        let all = try ["quorate", "inquorate", "complete", "member=1", "absent=1", "member=2"].map {
            try Condition(parsing: $0)
        }
        let pairs = all.flatMap { one in all.filter(one.contradicts).map { "\(one) \($0)" } }
        #expect(pairs == ["quorate inquorate", "inquorate quorate", "member=1 absent=1", "absent=1 member=1"])
    }

    @Test("holds or not by the state of the cluster")
    func holds() throws {
        var cluster = Cluster.settled()
        for text in ["quorate", "complete", "member=1", "member=node3", "absent=9"] {
            #expect(try holds(text, cluster), "\(text)")
        }
        for text in ["inquorate", "absent=1", "absent=node3", "member=9", "member=node9"] {
            #expect(try !holds(text, cluster), "\(text)")
        }
        cluster.states = [1: .member, 2: .leaving, 3: .dead]
        _ = cluster.nodelist(2, [1])
        _ = cluster.quorum(false)
        for text in ["inquorate", "absent=2", "absent=node3"] { #expect(try holds(text, cluster), "\(text)") }
        for text in ["quorate", "complete", "member=2", "member=node3"] {
            #expect(try !holds(text, cluster), "\(text)")
        }
    }

    @Test("of absence holds for a node that nobody knows, but not for a name while names are unknown")
    func unknownNode() throws {
        var cluster = Cluster.settled()
        for text in ["absent=nodx", "absent=9", "absent=10.0.0.9"] { #expect(try holds(text, cluster), "\(text)") }
        for text in ["member=nodx", "member=9"] { #expect(try !holds(text, cluster), "\(text)") }
        _ = cluster.reduce(.configuration(nil))
        #expect(try !holds("absent=nodx", cluster) && holds("absent=9", cluster))
    }

    @Test("of absence holds for a node that was removed from the nodelist")
    func removedNode() throws {
        var cluster = Cluster.settled()
        cluster.states[3] = .dead
        _ = cluster.nodelist(2, [1, 2])
        _ = cluster.quorum(true)
        _ = cluster.reduce(.configuration(.named([1, 2])))
        for text in ["absent=node3", "absent=3", "complete"] { #expect(try holds(text, cluster), "\(text)") }
        #expect(try !holds("member=3", cluster))
    }

    @Test("takes an ID, a name or an address, in this order, and nothing ambiguous")
    func selectors() throws {
        var cluster = Cluster.settled()
        _ = cluster.reduce(
            .configuration(
                Configuration(nodes: [
                    .init(id: NodeID(1), name: "2", addresses: ["10.0.0.1", "fe80::1"]),
                    .init(id: NodeID(2), name: "10.0.0.1", addresses: ["10.0.0.2"]),
                    .init(id: NodeID(3), name: "twin", addresses: ["10.0.0.3"]),
                    .init(id: NodeID(7), name: "102", addresses: ["10.0.0.7"]),
                    .init(id: NodeID(8), name: "twin", addresses: ["10.0.0.7"]),
                ])))
        let state = try #require(cluster.reducer.knownState)
        func found(_ text: String) throws -> NodeID? { try NodeSelector(parsing: text).node(in: state)?.id }
        for (text, id) in [
            ("1", 1), ("102", 7), ("10.0.0.1", 2), ("fe80::1", 1), ("10.0.0.3", 3),
        ] as [(String, UInt32)] {
            #expect(try found(text) == NodeID(id), "\(text)")
        }
        #expect(try found("99999999999") == nil && found("10.0.0.9") == nil)
        func diagnosis(_ text: String) throws -> String {
            let selector = try NodeSelector(parsing: text)
            let nodes = selector.matches(in: state)
            #expect(nodes.count > 1 && selector.node(in: state) == nil)
            return selector.diagnosis(of: nodes)
        }
        #expect(
            try diagnosis("2") == "2 is the ID of one node and the name of node 1; give an address of the node")
        #expect(try diagnosis("twin") == "twin is the name of the nodes 3 and 8; give the ID of the node")
        #expect(try diagnosis("10.0.0.7") == "10.0.0.7 is an address of the nodes 7 and 8; give the ID of the node")
        for text in ["member=2", "absent=2", "absent=twin"] { #expect(try !holds(text, cluster), "\(text)") }
        var trigger = StatusTrigger([try Condition(parsing: "member=2")])
        #expect(
            trigger.diagnosis(cluster.reducer)
                == "member=2: 2 is the ID of one node and the name of node 1; give an address of the node")
        #expect(trigger.status(of: cluster.reducer, at: Timestamp(microseconds: 0)) == nil)
        #expect(try NodeSelector(parsing: "qdevice").isQuorumDevice && !NodeSelector(parsing: "node1").isQuorumDevice)
    }

    @Test("that does not hold says why")
    func obstacles() throws {
        var cluster = Cluster.settled()
        cluster.states[3] = .dead
        _ = cluster.nodelist(2, [1, 2])
        _ = cluster.quorum(true)
        for (text, reason) in [
            ("complete", "node3 is not a member"), ("member=3", "node3 is not a member"),
            ("inquorate", "the cluster is quorate"), ("absent=node1", "node1 is a member"),
            ("member=nodx", "no node has the ID, name or address nodx"),
        ] {
            #expect(try obstacle(of: text, cluster) == reason)
        }
        _ = cluster.reduce(.configuration(.named([1, 2, 3, 4])))
        #expect(try obstacle(of: "complete", cluster) == "2 nodes are not members (node3, node4)")
        _ = cluster.reduce(.configuration(nil))
        #expect(try obstacle(of: "complete", cluster) == "the configuration cannot be read")
        _ = cluster.quorum(false)
        #expect(try obstacle(of: "quorate", cluster) == "the cluster is not quorate")
    }

    @Test("of completeness does not hold without the configuration")
    func completeness() throws {
        var cluster = Cluster.settled()
        _ = cluster.reduce(.configuration(.named([1, 2, 3, 4])))
        #expect(try !holds("complete", cluster))
        _ = cluster.reduce(.configuration(nil))
        #expect(try !holds("complete", cluster))
        _ = cluster.reduce(.configuration(Configuration()))
        #expect(try !holds("complete", cluster))
    }
}
