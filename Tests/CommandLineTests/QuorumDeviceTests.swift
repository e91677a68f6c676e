// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// A real quorum device (corosync-qnetd, and corosync-qdevice on every node), compared with the output of
/// corosync-quorumtool and corosync-qdevice-tool. The faults of the device are also a test of the sandbox that makes them.
@Suite("The quorum device", .serialized)
struct QuorumDeviceTests {
    /// The state of a device, as corosync-quorumtool shows it: A(live), V(oting), M(aster)W(ins), each with a preceding N
    /// for "not"; or NR for "not registered".
    private static let voting = "A,V,NMW", silent = "A,NV,NMW", dead = "NA,NV,NMW", unregistered = "NR"

    @Test("is shown as by corosync-quorumtool, on every node and after every fault")
    func ffsplit() throws {
        let sandbox = try Sandbox(nodes: 2, qnetd: .ffsplit)
        let follower = try sandbox.follow(["--refresh", "100ms"])
        func comesToBe(_ flags: String..., warning: String? = nil) throws {
            try hold(flags, warning: warning, of: sandbox)
            // There is no notification, so a refresh finds the change, unless the busy machine forms another ring.
            let kinds = ["info", "quorum"]
            #expect(try follower.nextEvent { kinds.contains($0.event) && deviceFlags(in: $0) == flags } != nil)
        }
        try hold([Self.voting, Self.voting], of: sandbox)

        let noVote = "casts no vote on node1 and node2"
        let before = try sandbox.qnetd.processID()
        try sandbox.qnetd.kill()
        #expect(throws: Sandbox.Failure.self) { try sandbox.qnetd.processID() }
        try comesToBe(Self.silent, Self.silent, warning: noVote)
        try sandbox.qnetd.start()
        #expect(try sandbox.qnetd.processID() != before)
        try comesToBe(Self.voting, Self.voting)
        try sandbox.qnetd.freeze()
        try comesToBe(Self.silent, Self.silent, warning: noVote)
        try sandbox.qnetd.thaw()
        try comesToBe(Self.voting, Self.voting)
        try sandbox.qnetd.stop()
        try comesToBe(Self.silent, Self.silent, warning: noVote)
        try sandbox.qnetd.start()
        try comesToBe(Self.voting, Self.voting)

        try sandbox.cut(2, link: .qnetd)
        try comesToBe(Self.voting, Self.silent, warning: "casts no vote on node2")
        try sandbox.wait(node: 1, members: [1, 2])
        try sandbox.heal(2, link: .qnetd)
        try comesToBe(Self.voting, Self.voting)

        let qdevice = sandbox.qdevice(on: 2)
        try qdevice.kill()
        try comesToBe(Self.voting, Self.dead, warning: "is not alive on node2")
        try qdevice.start()
        try comesToBe(Self.voting, Self.voting)
        try qdevice.freeze()
        try comesToBe(Self.voting, Self.dead, warning: "is not alive on node2")
        try qdevice.thaw()
        try comesToBe(Self.voting, Self.voting)
        try qdevice.stop()
        try comesToBe(Self.voting, Self.unregistered, warning: "is not registered on node2")
        try qdevice.start()
        try comesToBe(Self.voting, Self.voting)

        // Configured on every node, and registered on none.
        for node in 1...2 { try sandbox.qdevice(on: node).stop() }
        try comesToBe(
            Self.unregistered, Self.unregistered, warning: "is not registered on node1 and node2")
        let page = try sandbox.run(on: 1, [vqwatch]).output
        #expect(page.contains("  Quorum device:    net (1 vote, configured, not registered)\n"), "\(page)")
    }

    @Test("has the votes of the algorithm lms, and no state on a dead node")
    func lastManStanding() throws {
        let sandbox = try Sandbox(nodes: 3, qnetd: .lms)
        try hold([Self.voting, Self.voting, Self.voting], of: sandbox)
        #expect(try QuorumTool(on: 1, of: sandbox).facts["Total votes"] == "5")
        for node in 2...3 { try sandbox.kill(node) }
        try sandbox.wait(node: 1, members: [1])
        let isLast = try eventually(within: .seconds(40)) {
            try QuorumTool(on: 1, of: sandbox).facts["Total votes"] == "3"
        }
        #expect(isLast)
        let status = try status(on: 1, of: sandbox)
        #expect(status.isQuorate == true && status.json["votes"]["total"] == 3 && status.json["qdevice"]["votes"] == 2)
        #expect(deviceFlags(in: status) == [Self.voting, "-", "-"])
        let check = try sandbox.run(on: 1, [vqwatch, "-c", "--allow-absent", "2", "--allow-absent", "3"])
        #expect(check.status == 0, "\(check.output)")
        try sandbox.qnetd.kill()
        #expect(try eventually(within: .seconds(40)) { try sandbox.run(on: 1, [vqwatch, "-q"]).status == 2 })
        #expect(try self.status(on: 1, of: sandbox).json["votes"]["total"] == 1)
    }

    /// Waits until corosync-quorumtool shows these states of all nodes, and compares all output of vqwatch with them.
    private func hold(_ wanted: [String], warning: String? = nil, of sandbox: Sandbox) throws {
        for node in 1...wanted.count {
            var shown: [String] = []
            _ = try eventually(within: .seconds(40), every: .milliseconds(100)) {
                shown = try toolFlags(on: node, of: sandbox)
                return shown == wanted
            }
            try #require(shown == wanted, "on node \(node)")
        }
        for node in 1...wanted.count {
            let flags = wanted[node - 1]
            let status = try status(on: node, of: sandbox)
            #expect(deviceFlags(in: status) == wanted)
            let total = try QuorumTool(on: node, of: sandbox).number("Total votes")
            #expect(status.json["votes"]["total"] == total)
            let device = status.json["qdevice"]
            let name = flags == Self.unregistered ? "net" : "Qdevice"
            #expect(device["model"] == "net" && device["registered"].bool == (flags != Self.unregistered))
            #expect(device["name"] == (flags == Self.unregistered ? nil : "Qdevice"))
            #expect(device["alive"].bool == flags.hasPrefix("A,") && device["cast_vote"].bool == flags.contains(",V,"))
            if flags.hasPrefix("A,") {
                // The output of corosync-qdevice-tool.
                let own = try sandbox.run(on: node, ["corosync-qdevice-tool", "-s"]).output
                #expect(own.contains("State:\t\t\tConnected\n") == flags.contains(",V,"), "\(own)")
            }

            var check = try sandbox.run(on: node, [vqwatch, "--check"])
            // On a busy machine, a link can be down for a moment.
            if warning == nil, check.status != 0 { check = try sandbox.run(on: node, [vqwatch, "--check"]) }
            #expect(check.status == (warning == nil ? 0 : 1), "\(check.output)")
            if let warning { #expect(check.output.contains("; quorum device \(name) \(warning) |"), "\(check.output)") }

            let samples = values(try sandbox.run(on: node, [vqwatch, "--format", "prometheus"]))
            for (index, flags) in wanted.enumerated() {
                let labels = #"node_id="\#(index + 1)",node="node\#(index + 1)""#
                func sample(_ state: String) -> String? {
                    samples[#"vqwatch_node_qdevice_state{\#(labels),state="\#(state)"}"#]
                }
                let isRegistered = flags != Self.unregistered
                #expect(sample("registered") == (isRegistered ? "1" : "0"))
                #expect(sample("alive") == (isRegistered ? (flags.hasPrefix("A,") ? "1" : "0") : nil))
                #expect(sample("cast_vote") == (isRegistered ? (flags.contains(",V,") ? "1" : "0") : nil))
            }
        }
    }

    private func status(on node: Int, of sandbox: Sandbox) throws -> EventLine {
        let result = try sandbox.run(on: node, [vqwatch, "--json"])
        guard let line = result.lines.first else { throw TestFailure("no status: \(result.errors)") }
        return try EventLine(line)
    }

    /// The devices of the nodes, as corosync-quorumtool shows them; without a device, it has no column for them.
    private func toolFlags(on node: Int, of sandbox: Sandbox) throws -> [String] {
        try sandbox.run(on: node, ["corosync-quorumtool", "-s"]).lines.compactMap { line in
            let columns = line.split(separator: " ").map(String.init)
            guard columns.count >= 3, let id = Int(columns[0]), id > 0, Int(columns[1]) != nil else { return nil }
            return columns[2].hasPrefix("node") ? Self.unregistered : columns[2]
        }
    }

    /// The devices of the nodes in a JSON line, written as by corosync-quorumtool; `-` for a node that is not a member.
    private func deviceFlags(in line: EventLine) -> [String] {
        line.json["nodes"].elements.map { node in
            guard node["state"] == "member" else { return node["qdevice"] == .null ? "-" : "stale" }
            guard node["qdevice"] != .null else { return Self.unregistered }
            return [("alive", "A"), ("cast_vote", "V"), ("master_wins", "MW")]
                .map { (node["qdevice"][$0.0].bool == true ? "" : "N") + $0.1 }.joined(separator: ",")
        }
    }
}
