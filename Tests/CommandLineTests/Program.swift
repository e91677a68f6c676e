// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

extension Sandbox {
    /// Starts a follower that prints JSON lines, and reads its first status.
    func follow(
        on node: Int = 1, _ options: [String] = [], errors: ChildProcess.Stream = .pipe
    ) throws -> ChildProcess {
        let follower = try spawn(on: node, [vqwatch, "--follow", "--json"] + options, errors: errors)
        guard try follower.nextEvent()?.event == "status" else {
            throw TestFailure("no status from vqwatch \(options): \(follower.errors)")
        }
        return follower
    }

    /// Changes the expected votes of the cluster.
    func setExpectedVotes(_ votes: Int, on node: Int = 1) throws {
        let result = try run(on: node, ["corosync-quorumtool", "-e", "\(votes)"])
        guard result.status == 0 else { throw TestFailure("corosync-quorumtool -e: \(result.errors)") }
    }

    /// Starts a quorum device with this name on each of these nodes, and lets it vote.
    func startVotingDevices(
        on nodes: ClosedRange<Int>, named name: String, at location: SourceLocation = #_sourceLocation
    ) throws -> [ChildProcess] {
        try nodes.map { node in
            let device = try spawn(on: node, [Sandbox.builtProduct(named: "quorum-device"), name], input: .pipe)
            #expect(device.nextLine(within: .seconds(10)) == "ok", sourceLocation: location)
            device.write("vote\n")
            #expect(device.nextLine(within: .seconds(10)) == "ok", sourceLocation: location)
            return device
        }
    }

    /// Changes the votes of a node.
    func setVotes(_ votes: Int, of node: Int, on other: Int = 1) throws {
        let result = try run(on: other, ["corosync-quorumtool", "-v", "\(votes)", "-n", "\(node)"])
        guard result.status == 0 else { throw TestFailure("corosync-quorumtool -v: \(result.errors)") }
    }

    /// Waits until the only watcher on a node tracks changes and has read the initial state. Corosync counts the
    /// requests of each connection: one to start tracking and one for each node.
    func waitUntilTracked(on node: Int) throws {
        let isTracked = try eventually(within: .seconds(10)) {
            try run(on: node, ["corosync-cmapctl", "-m", "stats", "stats.ipcs.service5."]).lines.contains {
                let words = $0.split(separator: " ")
                return words[0].hasSuffix(".requests") && Int(words.last!).map { $0 > nodeCount } == true
            }
        }
        guard isTracked else { throw TestFailure("no watcher tracks on node \(node)") }
    }

    /// Edits corosync.conf on every node, as text.
    func editConfiguration(_ edit: (String) -> String) throws {
        let old = String(decoding: try configuration(of: 1), as: UTF8.self)
        try configure(Array(edit(old).utf8))
    }
}

extension String {
    /// The string with every occurrence of a text replaced.
    func replacing(_ old: String, by new: String) -> String {
        var result = ""
        var rest = self[...]
        while let start = rest.indices.first(where: { rest[$0...].hasPrefix(old) }) {
            result += rest[..<start] + new
            rest = rest[start...].dropFirst(old.count)
        }
        return result + rest
    }
}
