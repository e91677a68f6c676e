// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// The state of the cluster on one node, as corosync-quorumtool shows it.
private struct View: Equatable, CustomStringConvertible {
    var members: [Int]
    var quorate: Bool

    init(_ members: [Int], quorate: Bool) {
        self.members = members
        self.quorate = quorate
    }

    init(from node: Int, of sandbox: Sandbox) throws {
        let lines = try sandbox.run(on: node, ["corosync-quorumtool", "-s"]).lines
        quorate = lines.contains { $0.hasPrefix("Quorate:") && $0.hasSuffix("Yes") }
        members = lines.drop { !$0.contains("Nodeid") }.dropFirst()
            .compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }.sorted()
    }

    var description: String { "members \(members), \(quorate ? "" : "not ")quorate" }
}

/// Each test starts a real cluster.
@Suite("A sandbox", .serialized)
struct SandboxTests {
    @Test("Three nodes form a cluster")
    func forms() throws {
        let sandbox = try Sandbox()
        for node in 1...3 {
            #expect(try View(from: node, of: sandbox) == View([1, 2, 3], quorate: true))
        }
        let status = try sandbox.run(on: 2, ["corosync-quorumtool", "-s"]).output
        #expect(status.contains("node2 (local)"))
        #expect(try sandbox.configuration(of: 1).count > 0)
    }

    @Test("The other nodes notice when a node is cut off, killed, stopped or frozen")
    func faults() throws {
        let sandbox = try Sandbox()

        try sandbox.cut(3)
        try sandbox.wait(node: 1, members: [1, 2])
        try sandbox.wait(node: 3, members: [3])
        #expect(try View(from: 1, of: sandbox) == View([1, 2], quorate: true))
        #expect(try View(from: 3, of: sandbox) == View([3], quorate: false))
        try sandbox.heal(3)
        try sandbox.wait(node: 3, members: [1, 2, 3])
        #expect(try View(from: 3, of: sandbox) == View([1, 2, 3], quorate: true))

        let before = try sandbox.processID(of: 2)
        try sandbox.kill(2)
        #expect(kill(before, 0) == -1)
        #expect(throws: Sandbox.Failure.self) { try sandbox.processID(of: 2) }
        try sandbox.wait(node: 1, members: [1, 3])
        try sandbox.start(2)
        try sandbox.wait(node: 1, members: [1, 2, 3])
        #expect(try sandbox.processID(of: 2) != before)

        try sandbox.stop(2)
        try sandbox.wait(node: 1, members: [1, 3])
        try sandbox.start(2)
        try sandbox.wait(node: 2, members: [1, 2, 3])

        try sandbox.freeze(2)
        try sandbox.wait(node: 1, members: [1, 3])
        let asking = try sandbox.spawn(on: 2, ["corosync-quorumtool", "-s"])
        #expect(asking.wait(within: .milliseconds(300)) == nil)
        try sandbox.thaw(2)
        #expect(asking.wait(within: .seconds(10)) != nil)
        try sandbox.wait(node: 2, members: [1, 2, 3])
    }

    @Test("A partition makes two clusters, which can be joined again")
    func partition() throws {
        let sandbox = try Sandbox(nodes: 4)
        try sandbox.partition([1, 2], [3, 4])
        for (node, members) in [(1, [1, 2]), (2, [1, 2]), (3, [3, 4]), (4, [3, 4])] {
            try sandbox.wait(node: node, members: members)
            #expect(try View(from: node, of: sandbox) == View(members, quorate: false))
        }
        try sandbox.partition([1], [2, 3, 4])
        try sandbox.wait(node: 4, members: [2, 3, 4])
        #expect(try View(from: 4, of: sandbox) == View([2, 3, 4], quorate: true))
        try sandbox.join()
        for node in 1...4 { try sandbox.wait(node: node, members: [1, 2, 3, 4]) }
    }

    @Test("Votes, quorum options and names can be configured")
    func configuration() throws {
        let sandbox = try Sandbox(
            nodes: 2, quorum: "wait_for_all: 1; auto_tie_breaker: 1", votes: [1, 4], clusterName: "lab",
            namedNodes: false)
        let status = try sandbox.run(on: 1, ["corosync-quorumtool", "-s"]).output
        #expect(status.contains("Total votes:      5"))
        #expect(status.contains("WaitForAll AutoTieBreaker"))
        #expect(!status.contains("node2"))
        #expect(try sandbox.run(on: 1, ["corosync-cmapctl", "-g", "totem.cluster_name"]).output.contains("lab"))

        let config = String(decoding: try sandbox.configuration(of: 1), as: UTF8.self)
        let three = config.split(separator: "quorum_votes: 4").joined(separator: "quorum_votes: 3")
        try sandbox.configure(Array(three.utf8))
        try sandbox.reload()
        #expect(
            try eventually(within: .seconds(5)) {
                try sandbox.run(on: 1, ["corosync-quorumtool", "-s"]).output.contains("Total votes:      4")
            })
    }

    @Test(
        "Every quorum option can be configured",
        arguments: [
            (["two_node: 1", "wait_for_all: 0", "expected_votes: 2"], 2, "2Node Quorate"),
            (
                [
                    "wait_for_all: 1", "auto_tie_breaker: 1", "auto_tie_breaker_node: highest", "last_man_standing: 1",
                    "last_man_standing_window: 5000", "allow_downscale: 1", "expected_votes: 4",
                ], 4, "Quorate WaitForAll LastManStanding AutoTieBreaker AllowDownscale"
            ),
        ])
    func quorumOptions(settings: [String], nodes: Int, flags: String) throws {
        let sandbox = try Sandbox(nodes: nodes, quorum: settings.joined(separator: "; "))
        let map = try sandbox.run(on: 1, ["corosync-cmapctl", "quorum."]).lines
        for setting in settings {
            let parts = setting.split(separator: ": ")
            #expect(map.contains { $0.hasPrefix("quorum.\(parts[0]) ") && $0.hasSuffix(" = \(parts[1])") })
        }
        #expect(try sandbox.run(on: 1, ["corosync-quorumtool", "-s"]).output.contains("Flags:            \(flags) \n"))
    }

    @Test("A given configuration is used byte for byte")
    func rawConfiguration() throws {
        // It has no votequorum, and a name with a terminal escape, a quotation mark and invalid UTF-8.
        let name: [UInt8] = Array("\u{1b}[31m\"".utf8) + [0xff, 0xfe]
        let config =
            Array(
                "totem {\nversion: 2\ntransport: knet\ntoken: 1000\n}\nsystem {\nsched_rr: no\nallow_knet_handle_fallback: yes\n}\n"
                    .utf8)
            + Array("nodelist {\nnode {\nnodeid: 1\nring0_addr: 10.77.0.1\nname: ".utf8) + name + Array("\n}\n}\n".utf8)
        let sandbox = try Sandbox(nodes: 1, config: config)
        #expect(try sandbox.configuration(of: 1) == config)
        let map = try sandbox.run(on: 1, ["corosync-cmapctl", "-g", "nodelist.node.0.name"])
        #expect(map.outputBytes.contains(0x1b) && map.outputBytes.contains(0xff))
        #expect(try sandbox.run(on: 1, ["corosync-quorumtool", "-s"]).status == 1)
    }

    @Test(
        "Only users that are allowed to can connect to corosync",
        .enabled(if: isRoot, "a sandbox that was not started as root has one user"))
    func allowedUsers() throws {
        let sandbox = try Sandbox(nodes: 1, allowed: [.init(user: 4711, group: 4711)])
        let ask = ["corosync-cmapctl", "-g", "totem.version"]
        #expect(try sandbox.run(on: 1, ask, as: .init(user: 4711, group: 4711)).status == 0)
        let other = try sandbox.run(on: 1, ask, as: .init(user: 4712, group: 4712))
        #expect(other.status != 0)
        #expect(other.errors.contains("CS_ERR_ACCESS"))
    }

    @Test("Two sandboxes do not see each other")
    func isolation() throws {
        let one = try Sandbox(nodes: 2)
        let other = try Sandbox(nodes: 1)
        #expect(try View(from: 1, of: one) == View([1, 2], quorate: true))
        #expect(try View(from: 1, of: other) == View([1], quorate: true))
        #expect(try other.run(on: 1, ["cat", "/var/log/corosync/corosync.log"]).output.contains("10.77.0.2") == false)
        other.close()
        #expect(try View(from: 1, of: one) == View([1, 2], quorate: true))
    }

    @Test("A cluster that cannot start reports the reason")
    func failure() throws {
        let failure = #expect(throws: Sandbox.Failure.self) {
            try Sandbox(nodes: 2, quorum: "expected_votes: many")
        }
        #expect(failure?.description.contains("sandbox: node 1: corosync has ended") == true)
        #expect(failure?.description.contains("Value of key \"quorum.expected_votes\"") == true)
    }

    @Test("When the holder is killed, no process and no file remains")
    func cleanUp() throws {
        let sandbox = try Sandbox(nodes: 3)
        try sandbox.kill(3)
        try sandbox.start(3)
        let daemons = try (1...3).map { try sandbox.processID(of: $0) }
        let command = try sandbox.spawn(on: 1, ["bash", "-c", "echo up; exec sleep 600"])
        #expect(command.nextLine(within: .seconds(5)) == "up")
        for daemon in daemons { #expect(kill(daemon, 0) == 0) }

        sandbox.holder.signal(SIGKILL)
        #expect(sandbox.holder.wait(within: .seconds(20)) == .signaled(SIGKILL))
        for daemon in daemons { #expect(eventually(within: .seconds(20)) { kill(daemon, 0) == -1 }) }
        #expect(eventually(within: .seconds(20)) { access(sandbox.folder, F_OK) == -1 })
        #expect(command.wait(within: .seconds(20)) == .signaled(SIGKILL))
    }
}
