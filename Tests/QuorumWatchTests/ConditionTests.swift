// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("A condition")
struct ConditionTests {
    private func condition(_ text: String) -> Condition? { try? Condition(parsing: text) }

    private func holds(_ text: String, _ cluster: Cluster) throws -> Bool {
        try Condition(parsing: text).holds(
            of: cluster.reducer.known ?? ClusterState(), configured: cluster.reducer.configuredNodes)
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
        #expect(throws: Condition.ParseError(description: "write the ID or the name of a node")) {
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

    @Test("with an unknown name never holds, because the node may be present under another name")
    func unknownName() throws {
        #expect(try !holds("absent=nodx", .settled()))
        #expect(try !holds("member=nodx", .settled()))
    }

    @Test("with a number selects the node with this ID, or with this name if no node has the ID")
    func numericNames() throws {
        var cluster = Cluster.settled()
        _ = cluster.reduce(
            .configuration(
                Configuration(nodes: [
                    .init(id: NodeID(1), name: "2"), .init(id: NodeID(2)), .init(id: NodeID(7), name: "102"),
                ])))
        let state = try #require(cluster.reducer.known)
        func found(_ text: String) throws -> [NodeID] { try NodeSelector(parsing: text).nodes(in: state).map(\.id) }
        #expect(try found("2") == [NodeID(2)])
        #expect(try found("102") == [NodeID(7)])
        #expect(try found("99999999999") == [])
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
