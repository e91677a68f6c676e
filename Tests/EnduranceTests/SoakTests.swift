// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// Cluster faults in random order, for `VQWATCH_SOAK_SECONDS` (default: 60).
@Suite("Soak", .serialized)
struct SoakTests {
    /// A watcher on one node, in one mode, that writes to a file.
    private struct Watcher {
        let node: Int
        let mode: String
        /// The parent of the watcher, which ends in the same way.
        let process: ChildProcess
        /// The watcher itself.
        let processID: Int32
        /// Its process ID, as corosync on its node sees it.
        let number: Int
        let path: String

        init(on node: Int, of sandbox: Sandbox, _ mode: String, path: String, into output: String) throws {
            process = try sandbox.spawn(
                on: node, [vqwatch, "-fj", "--dispatch", mode], isVisible: true, output: .file(output), errors: .null)
            (processID, number) = try visibleChild(of: process)
            (self.node, self.mode, self.path) = (node, mode, path)
        }

        var name: String { "node \(node), --dispatch \(mode)" }

        func end() { kill(processID, SIGTERM) }

        func lines() throws -> [EventLine] {
            try EventLine.parse((textOfFile(path) ?? "").split(separator: "\n"))
        }
    }

    @Test("no watcher misses an event, invents one, or needs more memory, during random faults of the cluster")
    func soak() throws {
        let seconds = Int(numberFromEnvironment("VQWATCH_SOAK_SECONDS") ?? 60)
        let seed = numberFromEnvironment("VQWATCH_SOAK_SEED") ?? UInt64.random(in: 0...UInt64(UInt32.max))
        let nodes = 4
        print("soak: \(seconds) s on \(nodes) nodes, VQWATCH_SOAK_SEED=\(seed)")
        let soak = try Soak(nodes: nodes, seed: seed)
        let sandbox = soak.sandbox
        var watchers: [Watcher] = []
        for node in 1...nodes {
            for mode in dispatchModes {
                let path = "\(sandbox.folder)/\(node)-\(mode).json"
                watchers.append(try Watcher(on: node, of: sandbox, mode, path: path, into: path))
            }
        }
        // This output is not read before the last phase is over.
        let pipe = try NarrowPipe(in: sandbox.folder)
        let unread = try Watcher(on: 1, of: sandbox, "all", path: "", into: pipe.path)

        // About an eighth of the time.
        try soak.run(actions: max(4, seconds / 18))
        try settle(soak, watchers)
        let before = try footprints(soak, watchers, unread)
        try soak.run(for: .seconds(seconds) - (.now - soak.start))
        try settle(soak, watchers)
        let after = try footprints(soak, watchers, unread)
        #expect(pipe.isFull && pipe.waiting > 0, "the pipe is full, because it is not read")
        try #require([before, after].allSatisfy { $0.watchers.count == watchers.count }, "every watcher is running")
        for (watcher, (before, after)) in zip(watchers, zip(before.watchers, after.watchers)) {
            #expect(after.descriptors == before.descriptors, "descriptors: \(watcher.name)")
            #expect(after.memory <= before.memory + 512, "KiB of memory: \(watcher.name)")
        }
        #expect(after.connections == before.connections, "connections of each node")

        let late = pipe.readAll(quietFor: .seconds(5))
        let end = currentTime()
        for watcher in watchers + [unread] { watcher.end() }
        for watcher in watchers + [unread] {
            #expect(watcher.process.wait(within: .seconds(10)) == .signaled(SIGTERM))
        }
        let excuses = SharedMemory.Excuse.allCases.map { excuse in
            "\(after.left.count { $0 == excuse }) \(excuse.rawValue)"
        }.joined(separator: ", ")
        let logs = try (1...nodes).map { try sandbox.rings(of: $0) }
        var compared = 0
        var expected = 0
        var lines = 0
        func compare(_ found: [EventLine], node: Int, _ name: String) {
            let comparison = LogComparison(found, with: logs[node - 1], end: end)
            compared += comparison.compared
            expected += comparison.expected
            lines += found.count
            for problem in comparison.problems.prefix(10) {
                Issue.record("VQWATCH_SOAK_SEED=\(seed), \(name): \(problem)")
            }
        }
        for watcher in watchers { compare(try watcher.lines(), node: watcher.node, watcher.name) }
        let unreadLines = try EventLine.parse(late.split(separator: "\n"))
        #expect(!unreadLines.contains { $0.event == "dropped" })
        compare(unreadLines, node: 1, "node 1, not read until the end")
        #expect(expected > 2 * watchers.count, "the logs have enough events")
        print(
            """
            soak: seed \(seed): \((.now - soak.start).components.seconds) s, \(soak.actions) actions \
            (\(soak.refused) refused), \(soak.ended.count) watchers with blocked outputs ended, \
            \(logs.map(\.runs.count).reduce(0, +)) runs of \(nodes) daemons, \
            \(lines) lines of \(watchers.count + 1) watchers, \(compared) compared with \
            \(expected) rings and changes of quorum in the logs; memory at most \
            \(after.watchers.map(\.memory).max() ?? 0) KiB, \
            grown by \(zip(before.watchers, after.watchers).map { $1.memory - $0.memory }.max() ?? 0) KiB; \
            shared memory left by killed daemons: \(excuses)
            """)
    }

    /// Makes the cluster whole again, and waits until every watcher reports it.
    private func settle(_ soak: Soak, _ watchers: [Watcher]) throws {
        try soak.settle()
        let sandbox = soak.sandbox
        /// The nodes without `reachable`, which a status does not read and a `link` event changes.
        func nodes(_ state: JSON) -> [[JSON]] {
            let fields = ["id", "name", "state", "configured", "votes", "expected_votes", "local", "addresses"]
            return state["nodes"].elements.map { node in (fields + ["qdevice", "quorate_if_down"]).map { node[$0] } }
        }
        func isTold() throws -> Bool {
            var status: [Int: JSON] = [:]
            for node in 1...sandbox.nodeCount {
                guard let line = try sandbox.run(on: node, [vqwatch, "--json"]).lines.first else { return false }
                status[node] = try EventLine(line).json
            }
            return try watchers.allSatisfy { watcher in
                let lines = (textOfFile(watcher.path) ?? "").split(separator: "\n")
                guard let last = lines.last(where: { $0.contains("\"nodes\":[") }) else { return false }
                let line = try EventLine(String(last)).json
                let fields = ["cluster_name", "local_node_id", "quorate", "ring_id", "votes", "flags", "qdevice"]
                let other = status[watcher.node] ?? nil
                return fields.allSatisfy { line[$0] == other[$0] } && nodes(line) == nodes(other)
            }
        }
        // It takes longer if a busy machine forms another ring meanwhile.
        guard try eventually(within: .seconds(60), every: .milliseconds(300), isTold) else {
            throw TestFailure("VQWATCH_SOAK_SEED=\(soak.seed): a watcher's last state is not the status")
        }
    }

    private func footprints(
        _ soak: Soak, _ watchers: [Watcher], _ unread: Watcher
    ) throws -> (watchers: [Footprint], left: [SharedMemory.Excuse], connections: [Int]) {
        let nodes = 1...soak.sandbox.nodeCount
        return (
            watchers.compactMap { Footprint(of: $0.processID) },
            try nodes.flatMap { node in try left(on: node, soak, (watchers + [unread]).filter { $0.node == node }) },
            try nodes.map { try soak.sandbox.connections(on: $0) }
        )
    }

    /// Checks that `/dev/shm` of a node has what its watchers have open, which is three connections each, and
    /// nothing else. Records an issue for files that are left without an excuse, and returns the excuses of the others.
    private func left(on node: Int, _ soak: Soak, _ watchers: [Watcher]) throws -> [SharedMemory.Excuse] {
        let sandbox = soak.sandbox
        guard let server = innerNumber(of: try sandbox.processID(of: node)) else { throw TestFailure("no daemon") }
        let names = Dictionary(uniqueKeysWithValues: watchers.map { ($0.number, $0.name) })
        let expected = watchers.flatMap { watcher in
            ["cmap", "cmap", "votequorum"].map { "\(watcher.number) \($0)" }
        }.sorted()
        var found: [SharedMemory] = []
        // A client of a moment before may not have disconnected yet.
        let isExact = try eventually(within: .seconds(10)) {
            found = try sandbox.sharedMemory(on: node)
            let used = found.filter { $0.server == server }
            return used.allSatisfy { $0.isWhole(references: 2) }
                && used.map { "\($0.client) \($0.service)" }.sorted() == expected
        }
        let used = found.filter { $0.server == server }
        #expect(isExact, "VQWATCH_SOAK_SEED=\(soak.seed), node \(node): in use: \(used), not \(expected)")
        let log = try sandbox.rings(of: node)
        return found.filter { $0.server != server }.compactMap { shared in
            let client = names[shared.client]
            let excuse = shared.excuse(log, isWatched: client != nil, wasEnded: soak.ended.contains(shared.client))
            let end = log.run(of: shared.server).map { $0.exitedNormally ? "stopped" : "killed" } ?? "unknown"
            let sides = "client \(shared.client) (\(client ?? "no watcher")), server \(shared.server) (\(end))"
            if let excuse {
                print("soak: node \(node): left \(excuse.rawValue): \(sides), \(shared)")
            } else {
                Issue.record("VQWATCH_SOAK_SEED=\(soak.seed), node \(node): left: \(sides), \(shared)")
            }
            return excuse
        }
    }
}
