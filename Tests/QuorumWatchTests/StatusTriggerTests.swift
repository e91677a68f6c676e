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

    @Test("gives exactly one status, at the moment when every condition holds")
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

    @Test("gives no status during a recalculation, or while the reading and the notification disagree")
    func needsOneMoment() throws {
        var watched = try Watched(conditions: "quorate")
        _ = watched.reduce(.configuration(nil))
        // The notification says quorate, the reading says not quorate.
        _ = watched.nodelist(1, [1, 2, 3])
        watched.cluster.isQuorate = false
        #expect(watched.reduce(.quorum(quorate: true, nodes: watched.cluster.listed, watched.cluster.reading)) == nil)
        #expect(watched.trigger.unmetConditions(watched.cluster.reducer) == nil)
        _ = watched.nodelist(2, [1, 2, 3])
        #expect(watched.reduce(.configuration(.named([1, 2, 3]))) == nil)
        #expect(watched.quorum(true) != nil)
    }

    @Test("gives no status when corosync is gone or does not answer")
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

    @Test("fires on a change without a notification")
    func silentChanges() throws {
        var watched = try Watched(conditions: "member=beta")
        _ = watched.reduce(.configuration(.named([1, 2, 3])))
        _ = watched.nodelist(1, [1, 2, 3])
        #expect(watched.quorum(true) == nil)
        let nodes = [1, 2, 3].map { ConfiguredNode(id: NodeID($0), name: $0 == 2 ? "beta" : nil) }
        #expect(watched.reduce(.configuration(Configuration(nodes: nodes))) != nil)
    }

    @Test("remarks once on a node that is not configured, as soon as the configuration is known")
    func remarks() throws {
        var watched = try Watched(conditions: "member=nod\u{1b}x", "member=9", "absent=8", "member=1")
        _ = watched.reduce(.configuration(nil))
        _ = watched.nodelist(1, [1, 2, 3])
        _ = watched.quorum(true)
        #expect(watched.remarks == [])
        for _ in 1...2 { _ = watched.reduce(.configuration(.named([1, 2, 3]))) }
        #expect(
            watched.remarks == [
                "member=nod\\u{1b}x: no node has this name or address; waiting for it to be configured",
                "member=9: no node has this ID, name or address; waiting for it to be configured",
                "absent=8: no node has this ID, name or address; taken as absent",
            ])
    }

    @Test("without conditions gives the first settled state")
    func settled() throws {
        var watched = Watched()
        watched.cluster.states[3] = .dead
        watched.cluster.states[2] = .dead
        // Quorate with one vote of two: the votes are current, but the flag is from before the recalculation.
        _ = watched.nodelist(1, [1])
        #expect(watched.quorum(true) == nil)
        #expect(watched.cluster.reducer.isRecalculating && watched.remarks == [])
        #expect(watched.quorum(false)?.quorate == false)
    }

    @Test("remarks on a recalculation that does not end, during which no condition holds")
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
