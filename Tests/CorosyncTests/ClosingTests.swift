// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

@Suite("A connection that is given up, on a real cluster", .serialized)
struct ClosingTests {
    @Test("blocks nobody, and removes the shared memory of a daemon that takes time to exit")
    func slowEnd() throws {
        let sandbox = try Sandbox(nodes: 1)
        func countOfBuffers() throws -> Int {
            try sandbox.run(on: 1, ["sh", "-c", "ls /dev/shm/qb-*/qb-*-data 2>/dev/null"]).lines.count
        }
        let client = try sandbox.spawn(on: 1, [Exercise.program, "given-up"])
        #expect(client.nextLine(within: .seconds(10)) == "connected")
        #expect(try countOfBuffers() == 3)
        let daemon = try sandbox.processID(of: 1)
        let words = textOfFile("\(sandbox.folder)/init")?.split(separator: " ") ?? []
        let parent = try #require(words.first.flatMap { Int32($0) })

        // While its parent is stopped, the killed daemon remains a zombie.
        kill(parent, SIGSTOP)
        kill(daemon, SIGKILL)
        #expect(client.nextLine(within: .seconds(10)) == "lost: CS_ERR_LIBRARY from votequorum_dispatch")
        #expect(client.nextLine(within: .seconds(10)) == "given up")
        kill(parent, SIGCONT)
        #expect(client.wait(within: .seconds(5)) == .exited(0))
        #expect(try countOfBuffers() == 0)
    }

    @Test("blocks nobody while another thread connects to a corosync that hangs, and is closed afterwards")
    func whileHung() throws {
        let sandbox = try Sandbox(nodes: 1)
        let client = try sandbox.spawn(on: 1, [Exercise.program, "given-up-while-hung"], input: .pipe)
        #expect(client.nextLine(within: .seconds(10)) == "connected")
        try sandbox.freeze(1)
        #expect(client.write("\n"))
        #expect(client.nextLine(within: .seconds(10)) == "giving a connection up")
        #expect(client.nextLine(within: .seconds(10)) == "given up")
        try sandbox.thaw(1)
        #expect(client.write("\n"))
        #expect(client.nextLine(within: .seconds(10)) == "no connection left")
        #expect(client.wait(within: .seconds(5)) == .exited(0))
    }
}
