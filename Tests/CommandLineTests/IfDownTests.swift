// SPDX-License-Identifier: MIT

import Testing
import TestSupport

/// The command line of `--if-down`. `Tests/PredictionTests` checks whether its predictions are right.
@Suite("A prediction on the command line", .serialized)
struct IfDownTests {
    private func ask(
        _ nodes: String..., options: [String] = [], of sandbox: Sandbox, on node: Int = 1
    ) throws -> ChildProcess.Result {
        try sandbox.run(on: node, [vqwatch] + nodes.flatMap { ["--if-down", $0] } + options)
    }

    @Test("says whether the cluster would stay quorate, by name or ID, in every form")
    func forms() throws {
        let sandbox = try Sandbox(nodes: 3)
        let one = try ask("node2", of: sandbox)
        #expect(one.status == 0 && one.errors == "")
        #expect(one.output == "If node2(2) goes down: QUORATE: 2 of 3 votes, quorum 2, can lose 0 votes\n")
        #expect(try ask("2", of: sandbox).output == one.output)
        #expect(try ask("node2", "2", of: sandbox).output == one.output)
        #expect(try ask("node2", options: ["--color", "always"], of: sandbox).output.contains("\u{1b}[1;32mQUORATE"))

        let two = try ask("node1", "node3", of: sandbox)
        #expect(two.status == 2)
        #expect(
            two.output == "If node1(1) and node3(3) go down: NOT QUORATE: 1 of 3 votes, quorum 2, needs 1 more vote\n")
        let all = try ask("3", "2", "1", of: sandbox)
        #expect(all.status == 2)
        #expect(all.output == "If node1(1), node2(2) and node3(3) go down: NOT QUORATE: no member is left\n")

        let quiet = try ask("node2", options: ["--quiet"], of: sandbox)
        #expect(quiet.status == 0 && quiet.output == "" && quiet.errors == "")
        #expect(try ask("2", "3", options: ["-q"], of: sandbox).status == 2)

        let json = try ask("node2", options: ["--json"], of: sandbox)
        let line = try EventLine(try #require(json.lines.first))
        #expect(json.status == 0 && json.lines.count == 1 && line.event == "prediction" && line.isQuorate == nil)
        #expect(line.json["if_down"] == [["id": 2, "name": "node2"]])
        #expect(
            line.json["prediction"] == [
                "quorate": true, "rule": "votes", "depends_on_qdevice": false, "waits_for_all_afterwards": false,
                "waits_for_votes": .null,
                "votes": ["total": 2, "expected": 3, "highest_expected": 3, "quorum": 2, "margin": 0],
                "members": [["id": 1, "name": "node1"], ["id": 3, "name": "node3"]],
            ])
    }

    @Test("about an unknown node is an error, and about one that is down already changes nothing")
    func otherNodes() throws {
        let sandbox = try Sandbox(nodes: 3)
        for unknown in ["node9", "9"] {
            let result = try ask("node2", unknown, of: sandbox)
            #expect(result.status == 1 && result.output == "")
            #expect(result.errors.hasPrefix("vqwatch: --if-down \(unknown): no node has this"), "\(result.errors)")
        }
        try sandbox.kill(3)
        try sandbox.wait(node: 1, members: [1, 2])
        let down = try ask("node3", of: sandbox)
        #expect(down.status == 0)
        #expect(
            down.output == """
                If node3(3) goes down: QUORATE: 2 of 3 votes, quorum 2, can lose 0 votes
                node3(3) is already lost, so its failure changes nothing.

                """)
        #expect(try ask("node3", "node2", of: sandbox).status == 2)

        // The cluster is quorate neither before nor afterwards.
        try sandbox.kill(2)
        try sandbox.wait(node: 1, members: [1])
        let lost = try ask("node3", of: sandbox)
        #expect(lost.status == 2)
        #expect(
            lost.output.hasPrefix("If node3(3) goes down: NOT QUORATE: 1 of 3 votes, quorum 2, needs 1 more vote\n"))
        let table = try sandbox.run(on: 1, [vqwatch]).lines
        #expect(table.contains { $0.contains(" IF UP ") })
        #expect(table.contains { $0.contains("node2  lost        1  quorate ") })
        try sandbox.stop(1)
        #expect(try ask("node3", of: sandbox).status == 1)
    }

    @Test("mentions wait_for_all, and a quorum device that the answer depends on")
    func remarks() throws {
        let waiting = try Sandbox(nodes: 3, quorum: "wait_for_all: 1")
        #expect(try ask("node2", of: waiting).lines.count == 1)
        let lost = try ask("node2", "node3", of: waiting).lines
        #expect(
            lost.last == "Quorum would then return only once 3 votes are present at the same time (wait_for_all).")
        waiting.close()

        let sandbox = try Sandbox(nodes: 2, device: "model: net; votes: 1; timeout: 3000")
        let devices = try sandbox.startVotingDevices(on: 1...2, named: "net")
        let answer = try ask("node2", of: sandbox)
        #expect(answer.status == 0)
        #expect(
            answer.output == """
                If node2(2) goes down: QUORATE: 2 of 3 votes, quorum 2, can lose 0 votes
                This depends on the quorum device, and assumes that it goes on voting as it does now.

                """)
        for device in devices {
            device.write("novote\n")
            #expect(device.nextLine(within: .seconds(10)) == "ok")
        }
        // The other node's device state arrives with the next message of that node.
        #expect(try eventually(within: .seconds(10)) { try ask("node2", of: sandbox).status == 2 })
    }

    @Test("agrees with the status, the metrics and --follow, which show it for every single member")
    func everyMember() throws {
        let sandbox = try Sandbox(nodes: 4, quorum: "auto_tie_breaker: 1; wait_for_all: 1")
        let follower = try sandbox.spawn(on: 2, [vqwatch, "--follow"])
        #expect(
            follower.nextLine(within: .seconds(10))?.contains("; members: node1, node2, node3, node4") == true)
        try sandbox.kill(4)
        try sandbox.wait(node: 2, members: [1, 2, 3])
        let turned = follower.nextLine(within: .seconds(30)) { $0.hasSuffix("; quorum would now be lost with node1") }
        #expect(turned?.contains(" quorum ") == true)
        let table = try sandbox.run(on: 2, [vqwatch]).lines
        let metrics = try sandbox.run(on: 2, [vqwatch, "--format", "prometheus"]).lines
        for (node, survives) in [(1, false), (2, true), (3, true)] {
            #expect(try ask("\(node)", of: sandbox, on: 3).status == (survives ? 0 : 2))
            #expect(
                table.contains { $0.contains("node\(node)  member      1  \(survives ? "quorate " : "not quorate")") })
            let sample = #"vqwatch_if_down_quorate{node_id="\#(node)",node="node\#(node)"} \#(survives ? 1 : 0)"#
            #expect(metrics.contains(sample))
        }
        #expect(table.contains { $0.contains("node4  lost        1  -") })
        #expect(!metrics.contains { $0.hasPrefix("vqwatch_if_down_quorate") && $0.contains("node4") })
        try sandbox.start(4)
        let back = follower.nextLine(within: .seconds(30)) {
            $0.contains("; quorum now survives the loss of ") && $0.contains("node1")
        }
        #expect(back?.contains(" quorum ") == true)
    }
}
