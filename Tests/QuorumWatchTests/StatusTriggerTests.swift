// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("The status trigger")
struct StatusTriggerTests {
    /// A cluster, and a trigger that watches it.
    private struct Watched {
        var cluster = Cluster()
        var trigger = StatusTrigger()
        var remarks: [String] = []

        init() {}

        init(conditions: String...) throws {
            trigger = StatusTrigger(try conditions.map { try Condition(parsing: $0) })
        }

        mutating func reduce(_ input: Reducer.Input) -> Event? {
            _ = cluster.reduce(input)
            remarks += trigger.remarks(on: input, cluster.reducer)
            return trigger.status(of: cluster.reducer, at: Timestamp(microseconds: 7))
        }

        mutating func nodelist(_ sequence: UInt64, _ members: [UInt32]) -> Event? {
            reduce(.nodelist(ring: RingID(node: NodeID(1), sequence: sequence), members: members.map(NodeID.init(_:))))
        }

        mutating func quorum(_ quorate: Bool) -> Event? {
            cluster.isQuorate = quorate
            return reduce(.quorum(quorate: quorate, nodes: cluster.listed, cluster.reading))
        }
    }

    @Test("gives one status at the moment that every condition holds, and nothing else")
    func firesOnce() throws {
        var watched = try Watched(conditions: "quorate", "member=3")
        #expect(watched.reduce(.configuration(.named([1, 2, 3]))) == nil)
        watched.cluster.states[3] = .dead
        #expect(watched.nodelist(1, [1, 2]) == nil)
        #expect(watched.quorum(true) == nil)
        #expect(watched.trigger.unmetConditions(watched.cluster.reducer) == [.member(try NodeSelector(parsing: "3"))])
        watched.cluster.states[3] = .member
        #expect(watched.nodelist(2, [1, 2, 3]) == nil)
        let fired = watched.quorum(true)
        let event = try #require(fired)
        #expect(event.kind == .status && event.quorate == true && event.time == Timestamp(microseconds: 7))
        #expect(event.state?.ring?.sequence == 2)
        #expect(watched.quorum(true) == nil)
    }

    @Test("gives nothing while a recalculation is under way, and while what was read belongs to another moment")
    func needsOneMoment() throws {
        var watched = try Watched(conditions: "quorate")
        _ = watched.reduce(.configuration(nil))
        // Notified quorate, but read as not.
        _ = watched.nodelist(1, [1, 2, 3])
        watched.cluster.isQuorate = false
        #expect(watched.reduce(.quorum(quorate: true, nodes: watched.cluster.listed, watched.cluster.reading)) == nil)
        #expect(watched.trigger.unmetConditions(watched.cluster.reducer) == nil)
        _ = watched.nodelist(2, [1, 2, 3])
        #expect(watched.reduce(.configuration(.named([1, 2, 3]))) == nil)
        #expect(watched.quorum(true) != nil)
    }

    @Test("gives nothing when corosync is gone or silent")
    func needsCorosync() throws {
        var watched = try Watched(conditions: "member=3")
        watched.cluster.states[3] = .dead
        _ = watched.nodelist(1, [1, 2])
        _ = watched.quorum(true)
        watched.cluster.states[3] = .member
        #expect(watched.reduce(.unresponsive(silent: .seconds(10))) == nil)
        #expect(watched.trigger.unmetConditions(watched.cluster.reducer) == nil)
        #expect(watched.remarks == ["corosync has not answered for 10 s; waiting for it"])
        #expect(watched.reduce(.disconnected(.lost)) == nil)
        _ = watched.nodelist(2, [1, 2, 3])
        #expect(watched.quorum(true) != nil)
    }

    @Test("fires for what changes without a notification")
    func silentChanges() throws {
        var watched = try Watched(conditions: "member=beta")
        _ = watched.reduce(.configuration(.named([1, 2, 3])))
        _ = watched.nodelist(1, [1, 2, 3])
        #expect(watched.quorum(true) == nil)
        let nodes = [1, 2, 3].map { ConfiguredNode(id: NodeID($0), name: $0 == 2 ? "beta" : nil) }
        #expect(watched.reduce(.configuration(Configuration(nodes: nodes))) != nil)
    }

    @Test("remarks once on a node that is not configured, when the configuration is known")
    func remarks() throws {
        var watched = try Watched(conditions: "member=nod\u{1b}x", "member=9", "absent=8", "member=1")
        _ = watched.reduce(.configuration(nil))
        _ = watched.nodelist(1, [1, 2, 3])
        _ = watched.quorum(true)
        #expect(watched.remarks == [])
        for _ in 1...2 { _ = watched.reduce(.configuration(.named([1, 2, 3]))) }
        #expect(
            watched.remarks == [
                "member=nod\\u{1b}x: no node has this name; waiting for it to be configured",
                "member=9: no node has this ID or name; waiting for it to be configured",
                "absent=8: no node has this ID or name; taken as absent",
            ])
    }

    @Test("without conditions gives the first state that is settled")
    func settled() throws {
        var watched = Watched()
        watched.cluster.states[3] = .dead
        watched.cluster.states[2] = .dead
        // Quorate with one vote of two: what is read is of now, and the flag of before the recalculation.
        _ = watched.nodelist(1, [1])
        #expect(watched.quorum(true) == nil)
        #expect(watched.cluster.reducer.isRecalculating && watched.remarks == [])
        #expect(watched.quorum(false)?.quorate == false)
    }

    @Test("remarks on a recalculation that does not end, and no condition holds while it lasts")
    func unsettled() throws {
        var watched = try Watched(conditions: "absent=3")
        _ = watched.nodelist(1, [1, 2, 3])
        _ = watched.quorum(true)
        watched.cluster.states[3] = .dead
        #expect(watched.nodelist(2, [1, 2]) == nil)
        #expect(watched.reduce(.unsettled(elapsed: .seconds(35))) == nil)
        #expect(watched.reduce(.reading(watched.cluster.reading)) == nil)
        #expect(watched.remarks == ["votequorum has not finished recalculating for 35 s; waiting for it"])
        #expect(watched.quorum(true) != nil)
    }
}
