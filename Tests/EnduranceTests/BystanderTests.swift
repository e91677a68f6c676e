// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// The cost of watchers for corosync itself.
@Suite("Load on corosync", .serialized)
struct BystanderTests {
    /// The processor time of a process so far, in hundredths of a second.
    private func processorTime(of process: Int32) -> Int {
        let fields = (textOfFile("/proc/\(process)/stat") ?? "").split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
    }

    /// The private memory of a daemon, in KiB, without the ring buffers of a fixed size that it shares with its
    /// clients.
    private func memory(of process: Int32) -> Int {
        number(after: "Anonymous:", in: textOfFile("/proc/\(process)/smaps_rollup") ?? "") ?? 0
    }

    @Test("does not grow with a reader that stops, a paused terminal or a frozen watcher")
    func costsNothing() throws {
        // Node 1 has the watchers, node 2 has none, and both get the same changes.
        let sandbox = try Sandbox(nodes: 2)
        let watched = try sandbox.processID(of: 1)
        let free = try sandbox.processID(of: 2)
        let connections = try sandbox.connections(on: 1)
        let pipe = try NarrowPipe(in: sandbox.folder)
        let unread = try sandbox.spawn(on: 1, [vqwatch, "-fj"], output: .file(pipe.path))
        let (pausedTerminal, unreadTerminal) = (try PseudoTerminal(), try PseudoTerminal())
        let paused = try sandbox.spawn(on: 1, [vqwatch, "-fj"], output: .descriptor(pausedTerminal.line))
        let ended = try sandbox.spawn(on: 1, [vqwatch, "-fj"], output: .descriptor(unreadTerminal.line))
        let path = "\(sandbox.folder)/frozen.json"
        let frozen = try sandbox.spawn(on: 1, [vqwatch, "-fj"], output: .file(path))
        func events(in text: String, _ kind: String) -> Int {
            text.split { $0.isNewline }.count { $0.contains("\"event\":\"\(kind)\"") }
        }
        let isWatched = eventually(within: .seconds(10)) {
            pipe.waiting > 0 && pausedTerminal.waiting > 0 && unreadTerminal.waiting > 0
                && events(in: textOfFile(path) ?? "", "status") == 1
        }
        try #require(isWatched)
        /// Makes this number of changes, each of which notifies every watcher; each node makes half of them.
        func change(_ count: Int) throws {
            for node in [1, 2] {
                let command =
                    "for i in $(seq \(count / 4)); do for v in 3 2; do corosync-quorumtool -e $v || exit; done; done"
                let result = try sandbox.run(on: node, ["sh", "-c", command], within: .seconds(120))
                #expect(result.status == 0, "\(result.errors)")
            }
        }
        // Warm up, so that the daemons have allocated what the requests themselves need.
        try change(20)
        frozen.signal(SIGSTOP)
        pausedTerminal.pause()
        let early = pausedTerminal.readAll(quietFor: .milliseconds(500))
        let before = (memory(of: watched), memory(of: free))
        let busy = (processorTime(of: watched), processorTime(of: free))
        let changes = 200
        try change(changes)
        let worked = (processorTime(of: watched) - busy.0, processorTime(of: free) - busy.1)
        let grown = (memory(of: watched) - before.0, memory(of: free) - before.1)
        #expect(pausedTerminal.waiting == 0, "a paused terminal gives no output")
        // At some moment a daemon allocates 5 MiB for the clients that make the changes, with or without watchers.
        #expect(grown.0 <= max(0, grown.1) + 8192, "KiB: \(grown)")
        #expect(worked.0 <= worked.1 * 2 + 30, "hundredths of a second for \(changes) changes: \(worked)")
        // A watcher dispatches whether or not its output is read: only the frozen watcher's notifications are waiting.
        var waiting: [Int] = []
        let areTaken = try eventually(within: .seconds(5)) {
            waiting = try sandbox.sharedMemory(on: 1).filter { $0.service == "votequorum" }.map(\.waiting).sorted()
            return waiting.count == 4 && waiting[..<3] == [0, 0, 0]
        }
        #expect(areTaken && waiting.last! > 0, "words waiting for each watcher: \(waiting)")
        // Corosync counts the notifications of each connection that it queues in its own memory.
        let queues = try sandbox.run(on: 1, ["corosync-cmapctl", "-m", "stats", "stats.ipcs.service5."]).lines
            .filter { $0.contains(".queued ") || $0.contains(".queueing ") }
        #expect(queues.count == 8 && queues.allSatisfy { $0.hasSuffix(" = 0") }, "\(queues)")

        let start = (processorTime(of: watched), processorTime(of: free))
        sleep(3)
        let used = (processorTime(of: watched) - start.0, processorTime(of: free) - start.1)
        #expect(used.0 <= used.1 * 2 + 15, "hundredths of a second in 3 s: \(used)")

        frozen.signal(SIGCONT)
        pausedTerminal.resume()
        let isComplete = eventually(within: .seconds(20)) {
            events(in: textOfFile(path) ?? "", "expected_votes") >= 20 + changes
        }
        #expect(isComplete, "the frozen watcher has missed nothing")
        for late in [
            pipe.readAll(quietFor: .seconds(3)), early + pausedTerminal.readAll(quietFor: .seconds(3)),
        ] {
            #expect(events(in: late, "expected_votes") == events(in: textOfFile(path) ?? "", "expected_votes"))
            #expect(events(in: late, "dropped") == 0)
        }
        // A watcher whose terminal is not read also ends.
        for process in [unread, paused, ended, frozen] {
            process.signal(SIGTERM)
            #expect(process.wait(within: .seconds(10)) == .signaled(SIGTERM))
        }
        let areClosed = try eventually(within: .seconds(10)) {
            try sandbox.connections(on: 1) == connections && sandbox.sharedMemory(on: 1).isEmpty
        }
        #expect(areClosed)
        print(
            """
            load on corosync: \(changes) changes with stopped readers and a frozen watcher: corosync grew by \
            \(grown.0) KiB, without watchers by \(grown.1) KiB; its processor time was \(worked.0) and \(worked.1) \
            hundredths of a second, in 3 idle seconds \(used.0) and \(used.1)
            """)
    }

    @Test("is gone after 200 watchers, some of them killed: no connection and no shared memory is left")
    func comeAndGo() throws {
        let sandbox = try Sandbox(nodes: 1)
        let connections = try sandbox.connections(on: 1)
        // Corosync removes the files of the commands that waited for it a moment after they have ended.
        let isEmpty = try eventually(within: .seconds(10)) { try sandbox.sharedMemory(on: 1).isEmpty }
        #expect(isEmpty)
        // Ten at a time: a status, one event, ended by a signal, and killed with open connections.
        let command = """
            pids=
            for j in 1 2 3; do "$0" -q & pids="$pids $!"; "$0" -fj -n 1 >/dev/null & pids="$pids $!"; done
            "$0" -fq & a=$!; "$0" -fq --dispatch one & b=$!; "$0" -fq --dispatch blocking & c=$!; "$0" -fq & d=$!
            wait $pids
            kill -TERM $a $b; kill -KILL $c $d
            wait
            """
        let start = ContinuousClock.now
        for round in 1...20 {
            let result = try sandbox.run(on: 1, ["bash", "-c", command, vqwatch], within: .seconds(30))
            #expect(result.status == 0)
            var left: [SharedMemory] = []
            let isAsBefore = try eventually(within: .seconds(10)) {
                left = try sandbox.sharedMemory(on: 1)
                return try left.isEmpty && sandbox.connections(on: 1) == connections
            }
            try #require(isAsBefore, "round \(round): \(left)")
        }
        let time = ContinuousClock.now - start
        #expect(time < .seconds(60))
        print(
            "load on corosync: 200 watchers in \(time.components.seconds) s; after every ten, \(connections) connections "
                + "and no shared memory, as before")
    }
}
