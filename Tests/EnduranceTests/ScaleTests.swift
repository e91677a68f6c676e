// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// Clusters up to the largest size that corosync supports.
@Suite("Scale", .serialized)
struct ScaleTests {
    @Test("every line is right while 24 real nodes are partitioned, rejoined and all restarted")
    func twentyFourNodes() throws {
        let all = Array(1...24)
        let sandbox = try Sandbox(nodes: 24, within: .seconds(120))
        let watched = [1, 12, 13, 24]
        let watchers = try zip(watched, dispatchModes).map { node, mode in
            let path = "\(sandbox.folder)/\(node).json"
            let process = try sandbox.spawn(
                on: node, [vqwatch, "-fj", "--dispatch", mode], output: .file(path), errors: .null)
            return (node: node, process: process, path: path)
        }
        func status(of node: Int) throws -> EventLine {
            let result = try sandbox.run(on: node, [vqwatch, "--json", "--timeout", "60s"], within: .seconds(90))
            return try EventLine(result.lines.first ?? result.errors)
        }
        let isFollowed = eventually(within: .seconds(20)) {
            watchers.allSatisfy { textOfFile($0.path)?.contains("\"status\"") == true }
        }
        try #require(isFollowed)
        var whole = try status(of: 1)
        let isFormed = try eventually(within: .seconds(60), every: .milliseconds(200)) {
            whole = try status(of: 1)
            return whole.isQuorate == true && whole.json["votes"]["total"] == 24
                && whole.json["nodes"].elements.count == 24
        }
        try #require(isFormed, "\(whole)")

        // Half of 24 votes is no majority, so neither half is quorate. A busy machine forms additional rings.
        try sandbox.partition(Array(1...12), Array(13...24))
        for (node, half) in [(1, 1...12), (24, 13...24)] {
            try sandbox.wait(node: node, members: Array(half), within: .seconds(90))
            let isRight = try eventually(within: .seconds(20), every: .milliseconds(200)) {
                let status = try status(of: node)
                let members = status.json["nodes"].elements.filter { $0["state"] == "member" }
                return status.isQuorate == false && members.compactMap { $0["id"].number } == half.map(Int64.init)
                    && status.json["votes"]["margin"] == -1
            }
            #expect(isRight, "the half with node \(node)")
        }
        try sandbox.join()
        try sandbox.wait(node: 1, members: all, within: .seconds(90))
        // Restart every node once, including the watched ones; the cluster stays quorate.
        let start = ContinuousClock.now
        for group in stride(from: 1, through: 24, by: 6).map({ Array($0..<$0 + 6) }) {
            let other = group.contains(1) ? 24 : 1
            func each(_ act: @escaping @Sendable (Int) throws -> Void) throws {
                for result in inParallel(group, by: group.count, { node in Result { try act(node) } }) {
                    try result.get()
                }
            }
            try each { try sandbox.stop($0) }
            try sandbox.wait(node: other, members: all.filter { !group.contains($0) }, within: .seconds(90))
            try each { try sandbox.start($0) }
            try sandbox.wait(node: other, members: all, within: .seconds(90))
            let isQuorate = try eventually(within: .seconds(60), every: .milliseconds(200)) {
                try status(of: other).isQuorate == true
            }
            #expect(isQuorate)
        }
        print("scale: 24 nodes restarted in \(start.duration(to: .now))")
        for node in watched { try sandbox.wait(node: node, members: all, within: .seconds(90)) }
        for node in watched {
            var now: JSON?
            let isWholeAgain = try eventually(within: .seconds(20)) {
                let status = try status(of: node).json
                now = status
                let nodes = status["nodes"].elements
                let isWhole = nodes.count == 24 && nodes.allSatisfy { $0["state"] == "member" && $0["votes"] == 1 }
                return isWhole && ["votes", "flags", "quorate"].allSatisfy { status[$0] == whole.json[$0] }
            }
            #expect(isWholeAgain, "\(String(describing: now))")
        }
        let end = currentTime()
        var lines = 0
        var compared = 0
        for watcher in watchers {
            watcher.process.signal(SIGTERM)
            #expect(watcher.process.wait(within: .seconds(5)) == .signaled(SIGTERM))
            let found = try EventLine.parse((textOfFile(watcher.path) ?? "").split(separator: "\n"))
            let comparison = LogComparison(found, with: try sandbox.rings(of: watcher.node), end: end)
            for problem in comparison.problems.prefix(10) { Issue.record("node \(watcher.node): \(problem)") }
            #expect(comparison.compared > 4)
            lines += found.count
            compared += comparison.compared
        }
        print("scale: 24 nodes, \(lines) lines of \(watchers.count) watchers, \(compared) compared with the logs")
    }

    /// The cost of one status in a stand-in cluster.
    private struct Cost {
        var calls: [String: Int] = [:]
        var instructions = 0
        var memory = 0
    }

    private func cost(nodes: Int, _ program: String, in folder: String) throws -> Cost {
        let log = "\(folder)/\(nodes).log"
        let cluster = try StandIn("nodes \(nodes)\n")
        let plain = try cluster.run([vqwatch, "--json"])
        #expect(plain.status == 0, "\(plain.errors)")
        let line = try EventLine(plain.lines.first ?? "")
        #expect(line.json["nodes"].elements.map { $0["id"].number } == (1...nodes).map(Int64.init))
        #expect(line.json["nodes"].elements.allSatisfy { $0["state"] == "member" && $0["votes"] == 1 })
        #expect(line.json["votes"]["total"] == .number(Int64(nodes)))
        #expect(line.node(Int64(nodes))["name"] == .string("node\(nodes)"))
        var cost = Cost()
        for (name, count) in cluster.report where name.hasPrefix("call.") {
            cost.calls[String(name.dropFirst(5))] = count
        }
        let follower = try cluster.spawn([vqwatch, "-fj"])
        _ = follower.nextLine(within: .seconds(10))
        cost.memory = number(after: "VmHWM:", in: textOfFile("/proc/\(follower.processID)/status") ?? "") ?? 0
        follower.signal(SIGTERM)
        _ = follower.wait(within: .seconds(5))
        let counted = try cluster.run(
            [
                "valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
                "--log-file=\(log)", program, "--json",
            ], within: .seconds(120))
        #expect(counted.status == 0, "\(counted.errors)")
        let text = (textOfFile(log) ?? "").split(separator: "\n").first { $0.contains("I ") && $0.contains("refs:") }
        cost.instructions = Int(text?.split(separator: " ").last?.filter(\.isNumber) ?? "") ?? 0
        return cost
    }

    @Test(
        "the status of 384 nodes, corosync's limit, is right, and calls, instructions and memory grow linearly")
    func manyNodes() throws {
        let temporary = try TemporaryFolder(isShared: true)
        let folder = temporary.path
        let program = try stripped(vqwatch, in: temporary)
        let one = try cost(nodes: 1, program, in: folder)
        let some = try cost(nodes: 96, program, in: folder)
        let many = try cost(nodes: 384, program, in: folder)
        #expect(many.calls["votequorum_getinfo"] == 385, "each node once, and the local one also before the maps")
        for (call, count) in many.calls {
            let (base, fewer) = (one.calls[call] ?? 0, some.calls[call] ?? 0)
            // A configuration that was read too early is read again.
            #expect(
                count - base <= max(0, fewer - base) * 384 / 95 + 40, "calls of \(call): \(base), \(fewer), \(count)")
        }
        let perNode = Double(some.instructions - one.instructions) / 95
        let perNodeOfMany = Double(many.instructions - one.instructions) / 383
        #expect(one.instructions > 0 && perNode > 0)
        #expect(perNodeOfMany <= perNode * 1.3, "instructions per node: \(perNode) with 96, \(perNodeOfMany) with 384")
        #expect(many.memory - one.memory <= max(2048, (some.memory - one.memory) * 5), "KiB of memory")
        print(
            """
            scale: 1, 96 and 384 nodes: \([one, some, many].map { $0.calls.values.reduce(0, +) }) calls, \
            \([one, some, many].map { $0.instructions / 1_000_000 }) million instructions, \
            \([one, some, many].map(\.memory)) KiB
            """)
    }
}
