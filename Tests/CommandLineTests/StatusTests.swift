// SPDX-License-Identifier: MIT

import Testing
import TestSupport

/// The status on real clusters, compared with that of corosync-quorumtool, field by field and in every one-shot mode.
@Suite("The status", .serialized)
struct StatusTests {
    private func compare(
        _ sandbox: Sandbox, on node: Int = 1, _ comment: Comment, at location: SourceLocation = #_sourceLocation
    ) throws -> EventLine {
        let tool = try QuorumTool(on: node, of: sandbox)
        let result = try sandbox.run(on: node, [vqwatch, "--json"])
        #expect(result.status == tool.status, comment, sourceLocation: location)
        #expect(result.errors == "", comment, sourceLocation: location)
        #expect(result.lines.count == 1, comment, sourceLocation: location)
        let line = try EventLine(try #require(result.lines.first))
        let json = line.json
        #expect(line.event == "status", comment, sourceLocation: location)
        #expect(json["local_node_id"] == tool.number("Node ID"), comment, sourceLocation: location)
        #expect(json["ring_id"].string == tool.facts["Ring ID"], comment, sourceLocation: location)
        #expect(line.isQuorate == (tool.facts["Quorate"] == "Yes"), comment, sourceLocation: location)
        #expect(json["votes"]["expected"] == tool.number("Expected votes"), comment, sourceLocation: location)
        #expect(json["votes"]["highest_expected"] == tool.number("Highest expected"), comment, sourceLocation: location)
        #expect(json["votes"]["total"] == tool.number("Total votes"), comment, sourceLocation: location)
        #expect(json["votes"]["quorum"] == tool.number("Quorum"), comment, sourceLocation: location)
        let flags = json["flags"].elements.compactMap(\.string)
        #expect(
            flags == tool.facts["Flags"]?.split(separator: " ").map(String.init) ?? [], comment,
            sourceLocation: location)
        let members = json["nodes"].elements.filter { $0["state"] == "member" }.map {
            QuorumTool.Member(
                id: $0["id"].number ?? -1, votes: $0["votes"].number ?? -1, name: $0["name"].string ?? "",
                isLocal: $0["local"] == true)
        }
        #expect(members == tool.members.sorted { $0.id < $1.id }, comment, sourceLocation: location)
        #expect(Int64(members.count) == tool.number("Nodes").number, comment, sourceLocation: location)

        // The other formats and modes agree.
        let text = try sandbox.run(on: node, [vqwatch])
        #expect(text.status == tool.status, comment, sourceLocation: location)
        #expect(text.output.contains(line.isQuorate == true ? ": QUORATE\n" : ": NOT QUORATE\n"), comment)
        #expect(text.output.contains("Ring ID:          \(tool.facts["Ring ID"] ?? "missing")\n"), comment)
        for mode in ["one", "one-nonblocking"] {
            let other = try sandbox.run(on: node, [vqwatch, "--json", "--dispatch", mode])
            #expect(other.status == tool.status, comment, sourceLocation: location)
            #expect(try EventLine(other.lines.first ?? "").timeless == line.timeless, comment, sourceLocation: location)
        }
        let quiet = try sandbox.run(on: node, [vqwatch, "-q"])
        #expect(quiet.status == tool.status && quiet.output == "" && quiet.errors == "", comment)
        return line
    }

    @Test("equals that of corosync-quorumtool for three nodes, also with changed votes and with one node cut off")
    func threeNodes() throws {
        let sandbox = try Sandbox(nodes: 3)
        let whole = try compare(sandbox, "three members")
        #expect(whole.json["cluster_name"] == "sandbox")
        #expect(whole.node(2)["addresses"] == ["10.77.0.2"])
        #expect(whole.json["votes"]["margin"] == 1)

        try sandbox.setVotes(2, of: 2)
        let isTold = try eventually(within: .seconds(20)) {
            try QuorumTool(on: 3, of: sandbox).members.contains { $0.id == 2 && $0.votes == 2 }
        }
        try #require(isTold)
        _ = try compare(sandbox, on: 3, "unequal votes")
        try sandbox.setVotes(1, of: 2)

        try sandbox.cut(3)
        try sandbox.wait(node: 1, members: [1, 2])
        try sandbox.wait(node: 3, members: [3])
        let rest = try compare(sandbox, "the two that are left")
        #expect(rest.node(3)["state"] == "dead")
        let alone = try compare(sandbox, on: 3, "the one that was cut off")
        #expect(alone.isQuorate == false)
        #expect((alone.json["votes"]["margin"].number ?? 0) < 0)
    }

    @Test("equals that of corosync-quorumtool with unequal votes from the configuration")
    func unequalVotes() throws {
        let sandbox = try Sandbox(nodes: 2, votes: [3, 2])
        #expect(try compare(sandbox, "3 and 2 votes").json["votes"]["total"] == 5)
    }

    @Test("equals that of corosync-quorumtool with two_node, also when one node is left")
    func twoNode() throws {
        let sandbox = try Sandbox(nodes: 2, quorum: "two_node: 1")
        #expect(try compare(sandbox, "two members").json["flags"] == ["2Node", "Quorate", "WaitForAll"])
        try sandbox.kill(2)
        try sandbox.wait(node: 1, members: [1])
        #expect(try compare(sandbox, "one is left").isQuorate == true)
    }

    @Test("equals that of corosync-quorumtool with wait_for_all, without \"can lose\" while it waits for nodes")
    func waitForAll() throws {
        let sandbox = try Sandbox(nodes: 3, quorum: "wait_for_all: 1", starting: false)
        try sandbox.start(1)
        try sandbox.start(2)
        try sandbox.wait(node: 1, members: [1, 2])
        let waiting = try compare(sandbox, "two of three were seen")
        #expect(waiting.isQuorate == false)
        #expect(waiting.json["votes"]["margin"] == 0)
        #expect(waiting.node(3)["state"] == "absent")
        #expect(waiting.node(3)["votes"] == .null)
        let text = try sandbox.run(on: 1, [vqwatch]).output
        #expect(text.contains("waiting for all nodes (wait_for_all): node3 missing") && !text.contains("can lose"))
        try sandbox.start(3)
        try sandbox.wait(node: 1, members: [1, 2, 3])
        #expect(try compare(sandbox, "all were seen").isQuorate == true)
    }

    @Test("equals that of corosync-quorumtool with last_man_standing, also after a node has failed")
    func lastManStanding() throws {
        let sandbox = try Sandbox(
            nodes: 3, quorum: "last_man_standing: 1; last_man_standing_window: 1000; wait_for_all: 1")
        _ = try compare(sandbox, "three members")
        try sandbox.kill(3)
        try sandbox.wait(node: 1, members: [1, 2])
        let expected = try eventually(within: .seconds(10)) {
            try QuorumTool(on: 1, of: sandbox).number("Expected votes") == 2
        }
        #expect(expected, "the last_man_standing window has passed")
        _ = try compare(sandbox, "two are left")
    }

    @Test("equals that of corosync-quorumtool with auto_tie_breaker, in both halves")
    func autoTieBreaker() throws {
        let sandbox = try Sandbox(nodes: 4, quorum: "auto_tie_breaker: 1")
        try sandbox.partition([1, 2], [3, 4])
        try sandbox.wait(node: 1, members: [1, 2])
        try sandbox.wait(node: 3, members: [3, 4])
        let winner = try compare(sandbox, on: 1, "the half with the lowest node")
        let loser = try compare(sandbox, on: 3, "the other half")
        #expect(winner.isQuorate == true && loser.isQuorate == false)
        #expect(winner.json["votes"]["margin"] == -1)
        #expect(try !sandbox.run(on: 1, [vqwatch]).output.contains("can lose"))
    }
}
