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
        #expect(cluster.reducer.mayRead)
        let left = try #require(cluster.nodelist(2, [1, 2]).only)
        #expect(!cluster.reducer.mayRead)
        #expect(left.quorate == true)
        guard case .nodelist(let report) = left.body else { throw Unexpected(left) }
        #expect(report.members.map(\.id) == [NodeID(1), NodeID(2)])
        #expect(report.joined == [])
        #expect(report.left == [NodeReference(id: NodeID(3), name: "node3")])

        #expect(cluster.reduce(.reading(cluster.reading)) == [], "a reading during a recalculation is ignored")
        cluster.states[3] = .dead
        let event = try #require(cluster.quorum(true).only)
        #expect(cluster.reducer.mayRead)
        #expect(event.kind == .quorum)
        #expect(
            cluster.changes.map(\.field) == ["votes.total", "votes.margin", "nodes.3.state"],
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
        #expect(cluster.changes.contains { $0.field == "nodes.2.votes" && $0.to == .number(2) })
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

    @Test("holds back an expected-votes notification until a recalculation ends, and keeps the order")
    func holdsExpectedVotes() throws {
        var cluster = Cluster.settled()
        _ = cluster.nodelist(2, [1, 2, 3])
        #expect(cluster.reduce(.expectedVotes(5, nil), at: 10) == [])
        cluster.expected = 5
        let events = cluster.quorum(true, at: 20)
        #expect(events.map(\.kind) == [.expectedVotes, .quorum])
        #expect(events.map(\.time.microseconds) == [10, 20])
        #expect(cluster.changesOfEach[0].contains { $0.field == "votes.expected" && $0.to == .number(5) })
        #expect(cluster.changesOfEach[1] == [])
    }

    @Test("reports held expected votes when the connection is lost, and leaves everything else unknown")
    func losesNoExpectedVotes() throws {
        var cluster = Cluster.settled()
        _ = cluster.nodelist(2, [1, 2, 3])
        _ = cluster.reduce(.expectedVotes(5, nil))
        let events = cluster.reduce(.disconnected(.lost))
        #expect(events.map(\.kind) == [.expectedVotes, .disconnected])
        #expect(events[0].state?.votes.expected == 5)
        #expect(events[0].state?.votes.total == nil)
        #expect(events[0].quorate == nil)
    }

    @Test("leaves quorate unknown after a lost connection, and gives the changes after the reconnect")
    func reconnects() throws {
        var cluster = Cluster.settled()
        let lost = try #require(cluster.reduce(.disconnected(.lost)).only)
        #expect(lost.kind == .disconnected)
        #expect(lost.quorate == nil)
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
        _ = cluster.nodelist(9, [1, 2, 3])
        let back = try #require(cluster.quorum(true).only)
        #expect(back.kind == .status)
        #expect(
            cluster.changes == [
                Change(field: "quorate", from: .null, to: .bool(true)),
                Change(field: "ring_id", from: .string("1.1"), to: .string("1.9")),
            ])
    }

    @Test("gives info when corosync answers again after it was unresponsive")
    func tellsThatItAnswersAgain() throws {
        var cluster = Cluster.settled()
        let silent = try #require(cluster.reduce(.unresponsive(silent: .seconds(10))).only)
        #expect(silent.kind == .unresponsive && silent.quorate == nil)
        let answered = try #require(cluster.reduce(.reading(cluster.reading)).only)
        #expect(answered.kind == .info)
        #expect(cluster.changes == [Change(field: "quorate", from: .null, to: .bool(true))])
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
                Change(field: "nodes.3.name", from: .string("node3"), to: .string("new"))
            ])
        configuration.nodes.append(ConfiguredNode(id: NodeID(8)))
        _ = cluster.reduce(.configuration(configuration))
        #expect(cluster.changes.map(\.field) == ["nodes.8"])
        configuration.nodes.removeLast()
        _ = cluster.reduce(.configuration(configuration))
        #expect(cluster.changes.map(\.to) == [.null])
    }

    @Test("reports the quorum device as a device, not as a node")
    func showsTheQuorumDevice() throws {
        var cluster = Cluster.settled()
        cluster.deviceFlags = [.quorumDeviceRegistered, .quorumDeviceAlive]
        let state = try #require(cluster.reduce(.reading(cluster.reading)).only?.state)
        let deviceState = DeviceState(alive: true, castVote: false, masterWins: false)
        let device = QuorumDevice(name: "net", votes: 1, state: deviceState)
        #expect(state.device == device)
        #expect(cluster.changes.contains(Change(field: "qdevice", from: .null, to: .device(device))))
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
            cluster.changes.map(\.field) == [
                "flags", "qdevice.name", "qdevice.registered", "qdevice.alive", "qdevice.cast_vote",
                "nodes.1.qdevice", "nodes.2.qdevice", "nodes.3.qdevice",
            ])
        // Votequorum keeps the bits of a node that is gone.
        cluster.states[3] = .dead
        let left = try #require(cluster.quorum(true).only?.state)
        #expect(left.nodes.map(\.device) == [working, working, nil])
    }

    @Test("leaves quorate unknown while a recalculation takes too long, until it ends")
    func unsettled() throws {
        var cluster = Cluster.settled()
        #expect(cluster.reduce(.unsettled(elapsed: .seconds(35))) == [], "no recalculation is under way")
        _ = cluster.nodelist(2, [1, 2])
        let event = try #require(cluster.reduce(.unsettled(elapsed: .seconds(35))).only)
        #expect(event.body == .unsettled(report(of: .seconds(35))))
        #expect(event.quorate == nil && cluster.reducer.known == nil && cluster.reducer.isUnsettled)
        #expect(cluster.nodelist(3, [1, 2]).only?.quorate == nil && cluster.reducer.isUnsettled)
        #expect(cluster.reduce(.unsettled(elapsed: .seconds(95))).only?.kind == .unsettled)
        let settled = try #require(cluster.quorum(true).only)
        #expect(settled.quorate == true && !cluster.reducer.isRecalculating)
        #expect(cluster.changes.first == Change(field: "quorate", from: .null, to: .bool(true)))
    }

    @Test("leaves quorate unknown after three changes of totem's membership without a nodelist notification")
    func unheardMemberships() throws {
        var cluster = Cluster.settled()
        for uptime in [10, 11] {
            #expect(cluster.reduce(.membershipChanged(uptime: .seconds(uptime))) == [])
        }
        // A nodelist notification covers the changes before it.
        _ = cluster.nodelist(2, [1, 2, 3])
        _ = cluster.quorum(true)
        for uptime in [20, 21] {
            #expect(cluster.reduce(.membershipChanged(uptime: .seconds(uptime))) == [])
        }
        #expect(cluster.reducer.mayRead)
        let event = try #require(cluster.reduce(.membershipChanged(uptime: .seconds(25))).only)
        #expect(event.body == .unsettled(report(of: .seconds(5))))
        #expect(!cluster.reducer.mayRead && cluster.reducer.known == nil)
        #expect(cluster.reduce(.membershipChanged(uptime: .seconds(26))) == [])
        _ = cluster.nodelist(3, [1, 2, 3])
        #expect(cluster.quorum(true).only?.quorate == true)
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
            .quorum(quorate: true, nodes: waiting.listed, waiting.reading, isRecalculating: true))
        #expect(snapshot.only?.kind == .status && snapshot.only?.quorate == nil && waiting.reducer.isRecalculating)
        #expect(waiting.quorum(false).only?.quorate == false && !waiting.reducer.isRecalculating)
    }

    @Test("starts from a baseline without an event")
    func startsFromABaseline() throws {
        var cluster = Cluster()
        _ = cluster.reduce(.configuration(.named([1, 2, 3])))
        #expect(cluster.reduce(.baseline(cluster.reading)) == [])
        #expect(cluster.reduce(.reading(cluster.reading)) == [])
        guard case .nodelist(let report)? = cluster.nodelist(2, [1, 2]).only?.body else { throw Unexpected(nil) }
        #expect(report.left.map(\.id) == [NodeID(3)])
        cluster.states[3] = .dead
        _ = cluster.quorum(false)
        #expect(cluster.changes.first?.field == "quorate")
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

/// The report of a recalculation of ring 1.2 that has taken this long.
private func report(of elapsed: Duration) -> UnsettledReport {
    UnsettledReport(ring: RingID(node: NodeID(1), sequence: 2), reason: .recalculation, elapsed: elapsed)
}
