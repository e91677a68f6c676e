// SPDX-License-Identifier: MIT

import Glibc
@testable import QuorumWatch
import TestSupport

/// A cluster in corosync-vqsim: one process per node that runs exec/votequorum.c of corosync itself, without a network.
///
/// corosync-vqsim prints only whether a node is quorate. Its debug log, which `vqsim-log.c` turns on, shows the rest.
final class Simulation {
    /// Something did not happen in time.
    struct Late: Error, CustomStringConvertible {
        let description: String
    }

    let configuration: SimulatedConfiguration
    /// The nodes that are up, by ID.
    private(set) var nodes: [UInt32: SimulatedNode] = [:]
    /// The partitions that are not empty, by number.
    private(set) var partitions: [Int: Set<UInt32>]
    private let folder: String
    private let process: ChildProcess
    /// The nodes by process ID; a node is known by its ID as soon as it has logged that.
    private var processes: [UInt32: SimulatedNode] = [:]

    init(_ configuration: SimulatedConfiguration) throws {
        self.configuration = configuration
        let library = try Self.library.get()
        var template = Array("/tmp/vqwatch-vqsim-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Late(description: "no temporary folder") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        partitions = [0: Set(1...UInt32(configuration.votes.count))]
        // A longer path of the file is refused.
        let command = "cd $0 && printf %s \"$1\" >conf && LD_PRELOAD=$2 exec corosync-vqsim -n -c conf 2>&1 >/dev/null"
        process = try ChildProcess(["sh", "-c", command, folder, configuration.text, library], input: .pipe)
        try settle()
    }

    deinit {
        // Its children would outlive it if it were killed.
        process.closeInput()
        _ = process.wait(within: .seconds(10))
        for file in ["conf", "ev_tracking"] { unlink("\(folder)/\(file)") }
        rmdir(folder)
    }

    /// The partition that a node is in.
    func members(with node: UInt32) -> Set<UInt32> { partitions.values.first { $0.contains(node) } ?? [] }

    // MARK: Changes

    /// Moves nodes to an empty partition, all at once.
    func split(_ nodes: Set<UInt32>) throws {
        let partition = (0...).first { partitions[$0] == nil }!
        for (number, members) in partitions {
            let rest = members.subtracting(nodes)
            partitions[number] = rest.isEmpty ? nil : rest
        }
        partitions[partition] = nodes
        try run("move \(partition):\(nodes.sorted().map(String.init).joined(separator: ","))")
    }

    /// Joins all partitions.
    func join() throws {
        let all = partitions.values.reduce(into: Set()) { $0.formUnion($1) }
        let others = partitions.keys.filter { $0 != 0 }.sorted()
        partitions = [0: all]
        try run("join 0 \(others.map(String.init).joined(separator: " "))")
    }

    /// Ends a node that is not the only member of its partition: the end of the others' recalculation tells that it has
    /// ended.
    func kill(_ node: UInt32) throws {
        let partition = partitions.first { $0.value.contains(node) }!
        partitions[partition.key] = partition.value.subtracting([node])
        processes = processes.filter { $0.value.id != node }
        nodes[node] = nil
        try run("down \(node)", affecting: partition.value.subtracting([node]))
    }

    /// Starts a node in a partition.
    func start(_ node: UInt32, in partition: Int) throws {
        partitions[partition, default: []].insert(node)
        try run("up \(partition):\(node)", affecting: partitions[partition]!)
    }

    /// Registers a quorum device on every node, and waits until it votes there. It does so until the next change of the
    /// membership, in which corosync-vqsim's device fails.
    func startDevice() throws {
        process.write("qdevice on \(nodes.keys.sorted().map(String.init).joined(separator: ","))\n")
        let deadline = ContinuousClock.now + .seconds(20)
        while !nodes.values.allSatisfy(\.castsDeviceVotes) {
            guard let line = process.nextLine(within: deadline - .now) else {
                throw Late(description: "\(configuration): the quorum device does not vote")
            }
            take(line)
        }
        waitForMore()
    }

    // MARK: The log

    /// Runs a command that forms a new membership, and waits until quorum has been recalculated.
    ///
    /// - Parameters:
    ///   - command: The command.
    ///   - affected: The nodes in the new membership; by default all, because corosync-vqsim changes the ring of every
    ///     partition.
    /// - Throws: ``Late``.
    private func run(_ command: String, affecting affected: Set<UInt32>? = nil) throws {
        let before = nodes.mapValues(\.messages)
        process.write(command + "\n")
        try settle(affecting: affected, since: before)
    }

    /// Waits until the nodes have received each other's messages, two from each member.
    private func settle(affecting affected: Set<UInt32>? = nil, since before: [UInt32: Int] = [:]) throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            // Recalculation follows the message.
            let isSettled = isSettled(affecting: affected, since: before)
            if let line = process.nextLine(within: isSettled ? .milliseconds(4) : .milliseconds(500)) {
                take(line)
            } else if isSettled {
                // A quorum device that has voted is waited for.
                if configuration.deviceVotes != nil { waitForMore() }
                return
            } else if ContinuousClock.now > deadline || !process.isRunning {
                throw Late(description: "\(configuration): not \(partitions) but \(nodes.mapValues(\.members))")
            }
        }
    }

    private func isSettled(affecting affected: Set<UInt32>?, since before: [UInt32: Int]) -> Bool {
        partitions.values.allSatisfy { members in
            members.allSatisfy { node in
                guard let state = nodes[node], Set(state.members) == members else { return false }
                return affected?.contains(node) == false
                    || state.messages >= before[node, default: 0] + 2 * members.count
            }
        }
    }

    /// Waits for further lines of the log, if there are any, for up to 200 ms.
    func waitForMore() {
        while let line = process.nextLine(within: .milliseconds(200)) { take(line) }
    }

    private func take(_ line: String) {
        // The process ID is in front of each message of a node.
        guard let blank = line.firstIndex(of: " "), let id = UInt32(line[..<blank]) else { return }
        var node = processes[id] ?? SimulatedNode(flags: configuration.flags)
        node.take(line[line.index(after: blank)...])
        processes[id] = node
        if let name = node.id { nodes[name] = node }
    }

    /// The state of a node that is up.
    func state(of node: UInt32) -> SimulatedNode { nodes[node]!.settled }

    /// The library that turns on the log.
    private static let library = Result<String, any Error> {
        let source = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/vqsim-log.c"
        let path = Sandbox.builtProduct(named: "vqsim-log.so")
        let result = try ChildProcess.run(
            ["cc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", path, source, "-l:libqb.so.100"],
            within: .seconds(60))
        guard result.status == 0 else { throw Late(description: "\(source): \(result.errors)") }
        return path
    }
}
