// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// The reader of the output ends, is slow, or never existed.
@Suite("The output", .serialized)
struct OutputTests {
    @Test("whose reader has ended ends the program at once and quietly, in every mode")
    func closedPipe() throws {
        let sandbox = try Sandbox(nodes: 2)
        for mode in dispatchModes {
            let follower = try sandbox.follow(["--dispatch", mode])
            follower.closeOutput()
            #expect(follower.wait(within: .aMoment) == .exited(0))
            #expect(follower.errors == "")
        }
        // tail -f keeps its file open, so only the end of vqwatch closes the pipe.
        let shell = try sandbox.run(
            on: 1, ["bash", "-c", "set -o pipefail; \"$0\" -f | head -n 1", vqwatch], within: .seconds(10))
        #expect(shell.status == 0 && shell.lines.count == 1 && shell.errors == "")
    }

    @Test("whose reader has ended before the help is written ends the program by SIGPIPE, as vqwatch(1) says")
    func closedBeforeHelp() throws {
        for option in ["--help", "--version"] {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            defer { close(ends[1]) }
            close(ends[0])
            let process = try ChildProcess([vqwatch, option], output: .descriptor(ends[1]))
            #expect(process.wait(within: .seconds(10)) == .signaled(SIGPIPE) && process.errors == "")
        }
        let manual = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/man/vqwatch.1"
        let signals = try ChildProcess.run(["sed", "-n", "/^.Sh SIGNALS/,/^.Sh ENVIRONMENT/p", manual]).output
        #expect(signals.contains("With\n.Fl -help\nand\n.Fl -version ,\n.Dv SIGPIPE\nends it.\n"))
    }

    @Test("whose reader has ended before the result is an error without a message, as nobody has read that")
    func closedBeforeResult() throws {
        let standIn = try StandIn("nodes 3\n")
        for options in [[], ["-j"], ["--check"], ["--if-down", "2"], ["--wait-for", "quorate"]] {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            defer { close(ends[1]) }
            close(ends[0])
            let result = try standIn.spawn([vqwatch] + options, output: .descriptor(ends[1])).finish(
                within: .seconds(10))
            #expect(result.status == (options.first == "--check" ? 3 : 1) && result.errors == "", "\(options)")
        }
    }

    @Test("that cannot be written is an error with the reason")
    func unwritable() throws {
        let sandbox = try Sandbox(nodes: 1)
        let printing = [["--version"], ["--help"], ["--generate-completion-script", "bash"]]
        for options in [[], ["-j"], ["-f"], ["-f", "--dispatch", "blocking"]] + printing {
            let full = try sandbox.spawn(on: 1, [vqwatch] + options, output: .file("/dev/full")).finish(
                within: .seconds(10))
            #expect(full.status == 1, "\(options)")
            #expect(full.errors.hasPrefix("vqwatch: cannot write to standard output: No space left"), "\(full.errors)")
            let closed = try sandbox.spawn(on: 1, [vqwatch] + options, output: .closed).finish(within: .seconds(10))
            #expect(closed.status == 1, "\(options)")
            #expect(closed.errors.hasPrefix("vqwatch: cannot write to standard output: it is closed"))
        }
        // In a shell, because nsenter(1) of util-linux 2.41 needs them itself.
        let quiet = try sandbox.spawn(on: 1, ["sh", "-c", "exec \(vqwatch) -q <&- >&- 2>&-"])
        #expect(quiet.wait(within: .seconds(10)) == .exited(0))
    }

    @Test("that is not read for long stops neither dispatch nor a signal, and loses nothing")
    func slowReader() throws {
        // Without additional rings on a busy machine.
        let sandbox = try Sandbox(nodes: 3, totem: "token: 5000")
        let slow = try sandbox.follow(["--refresh", "0"])
        let ended = try sandbox.follow(["--refresh", "0"])
        let witness = try sandbox.follow(["--refresh", "0"])
        // This is more than a pipe holds: 64 KiB, with lines of about 1 KiB.
        var expected: [JSON] = []
        // The followers read the links at different moments, so that only the votes are compared.
        func next(of follower: ChildProcess) throws -> JSON? {
            try follower.nextEvent { $0.event == "expected_votes" }?.json["votes"]
        }
        for round in 0..<100 {
            try sandbox.setExpectedVotes(round % 2 == 0 ? 5 : 3)
            expected.append(try #require(try next(of: witness)))
        }
        // All notifications were dispatched: corosync has none queued for any client.
        let queues = try sandbox.run(on: 1, ["corosync-cmapctl", "-m", "stats", "stats.ipcs.service5."])
        let queued = queues.lines.filter { $0.contains(".queued ") }
        #expect(queued.count == 3 && queued.allSatisfy { $0.hasSuffix("= 0") }, "\(queues.output)")
        #expect(eventually(within: .seconds(10)) { ended.isBlocked(writingTo: STDOUT_FILENO) })
        ended.signal(SIGTERM)
        #expect(ended.wait(within: .aMoment, draining: false) == .signaled(SIGTERM))
        for line in expected {
            #expect(try next(of: slow) == line)
        }
    }

    @Test("to a file is complete when a signal ends it")
    func completeAtTheEnd() throws {
        let sandbox = try Sandbox(nodes: 3)
        let file = "\(sandbox.folder).out"
        defer { unlink(file) }
        let follower = try sandbox.spawn(on: 1, [vqwatch, "-fj", "--refresh", "0"], output: .file(file))
        try sandbox.waitUntilTracked(on: 1)
        let witness = try sandbox.follow(["--refresh", "0"])
        try sandbox.cut(3)
        // A ring can take more than one attempt.
        var kinds = ["status"]
        repeat {
            kinds.append(try #require(try witness.nextEvent { $0.event != "info" }).event)
        } while kinds.last != "quorum"
        follower.waitUntilIdle()
        follower.signal(SIGTERM)
        #expect(follower.wait(within: .aMoment) == .signaled(SIGTERM))
        let lines = try EventLine.parse(ChildProcess.run(["cat", file]).lines).map(\.event)
        // Knet may find the MTU of a link later.
        #expect(lines.filter { $0 != "info" }.starts(with: kinds))
    }
}
