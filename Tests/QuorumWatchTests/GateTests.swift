// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("The gate")
struct GateTests {
    /// A cluster behind a gate.
    private struct Gated {
        var cluster = Cluster()
        var gate: Gate
        var remarks: [String] = []

        init(_ wish: Gate.Wish) { gate = Gate(wish) }

        init(conditions: String...) throws {
            self.init(.conditions(try conditions.map { try Condition(parsing: $0) }))
        }

        mutating func reduce(_ input: Reducer.Input) -> Event? {
            _ = cluster.reduce(input)
            remarks += gate.remarks(on: input, cluster.reducer)
            return gate.pass(input, cluster.reducer, at: Timestamp(microseconds: 7))
        }

        mutating func nodelist(_ sequence: UInt64, _ members: [UInt32]) -> Event? {
            reduce(.nodelist(ring: RingID(node: NodeID(1), sequence: sequence), members: members.map(NodeID.init(_:))))
        }

        mutating func quorum(_ quorate: Bool) -> Event? {
            cluster.isQuorate = quorate
            return reduce(.quorum(quorate: quorate, nodes: cluster.listed, cluster.reading))
        }
    }

    @Test("lets one status through at the moment that every condition holds, and nothing else")
    func opensOnce() throws {
        var gated = try Gated(conditions: "quorate", "member=3")
        #expect(gated.reduce(.configuration(.named([1, 2, 3]))) == nil)
        gated.cluster.states[3] = .dead
        #expect(gated.nodelist(1, [1, 2]) == nil)
        #expect(gated.quorum(true) == nil)
        #expect(gated.gate.unmetConditions(gated.cluster.reducer) == [.member(try NodeSelector(parsing: "3"))])
        gated.cluster.states[3] = .member
        #expect(gated.nodelist(2, [1, 2, 3]) == nil)
        let opened = gated.quorum(true)
        let event = try #require(opened)
        #expect(event.kind == .status && event.quorate == true && event.time == Timestamp(microseconds: 7))
        #expect(event.report?.changes == [] && event.report?.state.ring?.sequence == 2)
        #expect(gated.quorum(true) == nil)
    }

    @Test("stays shut while a recalculation is under way, and while what was read belongs to another moment")
    func needsOneMoment() throws {
        var gated = try Gated(conditions: "quorate")
        _ = gated.reduce(.configuration(nil))
        // Notified quorate, but read as not.
        _ = gated.nodelist(1, [1, 2, 3])
        gated.cluster.isQuorate = false
        #expect(gated.reduce(.quorum(quorate: true, nodes: gated.cluster.listed, gated.cluster.reading)) == nil)
        #expect(gated.gate.unmetConditions(gated.cluster.reducer) == nil)
        _ = gated.nodelist(2, [1, 2, 3])
        #expect(gated.reduce(.configuration(.named([1, 2, 3]))) == nil)
        #expect(gated.quorum(true) != nil)
    }

    @Test("stays shut when corosync is gone or silent")
    func needsCorosync() throws {
        var gated = try Gated(conditions: "member=3")
        gated.cluster.states[3] = .dead
        _ = gated.nodelist(1, [1, 2])
        _ = gated.quorum(true)
        gated.cluster.states[3] = .member
        #expect(gated.reduce(.unresponsive(silent: .seconds(10))) == nil)
        #expect(gated.gate.unmetConditions(gated.cluster.reducer) == nil)
        #expect(gated.remarks == ["corosync has not answered for 10 s; waiting for it"])
        #expect(gated.reduce(.disconnected(.lost)) == nil)
        _ = gated.nodelist(2, [1, 2, 3])
        #expect(gated.quorum(true) != nil)
    }

    @Test("opens for what changes without a notification")
    func silentChanges() throws {
        var gated = try Gated(conditions: "member=beta")
        _ = gated.reduce(.configuration(.named([1, 2, 3])))
        _ = gated.nodelist(1, [1, 2, 3])
        #expect(gated.quorum(true) == nil)
        let nodes = [1, 2, 3].map { ConfiguredNode(id: NodeID($0), name: $0 == 2 ? "beta" : nil) }
        #expect(gated.reduce(.configuration(Configuration(nodes: nodes))) != nil)
    }

    @Test("tells once of a node that is not configured, when the configuration is known")
    func remarks() throws {
        var gated = try Gated(conditions: "member=nod\u{1b}x", "member=9", "absent=8", "member=1")
        _ = gated.reduce(.configuration(nil))
        _ = gated.nodelist(1, [1, 2, 3])
        _ = gated.quorum(true)
        #expect(gated.remarks == [])
        for _ in 1...2 { _ = gated.reduce(.configuration(.named([1, 2, 3]))) }
        #expect(
            gated.remarks == [
                "member=nod\\u{1b}x: no node has this name; waiting for it to be configured",
                "member=9: no node has this ID or name; waiting for it to be configured",
                "absent=8: no node has this ID or name; taken as absent",
            ])
    }

    @Test("lets a healthy answer through without names, and any other with them, or once they are not to be had")
    func answers() throws {
        var healthy = Gated(.answer(CheckFormat()))
        _ = healthy.nodelist(1, [1, 2, 3])
        #expect(healthy.quorum(true) != nil)

        var wanting = Gated(.answer(CheckFormat(warnMargin: 2)))
        _ = wanting.nodelist(1, [1, 2, 3])
        #expect(wanting.quorum(true) == nil && wanting.gate.wantsConfiguration(wanting.cluster.reducer))
        #expect(wanting.reduce(.configuration(nil)) != nil)
        #expect(!wanting.gate.wantsConfiguration(wanting.cluster.reducer))

        var bare = Gated(.bareAnswer)
        _ = bare.nodelist(1, [1])
        #expect(!bare.gate.wantsConfiguration(bare.cluster.reducer))
        #expect(bare.quorum(false) != nil)
    }
}
