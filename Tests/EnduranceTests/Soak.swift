// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// A cluster that undergoes the actions of a schedule.
final class Soak {
    let sandbox: Sandbox
    let seed: UInt64
    let start = ContinuousClock.now
    private(set) var actions = 0
    /// Changes that corosync refused at that moment.
    private(set) var refused = 0
    /// The process IDs, as corosync sees them, of the watchers with blocked outputs that were ended.
    private(set) var ended: Set<Int> = []

    private var schedule: Schedule
    private var names: [Int: String] = [:]
    private let configuration: String
    private var blocked: [Int: BlockedWatcher] = [:]

    init(nodes: Int, seed: UInt64) throws {
        sandbox = try Sandbox(nodes: nodes)
        self.seed = seed
        schedule = Schedule(nodes: nodes, seed: seed)
        configuration = String(decoding: try sandbox.configuration(of: 1), as: UTF8.self)
    }

    /// Performs this number of actions. A fixed number, so that settling, and all that follows, depends on the seed
    /// alone.
    func run(actions count: Int) throws {
        for _ in 0..<count { try act() }
    }

    /// Performs actions for this time, and on a slow machine for up to five minutes longer, until every kind has come.
    func run(for limit: Duration) throws {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < (schedule.missing.isEmpty ? end : end + .seconds(300)) { try act() }
        guard schedule.missing.isEmpty else {
            throw TestFailure("VQWATCH_SOAK_SEED=\(seed): never came: \(schedule.missing.sorted())")
        }
    }

    private func act() throws {
        let (pause, action) = schedule.next()
        usleep(pause * 1000)
        try perform(action)
        actions += 1
    }

    /// Makes the cluster whole again, with one vote per node and a configuration that all nodes have read, and makes
    /// every watcher read the state.
    func settle() throws {
        for node in blocked.keys.sorted() { try endBlocked(on: node, by: SIGTERM) }
        for action in schedule.settle() { try perform(action) }
        let all = Array(1...sandbox.nodeCount)
        for node in all { try sandbox.wait(node: node, members: all, within: .seconds(60)) }
        for node in all { try insist(["corosync-quorumtool", "-v", "1", "-n", "\(node)"]) }
        try insist(["corosync-cfgtool", "-R"])
        // Two different numbers, so that at least one differs from the number before and every watcher is notified.
        for votes in [all.count + 1, all.count] { try insist(["corosync-quorumtool", "-e", "\(votes)"]) }
    }

    private func insist(_ command: [String]) throws {
        let isDone = try eventually(within: .seconds(20), every: .milliseconds(200)) {
            try sandbox.run(on: 1, command, within: .seconds(10)).status == 0
        }
        guard isDone else { throw TestFailure("VQWATCH_SOAK_SEED=\(seed): \(command) fails") }
    }

    private func attempt(on node: Int, _ command: [String]) throws {
        if try sandbox.run(on: node, command, within: .seconds(10)).status != 0 { refused += 1 }
    }

    private func perform(_ action: Schedule.Action) throws {
        switch action {
        case .cut(let node): try sandbox.cut(node)
        case .heal(let node): try sandbox.heal(node)
        case .partition(let one, let other): try sandbox.partition(one, other)
        case .join: try sandbox.join()
        case .stop(let node): try sandbox.stop(node)
        case .kill(let node): try sandbox.kill(node)
        case .start(let node): try sandbox.start(node)
        case .restart(let node):
            try sandbox.kill(node)
            try sandbox.start(node)
        case .freeze(let node): try sandbox.freeze(node)
        case .thaw(let node): try sandbox.thaw(node)
        case .votes(let votes, let node, let other):
            try attempt(on: other, ["corosync-quorumtool", "-v", "\(votes)", "-n", "\(node)"])
        case .expectedVotes(let votes, let node): try attempt(on: node, ["corosync-quorumtool", "-e", "\(votes)"])
        case .rename(let node, let other):
            names[node] = "node\(node)-\(actions)"
            try sandbox.configure(Array(renamed().utf8))
            try attempt(on: other, ["corosync-cfgtool", "-R"])
        case .watch(let node, let signal):
            if blocked[node] == nil {
                blocked[node] = try BlockedWatcher(on: node, of: sandbox)
            } else {
                try endBlocked(on: node, by: signal)
            }
        }
    }

    private func endBlocked(on node: Int, by signal: Int32) throws {
        guard let watcher = blocked.removeValue(forKey: node) else { return }
        ended.insert(watcher.number)
        guard watcher.end(by: signal) else {
            throw TestFailure("VQWATCH_SOAK_SEED=\(seed): signal \(signal) does not end a watcher with blocked outputs")
        }
    }

    private func renamed() -> String {
        configuration.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let node = (1...sandbox.nodeCount).first { line == "name: node\($0)" }
            return node.flatMap { names[$0] }.map { "name: \($0)" } ?? String(line)
        }.joined(separator: "\n")
    }
}
