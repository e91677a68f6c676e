// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// Whether a watcher sleeps while nothing happens.
@Suite("At rest")
struct RestTests {
    @Test("Without a refresh, no watcher wakes up for a minute, and the page wakes up only once a minute")
    func sleeps() throws {
        // Without additional rings on a busy machine.
        let sandbox = try Sandbox(links: 2, totem: "token: 10000")
        let terminal = try PseudoTerminal()
        let page = try sandbox.spawn(
            on: 1, [vqwatch, "--live", "--refresh", "0"], environment: ["TERM": "screen"],
            input: .descriptor(terminal.line), output: .descriptor(terminal.line))
        try #require(eventually(within: .seconds(20)) { terminal.waiting > 0 })
        let followers = try dispatchModes.map { mode in
            let mayRefresh = mode == "all" || mode == "one-nonblocking"
            let follower = try sandbox.follow(["--dispatch", mode] + (mayRefresh ? ["--refresh", "0"] : []))
            return (name: mode, process: follower)
        }
        let linked = try sandbox.follow(["-l", "--refresh", "0"])
        let waiter = try sandbox.spawn(on: 1, [vqwatch, "--wait-for", "absent=2", "--refresh", "0"])
        let watchers =
            followers + [(name: "--links", process: linked), (name: "--live", process: page)]
            + [(name: "--wait-for", process: waiter)]

        var counts = watchers.map { wakeUps(of: $0.process.processID) }
        var since = watchers.map { _ in ContinuousClock.now }
        var restless = Set(watchers.map(\.name))
        // If corosync notifies of something, the minute begins again.
        _ = eventually(within: .seconds(240), every: .seconds(1)) {
            let now = ContinuousClock.now
            for (index, watcher) in watchers.enumerated() {
                let count = wakeUps(of: watcher.process.processID)
                if count != counts[index] { (counts[index], since[index]) = (count, now) }
                // A page shows for how many minutes the cluster has been quorate.
                if now - since[index] >= .seconds(watcher.name == "--live" ? 50 : 60) { restless.remove(watcher.name) }
            }
            return restless.isEmpty
        }
        #expect(restless.isEmpty)
        for watcher in watchers { #expect(watcher.process.isRunning, "\(watcher.name)") }
    }
}

/// How often the threads of a process have blocked.
func wakeUps(of process: Int32) -> Int {
    namesInFolder("/proc/\(process)/task").reduce(0) { sum, thread in
        let status = textOfFile("/proc/\(process)/task/\(thread)/status") ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
        return sum + (line?.split(separator: "\t").last.flatMap { Int($0) } ?? 0)
    }
}
