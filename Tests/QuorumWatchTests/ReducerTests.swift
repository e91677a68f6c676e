// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("The reducer")
struct ReducerTests {
    @Test("combines the first nodelist and quorum notifications into one status without changes")
    func foldsTheSnapshot() throws {
        var cluster = Cluster()
        #expect(cluster.nodelist(1, [1, 2, 3]) == [])
        let event = try #require(cluster.quorum(true).only)
        #expect(event.kind == .status)
        #expect(event.quorate == true)
        #expect(cluster.changes == [])
        let state = try #require(event.state)
        #expect(state.ring == RingID(node: NodeID(1), sequence: 1))
        #expect(state.nodes.map(\.stateName) == ["member", "member", "member"])
        #expect(state.nodes.map(\.isLocal) == [true, false, false])
        #expect(state.votes.margin == 1)
    }

    @Test("reports the nodes that joined and left, and allows no reading until the quorum notification")
    func followsAMembershipChange() throws {
        var cluster = Cluster.settled()
        #expect(cluster.reducer.phase.isSettled)
        let left = try #require(cluster.nodelist(2, [1, 2]).only)
        #expect(!cluster.reducer.phase.isSettled)
        #expect(left.quorate == nil, "it is being decided")
        guard case .nodelist(let report) = left.body else { throw Unexpected(left) }
        #expect(report.members.map(\.id) == [NodeID(1), NodeID(2)])
        #expect(report.joined == [])
        #expect(report.left == [NodeReference(id: NodeID(3), name: "node3")])

        #expect(cluster.reduce(.reading(cluster.reading)) == [], "a reading during a recalculation is ignored")
        cluster.states[3] = .dead
        let event = try #require(cluster.quorum(true).only)
        #expect(cluster.reducer.phase.isSettled)
        #expect(event.kind == .quorum)
        #expect(
            cluster.changes.map(\.field.path) == ["votes.total", "votes.margin", "nodes.3.state", "problems"],
            "the nodelist event reported the ring")
    }

    @Test("gives a nodelist for a new ring with the same members")
    func tellsANewRing() throws {
        var cluster = Cluster.settled()
        guard case .nodelist(let report)? = cluster.nodelist(7, [1, 2, 3]).only?.body else { throw Unexpected(nil) }
        #expect(report.joined == [] && report.left == [])
        #expect(report.ring.description == "1.7")
        #expect(cluster.quorum(true).only?.kind == .quorum)
        #expect(cluster.changes == [])
    }

    @Test("gives info when a reading shows a change without a notification, and no event when it shows no change")
    func findsSilentChanges() throws {
        var cluster = Cluster.settled()
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
        cluster.votes[2] = 2
        let event = try #require(cluster.reduce(.reading(cluster.reading)).only)
        #expect(event.kind == .info)
        #expect(cluster.changes.contains { $0.field.path == "nodes.2.votes" && $0.to == .number(2) })
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
    }

    @Test("ignores a changed node state in a reading until a notification or a second reading")
    func doubtsAReading() throws {
        var cluster = Cluster.settled()
        cluster.states[3] = .leaving
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
        #expect(cluster.reducer.wantsSecondReading)
        let event = try #require(cluster.reduce(.reading(cluster.reading)).only)
        #expect(event.kind == .info)
        #expect(event.state?.node(NodeID(3))?.stateName == "leaving")
        #expect(!cluster.reducer.wantsSecondReading)

        cluster.states[3] = .dead
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
        #expect(cluster.nodelist(2, [1, 2]).only?.kind == .nodelist)
        #expect(!cluster.reducer.wantsSecondReading)
        #expect(cluster.quorum(true).only?.kind == .quorum)
    }

    @Test("believes a changed node state in readings only after the statistics were read, and no new ring was formed")
    func doubtsAReadingWithoutStatistics() {
        func statistics(formed: UInt64) -> Reducer.Input {
            .statistics(Statistics(totem: TotemState(continuousGather: 0, operationalEntered: formed)))
        }
        var cluster = Cluster.settled()
        _ = cluster.reduce(statistics(formed: 4))
        cluster.states[3] = .dead
        for _ in 1...3 { #expect(cluster.reduce(.reading(cluster.reading)) == []) }
        #expect(cluster.reducer.wantsSecondReading && !cluster.reducer.phase.isSynchronizing)
        #expect(cluster.reduce(statistics(formed: 4)) == [])
        #expect(cluster.reduce(.reading(cluster.reading)).only?.kind == .info)

        cluster.states[3] = .member
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
        _ = cluster.reduce(statistics(formed: 5))
        for _ in 1...3 { #expect(cluster.reduce(.reading(cluster.reading)) == []) }
        #expect(cluster.reducer.phase.isSynchronizing)
    }

    @Test("takes no completed ring for one that is not, when the notifications of totem's counters come late")
    func lateCounters() {
        func statistics(formed: UInt64) -> Reducer.Input {
            .statistics(Statistics(totem: TotemState(continuousGather: 0, operationalEntered: formed)))
        }
        func counted(_ ring: UInt64) -> Reducer.Input {
            .counted(ring: RingID(node: 1, sequence: ring), members: [1, 2, 3])
        }
        var cluster = Cluster.settled()
        _ = cluster.reduce(statistics(formed: 4))
        for ring: UInt64 in [2, 3] { _ = cluster.nodelist(ring, [1, 2, 3]) }
        for input in [
            statistics(formed: 9), counted(2), statistics(formed: 8), statistics(formed: 9), counted(3),
        ] { _ = cluster.reduce(input) }
        _ = cluster.quorum(true)
        #expect(
            cluster.reducer.phase.isSettled && !cluster.reducer.phase.isSynchronizing && cluster.reducer.deadline == nil
        )
    }

    @Test(
        "does not know whether the cluster is quorate after a silence of a map, until it answers or votequorum notifies"
    )
    func staysUnknownAfterSilenceOfAMap() {
        let statistics = Reducer.Input.statistics(
            Statistics(totem: TotemState(continuousGather: 0, operationalEntered: 4)))
        var cluster = Cluster.settled()
        _ = cluster.reduce(statistics)
        for answers in [true, false] {
            let silence = Reducer.Input.unresponsive(silent: .seconds(10), ofMap: true)
            #expect(cluster.reduce(silence).only?.kind == .unresponsive)
            // Votequorum is silent as well, which is no second event.
            #expect(cluster.reduce(.unresponsive(silent: .seconds(10))) == [])
            #expect(cluster.reducer.wantsSecondReading)
            for _ in 1...3 { #expect(cluster.reduce(.reading(cluster.reading)) == []) }
            #expect(cluster.reducer.knownState == nil)
            _ = answers ? cluster.reduce(statistics) : cluster.nodelist(2, [1, 2, 3]) + cluster.quorum(true)
            _ = cluster.reduce(.reading(cluster.reading))
            #expect(cluster.reducer.knownState?.quorate == true)
        }
    }

    @Test("knows again whether the cluster is quorate when a map answers after its silence, without a reading")
    func mapAnswersAgain() throws {
        let statistics = Reducer.Input.statistics(
            Statistics(totem: TotemState(continuousGather: 0, operationalEntered: 4)))
        var cluster = Cluster.settled()
        _ = cluster.reduce(statistics)
        _ = cluster.reduce(.unresponsive(silent: .seconds(10), ofMap: true))
        _ = cluster.reduce(.statistics(nil))
        #expect(cluster.reducer.knownState == nil, "a map that cannot be read does not answer")
        let events = cluster.reduce(statistics)
        #expect(events.map(\.kind) == [.info] && events.only?.quorate == true)
        #expect(cluster.reducer.knownState?.votes.total == 3)
        // The last reading counts, although it came before the answer of the map.
        _ = cluster.reduce(.unresponsive(silent: .seconds(10), ofMap: true))
        cluster.isQuorate = false
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
        #expect(cluster.reduce(statistics).only?.quorate == false)
        cluster.isQuorate = true
        _ = cluster.quorum(true)
        // Of a votequorum that does not answer, a map says nothing.
        _ = cluster.reduce(.unresponsive(silent: .seconds(10)))
        #expect(cluster.reduce(statistics) == [] && cluster.reducer.knownState == nil)
        #expect(cluster.reduce(.reading(cluster.reading)).only?.quorate == true)
    }

    @Test("leaves the votes unknown if they were read after the next change had begun")
    func doesNotPrintStaleVotes() throws {
        var cluster = Cluster.settled()
        _ = cluster.nodelist(2, [1, 2])
        cluster.states[3] = .dead
        let listed = cluster.listed
        cluster.states[2] = .dead
        let event = try #require(cluster.reduce(.quorum(quorate: true, nodes: listed, cluster.reading)).only)
        let state = try #require(event.state)
        #expect(state.votes == Votes())
        #expect(state.votes.margin == nil)
        #expect(state.flags == nil)
        #expect(state.quorate == true, "the notification said so")
        #expect(state.node(NodeID(2))?.stateName == "member")
    }

    @Test("gives expected votes at once, with no other votes while votequorum recalculates")
    func expectedVotes() throws {
        var cluster = Cluster.settled()
        let settled = try #require(cluster.reduce(cluster.expect(5), at: 10).only)
        #expect(settled.kind == .expectedVotes && settled.quorate == true && settled.time.microseconds == 10)
        #expect(settled.state?.votes == Votes(total: 3, expected: 5, highestExpected: 5, quorum: 3))

        _ = cluster.nodelist(2, [1, 2, 3])
        for reading in [nil, cluster.reading] {
            let event = try #require(cluster.reduce(.expectedVotes(7, reading), at: 20).only)
            #expect(event.kind == .expectedVotes && event.quorate == nil && event.time.microseconds == 20)
            #expect(event.state?.votes == Votes(expected: 7) && event.state?.flags == nil)
        }
        cluster.expected = 7
        let event = try #require(cluster.quorum(false, at: 30).only)
        #expect(event.kind == .quorum && event.state?.votes.total == 3)
    }

    @Test("gives the votes of the reading with expected votes, which may be newer, and no info event for them")
    func newerExpectedVotes() throws {
        var cluster = Cluster.settled()
        cluster.expected = 5
        let first = try #require(cluster.reduce(.expectedVotes(4, cluster.reading)).only)
        #expect(first.state?.votes == Votes(total: 3, expected: 5, highestExpected: 5, quorum: 3))
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
        #expect(cluster.reduce(.expectedVotes(5, cluster.reading)).only?.kind == .expectedVotes)
        #expect(cluster.changes == [])
    }

    @Test("gives expected votes with no other votes while totem has no membership, or before corosync answers")
    func expectedVotesOfNobody() throws {
        var cluster = Cluster.settled()
        _ = cluster.reduce(.statistics(Statistics(totem: TotemState(continuousGather: 1, operationalEntered: 4))))
        let event = try #require(cluster.reduce(.expectedVotes(5, cluster.reading)).only)
        #expect(event.quorate == nil && event.state?.votes == Votes(expected: 5))
        var new = Cluster()
        #expect(new.reduce(.expectedVotes(5, new.reading)) == [], "the first status contains them")
    }

    @Test("leaves quorate unknown after a lost connection, and gives the changes after the reconnect")
    func reconnects() throws {
        var cluster = Cluster.settled()
        let lost = try #require(cluster.reduce(.disconnected(.lost)).only)
        #expect(lost.kind == .disconnected)
        #expect(lost.quorate == nil)
        #expect(lost.localNode == 1, "which node has lost its corosync")
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
        _ = cluster.nodelist(9, [1, 2, 3])
        let back = try #require(cluster.quorum(true).only)
        #expect(back.kind == .status)
        #expect(
            cluster.changes == [
                Change(field: .state(.quorate), from: .null, to: .bool(true)),
                Change(field: .state(.ring), from: .string("1.1"), to: .string("1.9")),
            ])
    }

    @Test("gives info when corosync answers again after it was unresponsive")
    func tellsThatItAnswersAgain() throws {
        var cluster = Cluster.settled()
        let silent = try #require(cluster.reduce(.unresponsive(silent: .seconds(10))).only)
        #expect(silent.kind == .unresponsive && silent.quorate == nil)
        let answered = try #require(cluster.reduce(.reading(cluster.reading)).only)
        #expect(answered.kind == .info)
        #expect(cluster.changes == [Change(field: .state(.quorate), from: .null, to: .bool(true))])
    }

    @Test("gives no event when a map is not answered while votequorum recalculates or totem has no membership")
    func silentMaps() throws {
        // Corosync answers no request for a map while it synchronises its services.
        let silence = Reducer.Input.unresponsive(silent: .seconds(10), ofMap: true)
        var cluster = Cluster.settled()
        #expect(cluster.reduce(silence).only?.kind == .unresponsive)
        cluster = .settled()
        _ = cluster.nodelist(2, [1, 2, 3])
        #expect(cluster.reduce(silence) == [] && cluster.reducer.knownState != nil)
        #expect(cluster.reduce(.unresponsive(silent: .seconds(10))).only?.kind == .unresponsive)
        cluster = .settled()
        _ = cluster.reduce(.statistics(Statistics(totem: TotemState(continuousGather: 1, operationalEntered: 4))))
        #expect(cluster.reduce(silence) == [])
    }

    @Test("gives the state absent to configured nodes that were never seen")
    func showsAbsentNodes() throws {
        var cluster = Cluster()
        _ = cluster.reduce(.configuration(.named([1, 2, 3, 4])))
        _ = cluster.nodelist(1, [1, 2, 3])
        let state = try #require(cluster.quorum(true).only?.state)
        #expect(state.nodes.map(\.stateName) == ["member", "member", "member", "absent"])
        #expect(state.node(NodeID(4))?.votes == nil)
    }

    @Test("gives info when a reload renames, adds or removes a node")
    func followsAReload() throws {
        var cluster = Cluster.settled()
        var configuration = Configuration.named([1, 2, 3])
        configuration.nodes[2].name = "new"
        let renamed = try #require(cluster.reduce(.configuration(configuration)).only)
        #expect(renamed.kind == .info)
        #expect(
            cluster.changes == [
                Change(field: .node(3, .name), from: .string("node3"), to: .string("new"))
            ])
        configuration.nodes.append(ConfiguredNode(id: NodeID(8)))
        _ = cluster.reduce(.configuration(configuration))
        #expect(cluster.changes.map(\.field.path) == ["nodes.8", "problems"])
        configuration.nodes.removeLast()
        _ = cluster.reduce(.configuration(configuration))
        #expect(cluster.changes.map(\.to) == [.null, .strings([])])
    }

    @Test("reports the quorum device as a device, not as a node")
    func showsTheQuorumDevice() throws {
        var cluster = Cluster.settled()
        cluster.deviceFlags = [.quorumDeviceRegistered, .quorumDeviceAlive]
        let state = try #require(cluster.reduce(.reading(cluster.reading)).only?.state)
        let deviceState = DeviceState(alive: true, castVote: false, masterWins: false)
        let device = QuorumDevice(name: "net", votes: 1, state: deviceState)
        #expect(state.device == device)
        #expect(cluster.changes.contains(Change(field: .state(.device), from: .null, to: .device(device))))
        let listed = cluster.listed + [.init(id: .quorumDevice, state: .member)]
        let event = try #require(cluster.reduce(.quorum(quorate: true, nodes: listed, cluster.reading)).only)
        #expect(event.state?.nodes.count == 3)
    }

    @Test("reports the quorum device of each node, and a device that is configured but not registered")
    func showsDevicesOfNodes() throws {
        var cluster = Cluster.settled()
        var configuration = Configuration.named([1, 2, 3])
        configuration.device = ConfiguredDevice(model: "net", votes: 1)
        let state = try #require(cluster.reduce(.configuration(configuration)).only?.state)
        #expect(state.device == QuorumDevice(model: "net", votes: 1) && state.device?.isRegistered == false)
        #expect(state.nodes.map(\.device) == [nil, nil, nil])
        cluster.deviceFlags = [.quorumDeviceRegistered, .quorumDeviceAlive, .quorumDeviceCastVote]
        let registered = try #require(cluster.reduce(.reading(cluster.reading)).only?.state)
        let working = DeviceState(alive: true, castVote: true, masterWins: false)
        #expect(registered.nodes.map(\.device) == [working, working, working])
        #expect(
            cluster.changes.map(\.field.path) == [
                "flags", "qdevice.name", "qdevice.registered", "qdevice.alive", "qdevice.cast_vote",
                "nodes.1.qdevice", "nodes.2.qdevice", "nodes.3.qdevice", "problems",
            ])
        // Votequorum keeps the bits of a node that is gone.
        cluster.states[3] = .dead
        let left = try #require(cluster.quorum(true).only?.state)
        #expect(left.nodes.map(\.device) == [working, working, nil])
    }

    @Test("does not accept a snapshot from the middle of a recalculation as a state")
    func outdatedSnapshot() throws {
        func first(_ flags: NodeInfo.Flags) throws -> ClusterState {
            var cluster = Cluster()
            cluster.states = [1: .member, 2: .dead, 3: .dead]
            cluster.deviceFlags = flags
            _ = cluster.nodelist(1, [1])
            return try #require(cluster.quorum(true).only?.state)
        }
        let outdated = try first([])
        #expect(outdated.quorate == nil && outdated.votes == Votes())
        #expect(try first(.autoTieBreaker).quorate == true)
        #expect(try first([.quorumDeviceRegistered, .quorumDeviceCastVote, .quorumDeviceMasterWins]).quorate == true)
        // Votes enough, but perhaps with those that the quorum device no longer gives.
        var waiting = Cluster()
        _ = waiting.nodelist(1, [1, 2, 3])
        let snapshot = waiting.reduce(
            .quorum(quorate: true, nodes: waiting.listed, waiting.reading, .recalculating))
        #expect(
            snapshot.only?.kind == .status && snapshot.only?.quorate == nil && waiting.reducer.phase.isRecalculating)
        #expect(waiting.quorum(false).only?.quorate == false && !waiting.reducer.phase.isRecalculating)
    }

    @Test("does not believe a snapshot whose reading is newer, and waits for the notifications of that")
    func outdatedByReading() throws {
        func first(_ change: (inout Cluster) -> Void) throws -> Event {
            var cluster = Cluster()
            _ = cluster.nodelist(1, [1, 2, 3])
            let listed = cluster.listed
            change(&cluster)
            let event = try #require(
                cluster.reduce(.quorum(quorate: true, nodes: listed, cluster.reading, .settled)).only)
            #expect(cluster.reducer.phase.isRecalculating == (event.quorate == nil))
            _ = cluster.nodelist(2, [1])
            #expect(cluster.quorum(false).only?.quorate == false)
            return event
        }
        #expect(try first { _ in }.quorate == true)
        #expect(try first { $0.isQuorate = false }.quorate == nil)
        #expect(try first { $0.states[3] = .dead }.quorate == nil)
    }

    @Test("does not believe a snapshot while the maps do not answer, whatever is read, until another one is recorded")
    func recalculatingSnapshot() throws {
        var cluster = Cluster()
        cluster.states[3] = .dead
        _ = cluster.nodelist(1, [1, 2])
        func snapshot(_ snapshot: Reducer.SnapshotState) -> Reducer.Input {
            .quorum(quorate: true, nodes: cluster.listed, cluster.reading, snapshot)
        }
        let (late, settled) = (snapshot(.recalculating), snapshot(.settled))
        #expect(cluster.reduce(late).only?.quorate == nil)
        #expect(cluster.reduce(.statistics(Statistics())) == [])
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
        let event = try #require(cluster.reduce(settled).only)
        #expect(event.kind == .info && event.quorate == true && cluster.reducer.phase.isSettled)
    }

    @Test("sorts a list of nodes and removes repetitions")
    func sortsHostileLists() throws {
        var cluster = Cluster()
        let listed = [3, 1, 2, 3, 4_294_967_295, 0].map {
            VoteQuorum.Notification.ListedNode(id: NodeID($0), state: NodeState(rawValue: 9))
        }
        let state = try #require(
            cluster.reduce(.quorum(quorate: false, nodes: listed, cluster.reading)).only?.state)
        #expect(state.nodes.map(\.id.rawValue) == [1, 2, 3, 4_294_967_295])
        #expect(state.nodes.map(\.stateName) == Array(repeating: "state_9", count: 4))
    }
}
