// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite("The votequorum binding, on a real cluster", .serialized)
struct QuorumTests {
    @Test("connects and disconnects in eight threads at the same time, as the map's does")
    func connectsInManyThreads() throws {
        let sandbox = try Sandbox(nodes: 1)
        // The first connections of a process are the critical ones.
        for _ in 0..<10 { #expect(try Exercise.findings("connecting", on: sandbox)["failures"] == "[]") }
    }

    @Test("tracks with every flag and dispatches in every mode as the manual pages say")
    func tracks() throws {
        let sandbox = try Sandbox(nodes: 2)
        let found = try Exercise.findings("tracking", on: sandbox)
        #expect(found["before tracking"] == "CS_ERR_TRY_AGAIN from votequorum_dispatch")
        #expect(found["stop before start"] == "CS_ERR_NOT_EXIST from votequorum_trackstop")
        #expect(found["track nothing"] == "CS_ERR_INVALID_PARAM from votequorum_trackstart")
        let both = try #require(found["all of current"])
        #expect(both.hasPrefix("nodelist 1.") && both.hasSuffix(" [1, 2]; quorum true [\"1=member\", \"2=member\"]"))
        #expect(found["nothing left"] == "CS_ERR_TRY_AGAIN from votequorum_dispatch")
        #expect(found["all of nothing"] == "")
        #expect(found["changes only"] == "CS_ERR_TRY_AGAIN from votequorum_dispatch")
        #expect(found["start again"] == "CS_ERR_EXIST from votequorum_trackstart")
        #expect(found["one of two"]?.hasPrefix("nodelist ") == true, "the snapshot was queued all the same")
        #expect(found["the other"]?.hasPrefix("quorum ") == true)
        #expect(found["stop"] == "stopped")
        #expect(found["descriptor"] == "open")
        #expect(found["in a callback"] == "2 votes, then quorum true [\"1=member\", \"2=member\"]")

        let blocked = try sandbox.spawn(on: 1, [Exercise.program, "blocked"])
        #expect(blocked.nextLine(within: .seconds(5))?.hasPrefix("nodelist ") == true)
        #expect(blocked.nextLine(within: .seconds(5))?.hasPrefix("quorum ") == true)
        try sandbox.kill(2)
        #expect(blocked.nextLine(within: .seconds(10))?.hasSuffix(" [1]") == true)
        #expect(blocked.nextLine(within: .seconds(10)) == "quorum false [\"1=member\", \"2=dead\"]")
        #expect(
            blocked.nextLine(within: .seconds(5)) == "blocking: INTERRUPTED from votequorum_dispatch",
            "only an interruption ends it")
    }

    @Test("reads and changes votes, and gives the error that corosync gives")
    func changesVotes() throws {
        let sandbox = try Sandbox(nodes: 2)
        let found = try Exercise.findings("votes", on: sandbox)
        #expect(found["this node"] == "node 1 member 1 of 2, expected 2 2, quorum 2, [.quorate]")
        #expect(found["node 2"] == "node 2 member 1 of 2, expected 2 2, quorum 2, [.quorate]")
        #expect(found["node 9"] == "CS_ERR_NOT_EXIST from votequorum_getinfo")
        #expect(found["expect 5"] == "CS_ERR_INVALID_PARAM from votequorum_setexpected")
        #expect(found["expect 1"] == "CS_ERR_INVALID_PARAM from votequorum_setexpected")
        #expect(found["quorum device"] == "CS_ERR_INVALID_PARAM from votequorum_getinfo")
        #expect(found["votes of the quorum device"] == "CS_ERR_INVALID_PARAM from votequorum_setvotes")
        #expect(found["votes of 9"] == "CS_ERR_NAME_NOT_FOUND from votequorum_setvotes")
    }

    @Test("registers, polls, renames and unregisters a quorum device")
    func usesAQuorumDevice() throws {
        let sandbox = try Sandbox(nodes: 2, device: "model: net; votes: 1; timeout: 5000")
        let found = try Exercise.findings("device", on: sandbox)
        #expect(found["poll before"] == "CS_ERR_NOT_EXIST from votequorum_qdevice_poll")
        #expect(found["unregister before"] == "CS_ERR_NOT_EXIST from votequorum_qdevice_unregister")
        #expect(found["rename before"] == "CS_ERR_NOT_EXIST from votequorum_qdevice_update")
        #expect(found["master wins before"] == "CS_ERR_NOT_EXIST from votequorum_qdevice_master_wins")
        #expect(found["register without a name"] == "CS_ERR_INVALID_PARAM from votequorum_qdevice_register")
        #expect(found["register a name with a NUL"] == "CS_ERR_INVALID_PARAM from votequorum_qdevice_register")
        #expect(found["register"] == "a [.quorumDeviceRegistered]")
        #expect(found["register again"] == "a [.quorumDeviceRegistered]")
        #expect(found["register another"] == "CS_ERR_EXIST from votequorum_qdevice_register")
        #expect(found["poll"] == "a [.quorumDeviceRegistered, .quorumDeviceAlive]")
        let voting = "[.quorumDeviceRegistered, .quorumDeviceAlive, .quorumDeviceCastVote]"
        #expect(found["poll with the vote"] == "a \(voting)")
        #expect(found["poll another"] == "CS_ERR_INVALID_PARAM from votequorum_qdevice_poll")
        #expect(found["poll for an old ring"] == "CS_ERR_MESSAGE_ERROR from votequorum_qdevice_poll")
        #expect(
            found["master wins"]
                == "a [.quorumDeviceRegistered, .quorumDeviceAlive, .quorumDeviceCastVote, .quorumDeviceMasterWins]")
        #expect(found["master does not win"] == "a \(voting)")
        #expect(found["master wins of another"] == "CS_ERR_INVALID_PARAM from votequorum_qdevice_master_wins")
        #expect(found["rename another"] == "CS_ERR_INVALID_PARAM from votequorum_qdevice_update")
        #expect(found["rename"] == "b \(voting)")
        #expect(found["unregister"] == " []")
    }
}
