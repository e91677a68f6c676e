// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// A running cluster with its history.
final class LiveCluster {
    /// Something did not happen in time.
    struct Late: Error, CustomStringConvertible {
        let description: String
    }

    let plan: RandomCluster
    let sandbox: Sandbox
    /// The partitions of the network.
    private var groups: [[Int]]
    private(set) var running: Set<Int>
    private(set) var watchers: [Int: NodeWatcher] = [:]
    private var devices: [Int: ChildProcess] = [:]
    /// A description of each change so far.
    private(set) var history: [String] = []

    init(_ plan: RandomCluster, with random: inout some RandomNumberGenerator) throws {
        self.plan = plan
        sandbox = try plan.start()
        groups = [Array(1...plan.nodes)]
        running = Set(1...plan.nodes)
        for node in 1...plan.nodes { watchers[node] = try NodeWatcher(on: node, of: sandbox) }
        try settle()
        guard case .controlled = plan.device else { return }
        let masters = Int.random(in: 0..<3, using: &random) == 0
        for node in 1...plan.nodes {
            try startDevice(on: node)
            if masters, Bool.random(using: &random) { try tell(device: node, "master-wins 1") }
            if Int.random(in: 0..<4, using: &random) != 0 { try tell(device: node, "vote") }
        }
        try settle()
    }

    /// The members of the ring that a node is in.
    func members(with node: Int) -> [Int] {
        groups.first { $0.contains(node) }!.filter(running.contains)
    }

    // MARK: Changes

    /// Makes a random change and waits until the cluster has settled.
    func change(with random: inout some RandomNumberGenerator) throws {
        let node = running.sorted().randomElement(using: &random)!
        switch Int.random(in: 0..<14, using: &random) {
        case 0, 1, 2: try splitOrJoin(with: &random)
        case 3, 4, 5: try startOrEnd(node, isClean: Bool.random(using: &random))
        case 6, 7: try expect(Int.random(in: 1...(plan.nodes + 3), using: &random), on: node)
        case 8: try give(Int.random(in: 0...3, using: &random), to: node)
        case 9:
            _ = try sandbox.run(on: node, ["corosync-cmapctl", "-s", "quorum.cancel_wait_for_all", "u8", "1"])
            history.append("node \(node) cancels wait_for_all")
        case 10...11 where running.count == plan.nodes: try reload(with: &random)
        default: try disturbDevice(on: node, with: &random)
        }
        try settle()
    }

    private func splitOrJoin(with random: inout some RandomNumberGenerator) throws {
        if groups.count > 1 {
            try sandbox.join()
            groups = [Array(1...plan.nodes)]
            history.append("join")
        } else {
            let nodes = (1...plan.nodes).shuffled(using: &random)
            let size = Int.random(in: 1..<plan.nodes, using: &random)
            groups = [nodes.prefix(size).sorted(), nodes.dropFirst(size).sorted()]
            try sandbox.partition(groups[0], groups[1])
            history.append("partition \(groups)")
        }
    }

    /// Starts a node that is down; if all are running, ends one.
    private func startOrEnd(_ node: Int, isClean: Bool) throws {
        if let down = (1...plan.nodes).first(where: { !running.contains($0) }) {
            try sandbox.start(down)
            running.insert(down)
            history.append("start \(down)")
            guard devices[down] != nil else { return }
            try startDevice(on: down)
            try tell(device: down, "vote")
        } else if running.count > 1 {
            if isClean { try sandbox.stop(node) } else { try sandbox.kill(node) }
            running.remove(node)
            history.append("\(isClean ? "stop" : "kill") \(node)")
        }
    }

    /// Reloads a configuration that differs in settings that votequorum reads only at its start. A node that starts later
    /// reads the original again.
    private func reload(with random: inout some RandomNumberGenerator) throws {
        let original = try sandbox.configuration(of: 1)
        let changed = ["wait_for_all", "allow_downscale", "expected_votes_tracking", "last_man_standing"]
            .filter { _ in Bool.random(using: &random) }.map { "  \($0): \(Int.random(in: 0...1, using: &random))\n" }
        let ids = (1...plan.nodes).shuffled(using: &random).map(String.init)
        let node = ["lowest", "highest", ids[0], ids.joined(separator: " ")].randomElement(using: &random)!
        var lines = String(decoding: original, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        lines.removeAll { line in changed.contains { line.contains($0.split(separator: ":")[0] + ":") } }
        lines.removeAll { $0.contains("auto_tie_breaker_node:") }
        let text = lines.joined(separator: "\n").replacing(
            "provider: corosync_votequorum\n",
            with: "provider: corosync_votequorum\n\(changed.joined())  auto_tie_breaker_node: \(node)\n")
        try sandbox.configure(Array(text.utf8))
        history.append("reload \(changed) auto_tie_breaker_node: \(node)")
        try sandbox.reload(on: running.min()!)
        try sandbox.configure(original)
    }

    private func expect(_ votes: Int, on node: Int) throws {
        let before = members(with: node).map { ($0, watchers[$0]!.expectations) }
        let isDone = try sandbox.run(on: node, ["corosync-quorumtool", "-e", "\(votes)"]).status == 0
        history.append("node \(node) expects \(votes) votes\(isDone ? "" : ": refused")")
        for (node, count) in before where isDone {
            guard try watchers[node]!.wait(within: .seconds(40), until: { $0.expectations > count }) else {
                throw Late(description: "node \(node) was not told of \(votes) expected votes")
            }
        }
    }

    private func give(_ votes: Int, to node: Int) throws {
        let command = ["corosync-quorumtool", "-v", "\(votes)", "-n", "\(node)"]
        let isDone = try sandbox.run(on: node, command).status == 0
        history.append("node \(node) has \(votes) votes\(isDone ? "" : ": refused")")
        for other in members(with: node) where isDone {
            let isTold = try watchers[other]!.wait(within: .seconds(40)) { watcher in
                watcher.state["nodes"].elements.contains {
                    $0["id"] == .number(Int64(node)) && $0["votes"] == .number(Int64(votes))
                }
            }
            guard isTold else { throw Late(description: "node \(other) was not told of the votes of node \(node)") }
        }
    }

    private func disturbDevice(on node: Int, with random: inout some RandomNumberGenerator) throws {
        switch plan.device {
        case .controlled:
            let commands = ["vote", "vote", "novote", "silent", "master-wins 1", "unregister", "register"]
            let command = commands.randomElement(using: &random)!
            history.append("device on \(node): \(command)")
            try tell(device: node, command)
            guard command == "silent" else { return }
            let isDead = try watchers[node]!.wait(within: .seconds(10)) { $0.state["qdevice"]["alive"] != true }
            guard isDead else { throw Late(description: "the silent device on node \(node) is alive") }
        case .real:
            history.append("stop the device on \(node)")
            // It may not be running.
            try? sandbox.qdevice(on: node).stop()
        case nil: break
        }
    }

    private func startDevice(on node: Int) throws {
        let device = try sandbox.spawn(
            on: node, [Sandbox.builtProduct(named: "quorum-device"), "net"], input: .pipe)
        guard device.nextLine(within: .seconds(10)) == "ok" else {
            throw Late(description: "no quorum device on node \(node): \(device.errors)")
        }
        devices[node] = device
    }

    private func tell(device node: Int, _ command: String) throws {
        devices[node]!.write(command + "\n")
        _ = devices[node]!.nextLine(within: .seconds(10))
    }

    /// Waits until every node has recalculated quorum for the expected ring, and nothing changes any more.
    func settle() throws {
        for node in running.sorted() {
            let members = members(with: node).map(Int64.init)
            guard try watchers[node]!.wait(within: .seconds(40), until: { $0.isSettled && $0.members == members })
            else {
                throw Late(description: "node \(node) has members \(watchers[node]!.members), not \(members)")
            }
        }
        // There is no event for the end of the window, nor for a quorum device that has decided not to change its vote.
        var pause = plan.lowersExpectedVotes ? RandomCluster.shortWindow + 1000 : 0
        if case .real = plan.device { pause = 1500 }
        repeat {
            usleep(UInt32(max(pause, 250)) * 1000)
        } while try running.filter { try watchers[$0]!.update() }.count > 0
    }

    // MARK: The failure

    /// Kills nodes and, if the device fails too, corosync-qdevice on every node, all at once.
    func kill(_ nodes: [Int], losingDevice: Bool) throws {
        var daemons = try nodes.map { try sandbox.processID(of: $0) }
        if case .real = plan.device {
            let affected = losingDevice ? running.sorted() : nodes
            daemons += affected.compactMap { try? sandbox.qdevice(on: $0).processID() }
        }
        for daemon in daemons { Glibc.kill(daemon, SIGKILL) }
        running.subtract(nodes)
    }
}
