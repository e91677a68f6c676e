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

        /// Processes an input of a moment, in milliseconds.
        mutating func reduce(_ input: Reducer.Input, at time: Int64 = 0) -> Event? {
            _ = cluster.reduce(input, at: time * 1000)
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

        /// Why there is no status yet.
        var obstacle: Outcome.Obstacle? { trigger.obstacle(cluster.reducer) }

        /// The status at the timeout.
        mutating func statusAtTimeout() -> Event? {
            trigger.statusAtTimeout(of: cluster.reducer, at: Timestamp(microseconds: 9))
        }
    }

    @Test("gives exactly one status, at the moment when every condition holds")
    func firesOnce() throws {
        var watched = try Watched(conditions: "quorate", "member=3")
        #expect(watched.reduce(.configuration(.named([1, 2, 3]))) == nil)
        watched.cluster.states[3] = .dead
        #expect(watched.nodelist(1, [1, 2]) == nil)
        #expect(watched.quorum(true) == nil)
        guard case .conditions(let words)? = watched.obstacle else { throw Unexpected(nil) }
        let condition = try Condition(parsing: "member=3")
        let state = try #require(watched.cluster.reducer.knownState)
        #expect(words == condition.obstacle(in: state, configured: [1, 2, 3]), "the other one holds")
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
        #expect(watched.obstacle == .unsettled(.recalculation, hasDevice: false))
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
        _ = watched.reduce(.unresponsive(silent: .seconds(10), ofMap: true))
        #expect(watched.remarks == ["corosync has not answered for 10 s; waiting for it"])
        #expect(watched.reduce(.disconnected(.lost)) == nil)
        #expect(watched.obstacle == nil, "the caller knows why")
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

    @Test("refuses qdevice as the node of a prediction when a node has that name or address")
    func nodeNamedAsDevice() throws {
        func diagnosis(name: String?, address: String, isRemoved: Bool = false) throws -> String? {
            var watched = Watched()
            watched.trigger = StatusTrigger(ifDown: [try NodeSelector(parsing: "qdevice")])
            let third = ConfiguredNode(id: NodeID(3), name: name, addresses: [address])
            let nodes = [1, 2].map { ConfiguredNode(id: NodeID($0), name: nil) } + (isRemoved ? [] : [third])
            _ = watched.reduce(.configuration(Configuration(nodes: nodes)))
            _ = watched.nodelist(1, [1, 2, 3])
            let prediction = watched.quorum(true)
            let diagnosis = watched.trigger.diagnosis(watched.cluster.reducer)
            #expect((prediction == nil) == (diagnosis != nil))
            return diagnosis
        }
        let start = "--if-down qdevice: qdevice is the quorum device and"
        let end = "of node 3; give the ID of the node"
        #expect(try diagnosis(name: "qdevice", address: "10.0.0.3") == "\(start) the name \(end)")
        #expect(try diagnosis(name: "gamma", address: "qdevice") == "\(start) an address \(end)")
        #expect(try diagnosis(name: "gamma", address: "10.0.0.3") == nil)
        #expect(try diagnosis(name: "qdevice", address: "10.0.0.3", isRemoved: true) == nil)
    }

    @Test("without conditions gives the first settled state")
    func settled() throws {
        var watched = Watched()
        watched.cluster.states[3] = .dead
        watched.cluster.states[2] = .dead
        // Quorate with one vote of two: the votes are current, but the flag is from before the recalculation.
        _ = watched.nodelist(1, [1])
        #expect(watched.quorum(true) == nil)
        #expect(watched.cluster.reducer.phase.isRecalculating && watched.remarks == [])
        #expect(watched.quorum(false)?.quorate == false)
    }

    @Test("gives no status while a reload changes configuration and votes, but one when its conditions hold")
    func reload() throws {
        for conditions in [[], ["quorate"]] {
            var watched = Watched()
            watched.trigger = StatusTrigger(try conditions.map { try Condition(parsing: $0) })
            _ = watched.reduce(.configuration(.named([1, 2, 3])))
            _ = watched.reduce(
                .quorum(quorate: true, nodes: watched.cluster.listed, watched.cluster.reading, .recalculating))
            _ = watched.reduce(.configuration(.named([1, 2, 3, 4])))
            #expect((watched.quorum(true) == nil) == conditions.isEmpty)
            #expect((watched.reduce(.configuration(.named([1, 2, 3, 4])), at: 2000) != nil) == conditions.isEmpty)
        }
    }

    @Test("remarks on a recalculation that does not end, during which no condition holds")
    func unsettled() throws {
        var watched = try Watched(conditions: "absent=3")
        _ = watched.nodelist(1, [1, 2, 3])
        _ = watched.quorum(true)
        watched.cluster.states[3] = .dead
        #expect(watched.nodelist(2, [1, 2]) == nil)
        #expect(watched.reduce(.deadline, at: 34_999) == nil)
        #expect(watched.remarks == [])
        #expect(watched.reduce(.deadline, at: 35_000) == nil)
        #expect(watched.reduce(.reading(watched.cluster.reading)) == nil)
        let words = UnsettledReason.recalculation.words(hasDevice: false)
        #expect(watched.remarks == ["\(words); waiting for it to end"])
        #expect(watched.quorum(true) != nil)
    }

    /// Totem's state while it gathers.
    private static func gathering(isBlocked: Bool = false) -> Reducer.Input {
        .statistics(
            Statistics(totem: TotemState(continuousGather: 3, operationalEntered: 5, isNetworkBlocked: isBlocked)))
    }

    @Test("gives no status while totem has no membership, and says so", arguments: [false, true])
    func membership(isBlocked: Bool) throws {
        let reason = isBlocked ? UnsettledReason.network : .membership
        var once = Watched()
        _ = once.reduce(.configuration(.named([1, 2, 3])))
        _ = once.reduce(Self.gathering(isBlocked: isBlocked))
        _ = once.nodelist(1, [1, 2, 3])
        #expect(once.quorum(true) == nil)
        #expect(once.obstacle == .unsettled(reason, hasDevice: false))
        #expect(once.nodelist(2, [1, 2, 3]) == nil)
        #expect(once.quorum(true)?.quorate == true)

        var waiting = try Watched(conditions: "member=3")
        waiting.cluster.states[3] = .dead
        _ = waiting.nodelist(1, [1, 2])
        _ = waiting.quorum(true)
        waiting.cluster.states[3] = .member
        #expect(waiting.reduce(Self.gathering(isBlocked: isBlocked)) == nil)
        for _ in 1...2 { #expect(waiting.reduce(.reading(waiting.cluster.reading)) == nil) }
        #expect(waiting.reduce(.deadline, at: 8600) == nil)
        #expect(waiting.remarks == ["\(reason.words(hasDevice: false)); waiting for it to end"])
    }

    @Test("at the timeout gives the nodes, and nothing of what is outdated")
    func timeout() throws {
        var watched = Watched()
        #expect(watched.statusAtTimeout() == nil, "nothing is known")
        _ = watched.reduce(.configuration(.named([1, 2, 3])))
        watched.cluster.states = [1: .member, 2: .dead, 3: .dead]
        watched.cluster.deviceFlags = [.quorumDeviceRegistered]
        _ = watched.nodelist(1, [1])
        #expect(watched.quorum(true) == nil)
        #expect(watched.obstacle == .unsettled(.recalculation, hasDevice: true))
        let given = watched.statusAtTimeout()
        let event = try #require(given)
        let state = try #require(event.state)
        #expect(event.kind == .status && event.time == Timestamp(microseconds: 9) && event.quorate == nil)
        #expect(event.clusterName == "lab" && event.localNode == NodeID(1))
        #expect(state.quorate == nil && state.votes == Votes() && state.flags == nil)
        #expect(state.nodes.map(\.stateName) == ["member", "dead", "dead"])
        #expect(watched.statusAtTimeout() == nil && watched.quorum(false) == nil, "it is the only one")

        // The notification says quorate, the reading says not quorate, and the next recalculation does not end.
        var recalculating = Watched()
        _ = recalculating.nodelist(1, [1, 2, 3])
        recalculating.cluster.isQuorate = false
        let cluster = recalculating.cluster
        #expect(recalculating.reduce(.quorum(quorate: true, nodes: cluster.listed, cluster.reading)) == nil)
        #expect(recalculating.nodelist(2, [1, 2]) == nil && recalculating.cluster.reducer.knownState == nil)
        let late = recalculating.statusAtTimeout()
        #expect(late?.kind == .status && late?.quorate == nil && late?.state?.quorate == nil)
    }

    @Test("at the timeout of a status whose totem has no membership, gives quorate, votes and flags as unknown")
    func timeoutWithoutMembership() throws {
        var watched = Watched()
        _ = watched.reduce(.configuration(.named([1, 2, 3])))
        _ = watched.reduce(Self.gathering())
        _ = watched.nodelist(1, [1, 2, 3])
        #expect(watched.quorum(true) == nil)
        let given = watched.statusAtTimeout()
        let state = try #require(given?.state)
        #expect(state.quorate == nil && state.votes == Votes() && state.flags == nil && state.nodes.count == 3)
    }

    @Test("at the timeout is not given without a connection, of a wait, or of a prediction")
    func timeoutOfOthers() throws {
        var configured = Watched()
        _ = configured.reduce(.configuration(.named([1, 2])))
        #expect(configured.statusAtTimeout() == nil && configured.obstacle == nil)
        var others = try [Watched(conditions: "member=9"), Watched()]
        others[1].trigger = StatusTrigger(ifDown: [try NodeSelector(parsing: "2")])
        for index in others.indices {
            _ = others[index].reduce(.configuration(.named([1, 2])))
            _ = others[index].nodelist(1, [1, 2])
            #expect(others[index].statusAtTimeout() == nil)
        }
    }
}
