// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// A signal arrives while an output is full, or while the command of `--exec` runs (with the stand-in).
@Suite("Ending by a signal", .serialized)
struct EndingTests {
    /// Waits until a write of the process blocks.
    private func waitUntilBlocked(_ process: ChildProcess, writingTo descriptor: Int32) throws {
        guard eventually(within: .seconds(20), { process.isBlocked(writingTo: descriptor) }) else {
            throw TestFailure("it does not write to \(descriptor)")
        }
    }

    /// Sends a signal every 0.3 s until the process ends. Returns how it ended; nil if ten signals did not end it.
    private func insist(on process: ChildProcess, _ signal: Int32) -> ChildProcess.Termination? {
        for _ in 1...10 {
            process.signal(signal)
            if let end = process.wait(within: .milliseconds(300), draining: false) { return end }
        }
        return nil
    }

    /// Sends two signals at once, and returns how long the process takes to end. A single signal would leave the reader half
    /// a second.
    private func endTwice(_ process: ChildProcess) throws -> Duration {
        let start = ContinuousClock.now
        process.signal(SIGINT)
        process.signal(SIGTERM)
        guard process.wait(within: .seconds(5), draining: false) != nil else { throw TestFailure("it does not end") }
        return ContinuousClock.now - start
    }

    @Test("A repeated signal ends the program at once while its output is not read")
    func repeatedWithFullOutput() throws {
        let cluster = try StandIn("nodes 1\n")
        let pipe = try FullPipe()
        for options in [[], ["-f"], ["-fj", "--dispatch", "blocking"]] {
            func start() throws -> ChildProcess {
                let process = try cluster.spawn([vqwatch] + options, output: .descriptor(pipe.writingEnd))
                try waitUntilBlocked(process, writingTo: STDOUT_FILENO)
                return process
            }
            #expect(insist(on: try start(), SIGINT) == .signaled(SIGINT), "\(options)")
            let time = try duration(aimingFor: .milliseconds(400)) { try endTwice(start()) }
            #expect(time < .milliseconds(400), "\(options)")
        }
    }

    @Test("A repeated signal ends the program at once while the command of --exec runs")
    func repeatedWithSlowCommand() throws {
        let cluster = try StandIn("nodes 1\n")
        func start() throws -> ChildProcess {
            let process = try cluster.spawn([vqwatch, "-qf", "--exec", "sh", "-c", "echo runs; exec sleep 20"])
            guard eventually(within: .seconds(20), { process.errors == "runs\n" }) else {
                throw TestFailure("the command does not run: \(process.errors)")
            }
            return process
        }
        #expect(insist(on: try start(), SIGTERM) == .signaled(SIGTERM))
        #expect(try duration(aimingFor: .milliseconds(400)) { try endTwice(start()) } < .milliseconds(400))
    }

    @Test(
        "A signal that was ignored at the start ends the program, but SIGHUP under nohup(1)",
        arguments: [SIGINT, SIGTERM, SIGHUP])
    func ignored(_ signal: Int32) throws {
        let cluster = try StandIn("nodes 1\n")
        let process = try cluster.spawn(["bash", "-c", #"trap "" INT TERM HUP; exec "$@""#, "bash", vqwatch, "-f"])
        _ = try #require(process.nextLine(within: .seconds(20)))
        process.signal(signal)
        if signal == SIGHUP {
            #expect(process.wait(within: .seconds(1)) == nil)
            process.signal(SIGTERM)
        }
        #expect(process.wait(within: .aMoment) == .signaled(signal == SIGHUP ? SIGTERM : signal))
    }

    @Test("A status that is not read in time says so on standard error")
    func unread() throws {
        let cluster = try StandIn("nodes 1\n")
        let pipe = try FullPipe()
        let process = try cluster.spawn([vqwatch, "-t", "1"], output: .descriptor(pipe.writingEnd))
        #expect(process.wait(within: .aMoment, draining: false) == .exited(124))
        #expect(process.errors.contains(": standard output is not read; "), "\(process.errors)")
    }

    @Test("A usage error of a check is reported on standard error if standard output cannot be written")
    func unwritable() throws {
        for output in [">&-", ">/dev/full"] {
            let result = try ChildProcess.run(["bash", "-c", #""$1" --check --unknown \#(output)"#, "bash", vqwatch])
            #expect(result.status == 3 && result.errors.hasPrefix("vqwatch: "), "\(output): \(result.errors)")
        }
    }

    @Test(
        "A signal ends the program within a second while standard error is not read",
        arguments: [
            [], ["-q"], ["-cq"], ["-f"], ["-f", "--no-reconnect"], ["-f", "--dispatch", "blocking"], ["-w", "quorate"],
        ])
    func fullErrors(_ options: [String]) throws {
        let cluster = try StandIn(
            """
            nodes 1
            fail votequorum_initialize 1 CS_ERR_LIBRARY forever
            fail cmap_initialize_map 1 CS_ERR_LIBRARY forever

            """)
        let pipe = try FullPipe()
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let time = try duration(aimingFor: .seconds(1)) {
                let process = try cluster.spawn([vqwatch] + options, errors: .descriptor(pipe.writingEnd))
                try waitUntilBlocked(process, writingTo: STDERR_FILENO)
                let start = ContinuousClock.now
                process.signal(signal)
                #expect(process.wait(within: .aMoment) == .signaled(signal))
                return ContinuousClock.now - start
            }
            #expect(time < .seconds(1), "signal \(signal)")
        }
        // A check prints its answer on standard output only.
        let check = try cluster.spawn([vqwatch, "-c"], errors: .descriptor(pipe.writingEnd))
        #expect(check.finish(within: .seconds(10)).status == 3)
    }

    @Test("A follower prints events, and a signal ends it, while standard error is not read")
    func fullErrorsWhileFollowing() throws {
        let cluster = try StandIn("nodes 2\ntimeline\nawait\nexpected 3\nawait\nexpected 2\n")
        let command = [vqwatch, "-fj", "--exec", "false"]
        let pipe = try FullPipe()
        let follower = try cluster.spawn(command, errors: .descriptor(pipe.writingEnd))
        #expect(try follower.nextEvent()?.event == "status")
        try waitUntilBlocked(follower, writingTo: STDERR_FILENO)
        for _ in 1...2 {
            cluster.allowStep()
            #expect(try follower.nextEvent()?.event == "expected_votes")
        }
        follower.signal(SIGTERM)
        #expect(follower.wait(within: .aMoment) == .signaled(SIGTERM))
        // The queued diagnostics are written once standard error is read.
        let reader = try FullPipe()
        let late = try StandIn("nodes 2\n").spawn(command, errors: .descriptor(reader.writingEnd))
        try waitUntilBlocked(late, writingTo: STDERR_FILENO)
        var errors: [UInt8] = []
        #expect(
            eventually(within: .seconds(10)) {
                errors += reader.read()
                return String(decoding: errors, as: UTF8.self).hasSuffix("see what it wrote\n")
            })
    }
}
