// SPDX-License-Identifier: MIT

import Testing

@Suite("The stand-in dispatches as libvotequorum does")
struct DispatchTests {
    private let nodelist = "- nodelist 1.22 context=77 handle=1 1 2 3"
    private let quorum = "- quorum 1 context=77 handle=1 1=1 2=1 3=1"

    @Test("CURRENT and CHANGES queue a nodelist and a quorum notification, CHANGES_ONLY nothing")
    func snapshots() throws {
        #expect(
            try Probe(script: "nodes 3", "init track=1 all").lines == [
                "init: success", "track: success", nodelist, quorum, "all: success",
            ])
        #expect(
            try Probe(script: "nodes 3", "init track=2 all").lines == [
                "init: success", "track: success", nodelist, quorum, "all: success",
            ])
        #expect(
            try Probe(script: "nodes 3", "init track=4 all poll=0").lines == [
                "init: success", "track: success", "all: success", "fd: success", "poll: 0",
            ])
    }

    @Test("A second trackstart fails, but queues the snapshot again")
    func secondTrackstart() throws {
        let probe = try Probe(script: "nodes 3", "init track=2 track=2 all stop stop")
        #expect(
            probe.lines == [
                "init: success", "track: success", "track: CS_ERR_EXIST", nodelist, quorum, nodelist, quorum,
                "all: success", "stop: success", "stop: CS_ERR_NOT_EXIST",
            ])
    }

    @Test("ONE dispatches one, ONE_NONBLOCKING dispatches one or fails if there is none, and ALL succeeds without any")
    func modes() throws {
        let probe = try Probe(script: "nodes 3", "init track=2 poll=0 one nonblocking nonblocking all dispatch=9")
        #expect(
            probe.lines == [
                "init: success", "track: success", "fd: success", "poll: 1 POLLIN", nodelist, "one: success", quorum,
                "nonblocking: success", "nonblocking: CS_ERR_TRY_AGAIN", "all: success",
                "dispatch: CS_ERR_INVALID_PARAM",
            ])
    }

    @Test("BLOCKING ends when another thread shuts the descriptor down", arguments: ["blocking", "one"])
    func shutdown(mode: String) throws {
        let probe = try Probe(script: "nodes 3", "init track=4 shutdown-after=50 \(mode) all info=0 finalize")
        #expect(
            probe.lines.dropFirst(2) == [
                "\(mode): CS_ERR_LIBRARY", "all: CS_ERR_LIBRARY", "info 0: CS_ERR_LIBRARY", "finalize: success",
            ])
    }

    @Test("A signal does not interrupt ONE")
    func signal() throws {
        let script = "nodes 3\ntimeline\nwait 150\nexpected 5"
        let probe = try Probe(script: script, "init track=4 alarm=30 one")
        #expect(probe.lines.dropFirst(2) == ["- expected 5 context=77 handle=1", "one: success"])
    }

    @Test("A connection finalized in its own callback ends the dispatch")
    func finalizeInCallback() throws {
        let probe = try Probe(script: "nodes 3", "init track=2 finalize-in-callback all all")
        #expect(
            probe.lines.dropFirst(2) == [
                nodelist, "finalize: success", "all: CS_ERR_BAD_HANDLE", "all: CS_ERR_BAD_HANDLE",
            ])
        #expect(probe.report["open.votequorum"] == 0)
    }

    @Test("A hang-up is visible on the descriptor, and new connections can be refused for a time")
    func hangUp() throws {
        let script = "nodes 3\ntimeline\nwait 500\nhangup\nfail votequorum_initialize 1 CS_ERR_TRY_AGAIN times=2"
        let probe = try Probe(script: script, "init track=4 poll=20000 all finalize init init init track=4 all")
        #expect(
            probe.lines == [
                "init: success", "track: success", "fd: success", "poll: 1 POLLIN POLLHUP", "all: CS_ERR_LIBRARY",
                "finalize: success", "init: CS_ERR_TRY_AGAIN", "init: CS_ERR_TRY_AGAIN", "init: success",
                "track: success", "all: success",
            ])
    }

    @Test("A million notifications are all delivered without more memory")
    func flood() throws {
        let script = "nodes 3\ntimeline\nflood 1000000 alternate\nquorum same none"
        let probe = try Probe(script: script, "init quiet track=4 all count memory finalize")
        #expect(
            probe.lines.dropFirst(2) == [
                "all: success", "callbacks: 1000001", "memory: flat", "finalize: success",
            ])
        #expect(probe.report["callbacks"] == 1_000_001)
        #expect(probe.report["callbacks.nodelist"] == 500_000)
    }
}
