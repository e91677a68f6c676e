// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// `--live` on a terminal that is stalled, or that it cannot use.
extension LiveTests {
    @Test("keeps watching while the terminal is stalled, then shows the newest state, and ends within a second")
    func stalls() throws {
        let sandbox = try Self.single.get()
        defer { try? sandbox.setExpectedVotes(50) }
        for isPaused in [true, false] {
            func start() throws -> (PseudoTerminal, ChildProcess) {
                let terminal = try PseudoTerminal()
                let page = try sandbox.spawn(
                    on: 1, [vqwatch, "--live"], environment: Self.environment, input: .descriptor(terminal.line),
                    output: .descriptor(terminal.line))
                var shown = ""
                let isShown = eventually(within: .seconds(10)) {
                    shown += terminal.readAll(quietFor: .milliseconds(100))
                    return shown.contains("50 of ")
                }
                try #require(isShown)
                return (terminal, page)
            }
            /// Stalls the terminal: output is paused, or the buffer is full and is not read.
            func stall(_ terminal: PseudoTerminal) { if isPaused { terminal.pause() } else { fill(terminal) } }

            try sandbox.setExpectedVotes(50)
            let (terminal, page) = try start()
            stall(terminal)
            let command = "for v in $(seq 51 98) 99; do corosync-quorumtool -e $v || exit; done"
            let changed = try sandbox.run(on: 1, ["sh", "-c", command], within: .seconds(120))
            #expect(changed.status == 0, "\(changed.errors)")
            try sandbox.expectNothingQueued(on: 1)
            if isPaused {
                #expect(terminal.waiting == 0)
                terminal.resume()
            }
            var late = ""
            let isNewest = eventually(within: .seconds(20)) {
                late += terminal.readAll(quietFor: .milliseconds(500)).filter { $0 != "x" }
                return late.contains("50 of 99 votes")
            }
            #expect(isNewest, "the newest is shown")
            let updates = late.split(separator: "\u{1b}[?2026h").count
            #expect(updates < 20, "of 49 changes, most were overtaken: \(updates)")
            page.signal(SIGTERM)
            #expect(page.wait(within: .aMoment) == .signaled(SIGTERM))

            var votes = 99
            let time = try duration(aimingFor: .seconds(1)) {
                let (terminal, page) = try start()
                stall(terminal)
                votes -= 1
                try sandbox.setExpectedVotes(votes)
                let start = ContinuousClock.now
                page.signal(SIGTERM)
                #expect(page.wait(within: .aMoment) == .signaled(SIGTERM))
                let time = ContinuousClock.now - start
                #expect(terminal.isInLineMode)
                #expect(terminal.readAll(quietFor: .milliseconds(300)).hasSuffix("\u{1b}[?1049l"))
                return time
            }
            #expect(time < .seconds(1), "paused: \(isPaused)")
        }
    }

    /// Fills the buffer of a terminal.
    private func fill(_ terminal: PseudoTerminal) {
        let flags = fcntl(terminal.line, F_GETFL)
        _ = fcntl(terminal.line, F_SETFL, flags | O_NONBLOCK)
        for size in [1000, 10, 1] {
            let block = [UInt8](repeating: UInt8(ascii: "x"), count: size)
            while write(terminal.line, block, size) > 0 {}
        }
        _ = fcntl(terminal.line, F_SETFL, flags)
    }

    @Test("is refused without a terminal, and on one that cannot move its cursor")
    func refuses() throws {
        func expectRefusal(_ process: ChildProcess, _ words: String) {
            let result = process.finish(within: .seconds(10))
            #expect(
                result.status == 64 && result.errors.hasPrefix("vqwatch: --live needs a terminal"), "\(result.errors)")
            #expect(
                result.errors.contains(words) && result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        }
        let terminal = try PseudoTerminal()
        let line = ChildProcess.Stream.descriptor(terminal.line)
        let environment = Self.environment
        expectRefusal(try ChildProcess([vqwatch, "--live"], environment: environment, input: line), "standard output")
        expectRefusal(try ChildProcess([vqwatch, "--live"], environment: environment, output: line), "standard input")
        for (type, words) in [("dumb", "TERM is dumb"), ("", "TERM is not set"), (nil, "TERM is not set")]
            as [(String?, String)]
        {
            let process = try ChildProcess(
                [vqwatch, "--live"], environment: environment.merging(["TERM": type]) { $1 }, input: line, output: line)
            expectRefusal(process, words)
        }
        #expect(terminal.readAll(quietFor: .milliseconds(100)).isEmpty)
    }
}

extension Sandbox {
    /// Expects that corosync on a node has no queued messages for any client.
    fileprivate func expectNothingQueued(on node: Int) throws {
        let queues = try run(on: node, ["corosync-cmapctl", "-m", "stats", "stats.ipcs.service5."]).lines
            .filter { $0.contains(".queued ") || $0.contains(".queueing ") }
        #expect(!queues.isEmpty && queues.allSatisfy { $0.hasSuffix(" = 0") }, "\(queues)")
    }
}
