// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite("An interrupter, on a real cluster", .serialized)
struct InterrupterTests {
    @Test("makes a dispatch that blocks return, from another thread")
    func interrupts() throws {
        let sandbox = try Sandbox(nodes: 1, starting: false)
        // With sockets instead of shared memory, requests have one of their own.
        let socket = "system {\n\tqb_ipc_type: socket\n}\n"
        for config in [[], Array(socket.utf8)] {
            try sandbox.configure(try sandbox.configuration(of: 1) + config)
            try sandbox.start(1)
            let found = try Exercise.findings("interrupted", on: sandbox)
            for mode in ["one", "blocking"] {
                #expect(found["votequorum \(mode)"] == "INTERRUPTED from votequorum_dispatch")
                #expect(found["votequorum \(mode) again"] == "INTERRUPTED from votequorum_dispatch")
                #expect(found["votequorum \(mode), a request"] == "INTERRUPTED from votequorum_getinfo")
                #expect(found["cmap \(mode)"] == "INTERRUPTED from cmap_dispatch")
            }
            try sandbox.stop(1)
        }
    }

    @Test("does nothing once the connection is closed and its descriptor in use for something else")
    func outlivesTheConnection() throws {
        let sandbox = try Sandbox(nodes: 1)
        let found = try Exercise.findings("closed", on: sandbox)
        #expect(found["votequorum"] == "the other use goes on")
        #expect(found["cmap"] == "the other use goes on")
    }

    @Test("is used by eight threads while connections are opened and closed, and ends each of them and nothing else")
    func isUsedByManyThreads() throws {
        let sandbox = try Sandbox(nodes: 1)
        let found = try Exercise.findings("races", on: sandbox)
        #expect(found["races"] == "100 interrupted, 0 damaged")
    }
}
