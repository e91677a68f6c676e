// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite("Notifications as an asynchronous sequence, on a real cluster", .serialized)
struct NotificationsTests {
    @Test("come in order, and end with the error of the connection")
    func follow() throws {
        let sandbox = try Sandbox(nodes: 2)
        let follower = try sandbox.spawn(on: 1, [Exercise.program, "followed"])
        func next() -> String? { follower.nextLine(within: .seconds(20)) }
        #expect(next()?.hasSuffix(" [1, 2]") == true)
        #expect(next() == "quorum true [\"1=member\", \"2=member\"]")
        try sandbox.kill(2)
        #expect(next()?.hasSuffix(" [1]") == true)
        #expect(next() == "quorum false [\"1=member\", \"2=dead\"]")
        try sandbox.kill(1)
        #expect(next() == "ended: CS_ERR_LIBRARY from votequorum_dispatch")
        #expect(follower.wait(within: .seconds(5)) == .exited(0))

        let vain = try sandbox.run(on: 1, [Exercise.program, "followed"])
        #expect(vain.lines == ["ended: CS_ERR_LIBRARY from votequorum_initialize"])
    }

    @Test("end with the connection also where its descriptor does not hang up")
    func followSockets() throws {
        let sandbox = try Sandbox(nodes: 1, starting: false)
        let socket = Array("system {\n\tqb_ipc_type: socket\n}\n".utf8)
        try sandbox.configure(try sandbox.configuration(of: 1) + socket)
        try sandbox.start(1)
        let follower = try sandbox.spawn(on: 1, [Exercise.program, "followed"])
        func next() -> String? { follower.nextLine(within: .seconds(20)) }
        #expect(next()?.hasPrefix("nodelist ") == true)
        #expect(next()?.hasPrefix("quorum ") == true)
        try sandbox.kill(1)
        #expect(next() == "ended: CS_ERR_LIBRARY from votequorum_dispatch")
    }

    @Test("that nobody reads are taken off corosync, and the oldest are dropped and counted")
    func drop() throws {
        let sandbox = try Sandbox(nodes: 1)
        let result = try sandbox.run(on: 1, [Exercise.program, "dropped"])
        let latest = (1993...2002).map(String.init).joined(separator: " ")
        #expect(result.lines == ["dropped 1991, then \(latest)"], "\(result.errors)")
    }

    @Test("end with the task that reads them, and so does the connection")
    func cancel() throws {
        let sandbox = try Sandbox(nodes: 1)
        let result = try sandbox.run(on: 1, [Exercise.program, "cancelled"])
        #expect(
            result.lines == ["received", "received", "ended by the cancellation", "no connection left"],
            "\(result.errors)")
    }

    @Test("end at once when corosync hangs and the task is cancelled")
    func cancelWhileHung() throws {
        let sandbox = try Sandbox(nodes: 1)
        try sandbox.freeze(1)
        let result = try sandbox.run(on: 1, [Exercise.program, "cancelled-while-hung"], within: .seconds(10))
        #expect(result.lines == ["cancelled"], "\(result.errors)")
        try sandbox.thaw(1)
    }

    @Test("end with an error when no thread can be started")
    func needAThread() throws {
        let sandbox = try Sandbox(nodes: 1)
        let result = try sandbox.run(on: 1, [Exercise.program, "no-thread"])
        #expect(result.lines == ["ended: no thread can be started: Resource temporarily unavailable"])
    }

    @Test(
        "wait for a corosync that hangs in one thread, however often they are begun and cancelled, and in none if cancelled before"
    )
    func restartWhileHung() throws {
        let sandbox = try Sandbox(nodes: 1)
        try sandbox.freeze(1)
        let result = try sandbox.run(on: 1, [Exercise.program, "restarted-while-hung"], within: .seconds(20))
        #expect(result.lines == ["sockets of a cancelled task: 0", "threads: few"], "\(result.errors)")
        try sandbox.thaw(1)
    }

    @Test("are changes of a map as well, and readings at an interval")
    func followChanges() throws {
        let sandbox = try Sandbox(nodes: 1)
        let follower = try sandbox.spawn(on: 1, [Exercise.program, "changed"])
        func next() -> String? { follower.nextLine(within: .seconds(10)) { $0 != "nothing" } }
        #expect(follower.nextLine(within: .seconds(10)) == "nothing", "it is tracking")
        for (arguments, line) in [
            (["-s", "test.one", "u32", "1"], "added test.one, now 1"),
            (["-s", "test.one", "u32", "2"], "modified test.one, now 2"),
            (["-d", "test.one"], "deleted test.one, now nil"),
        ] {
            #expect(try sandbox.run(on: 1, ["corosync-cmapctl"] + arguments).status == 0)
            #expect(next() == line)
        }
        #expect(follower.wait(within: .seconds(5)) == .exited(0))
    }

    @Test("are read again at an interval, without a notification")
    func readAgain() throws {
        let sandbox = try Sandbox(nodes: 2)
        let result = try sandbox.run(on: 1, [Exercise.program, "silent"], within: .seconds(20))
        #expect(result.lines == ["read again: 3"], "\(result.errors)")
    }

    @Test("end with the error of the closure that reads")
    func refuseReading() throws {
        let sandbox = try Sandbox(nodes: 1)
        let result = try sandbox.run(on: 1, [Exercise.program, "refused-reading"], within: .seconds(20))
        #expect(result.lines == ["ended: refused read"], "\(result.errors)")
    }

    @Test("are read in a thread whose own faults can be handled")
    func trap() throws {
        let sandbox = try Sandbox(nodes: 1)
        let result = try sandbox.run(on: 1, [Exercise.program, "trapped"], within: .seconds(20))
        #expect(result.lines == ["the trap is handled"], "\(result.errors)")
    }
}
