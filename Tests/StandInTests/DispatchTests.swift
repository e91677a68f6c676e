// SPDX-License-Identifier: MIT

import Testing

@Suite("The stand-in's connections")
struct DispatchTests {
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
