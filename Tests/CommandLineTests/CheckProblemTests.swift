// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

extension PluginLine {
    /// The phrases behind the votes, each of which is a problem.
    var problems: [String] {
        text.split(separator: "; ").dropFirst(text.contains("quorate: ") ? 1 : 0).map(String.init)
    }
}

/// What a check finds below votequorum and in the configuration, on real clusters.
@Suite("The problems that a check finds", .serialized)
struct CheckProblemTests {
    /// The problems of one check.
    private func check(on node: Int = 1, of sandbox: Sandbox, _ options: [String] = []) throws -> [String] {
        let result = try sandbox.run(on: node, [vqwatch, "--check", "--links"] + options)
        #expect(result.errors == "")
        let line = try PluginLine(result.outputBytes)
        #expect((result.status == 0) == line.problems.isEmpty, "\(result.output)")
        return line.problems
    }

    /// Whether a check comes to find exactly these problems.
    private func comesToFind(
        on node: Int = 1, of sandbox: Sandbox, _ options: [String] = [], within limit: Duration = .seconds(30),
        problems expected: [String] = []
    ) throws -> Bool {
        var found: [String] = []
        let isFound = try eventually(within: limit, every: .milliseconds(100)) {
            found = try check(on: node, of: sandbox, options)
            return found == expected
        }
        if !isFound { print(found) }
        return isFound
    }

    @Test("are none while corosync.conf is what corosync runs with, whatever is in it")
    func unmodifiedFile() throws {
        let rich = try Sandbox(
            nodes: 2, quorum: "two_node: 1; wait_for_all: 0; expected_votes: 2; last_man_standing_window: 0020000",
            votes: [1, 1], totem: "config_version: 0007", namedNodes: false)
        #expect(try check(of: rich) == [])
        let device = try Sandbox(nodes: 2, qnetd: .ffsplit, device: "heuristics.mode: off; net.tie_breaker: highest")
        #expect(try comesToFind(of: device))
        try device.reload()
        #expect(try comesToFind(of: device))
    }

    @Test("are a corosync.conf that was edited and not loaded, until it is, and not one of another cluster")
    func editedFile() throws {
        let sandbox = try Sandbox(nodes: 2, quorum: "expected_votes: 2", clusterName: "lab")
        #expect(try check(of: sandbox) == [])
        let original = try sandbox.configuration(of: 1)
        try sandbox.editConfiguration { $0.replacing("name: node2", by: "name: beta") }
        let differs = "corosync.conf differs from what corosync runs with"
        let advice = ": reload it (corosync-cfgtool -R) or restart corosync"
        #expect(
            try check(of: sandbox) == ["\(differs) (name of node 2 is beta in the file and node2 in corosync)\(advice)"]
        )
        // A file elsewhere, in the place that corosync itself would read.
        let copied = try sandbox.run(on: 1, ["cp", "/etc/corosync/corosync.conf", "/run/other.conf"])
        #expect(copied.status == 0)
        try sandbox.configure(original)
        #expect(try check(of: sandbox) == [])
        let elsewhere = ["COROSYNC_MAIN_CONFIG_FILE": "/run/other.conf"]
        let other = try sandbox.run(on: 1, [vqwatch, "--check"], environment: elsewhere)
        #expect(other.status == 1 && other.output.contains("; \(differs) (name of node 2 "))
        #expect(try sandbox.run(on: 1, ["mkfifo", "/run/fifo"]).status == 0)
        for path in ["/run/fifo", "/run", "/run/missing", "/dev/zero"] {
            let unread = try sandbox.run(
                on: 1, [vqwatch, "--check"], environment: ["COROSYNC_MAIN_CONFIG_FILE": path], within: .seconds(10))
            #expect(unread.status == 0 && unread.errors == "", "\(path): \(unread.output)")
        }
        try sandbox.editConfiguration { $0.replacing("cluster_name: lab", by: "cluster_name: lab2") }
        #expect(try check(of: sandbox) == [])

        try sandbox.editConfiguration {
            $0.replacing("cluster_name: lab2", by: "cluster_name: lab").replacing("name: node2", by: "name: gamma")
        }
        #expect(try check(of: sandbox).count == 1)
        try sandbox.reload()
        #expect(try comesToFind(of: sandbox))

        let follower = try sandbox.follow(on: 1, ["--refresh", "1s"])
        for problems: [JSON] in [["config_file"], []] {
            let name = problems.isEmpty ? "gamma" : "delta"
            try sandbox.editConfiguration {
                $0.replacing("name: gamma", by: "name: \(name)").replacing("name: delta", by: "name: \(name)")
            }
            let info = try follower.nextEvent(within: .seconds(10)) { event in
                event.json["changes"].elements.contains { $0["field"] == "problems" }
            }
            let codes = info?.json["problems"].elements.map { $0["code"] }
            #expect(info?.event == "info" && codes == problems)
        }
    }

    @Test("are none of a reload that changes votes: they are compared with the new configuration")
    func reloadOfVotes() throws {
        let sandbox = try Sandbox(nodes: 3)
        let follower = try sandbox.follow(on: 1)
        for votes in 2...4 {
            try sandbox.editConfiguration { text in
                String(
                    text.replacing(#/nodeid: 3\n(quorum_votes: \d\n)?/#, with: "nodeid: 3\nquorum_votes: \(votes)\n"))
            }
            try sandbox.reload()
            let changed = try follower.nextEvent(within: .seconds(10)) { event in
                event.event == "expected_votes" && event.json["votes"]["expected"] == .number(Int64(votes + 2))
            }
            // The votes of a node can reach this one later than its expected votes.
            let codes = changed?.json["problems"].elements.map { $0["code"] }
            #expect(codes == [] || codes == ["votes_missing"], "\(codes ?? [])")
        }
        #expect(try comesToFind(of: sandbox))
    }

    @Test("are none of a reload between two nodes with two_node and three without, in any event")
    func reloadOfNodes() throws {
        let sandbox = try Sandbox(nodes: 3)
        let three = try sandbox.configuration(of: 1)
        try sandbox.stop(3)
        try sandbox.wait(node: 1, members: [1, 2])
        let follower = try sandbox.follow(on: 1, ["--refresh", "0"])
        let two = Array(
            String(decoding: three, as: UTF8.self).replacing(#/node \{[^}]*nodeid: 3[^}]*\}/#, with: "")
                .replacing("provider: corosync_votequorum", with: "provider: corosync_votequorum\ntwo_node: 1").utf8)
        for (text, votes) in [(two, 2), (three, 3), (two, 2), (three, 3)] {
            try sandbox.configure(text)
            try sandbox.reload()
            var codes: Set<JSON> = []
            let isWhole = try follower.nextEvent(within: .seconds(10)) { event in
                codes.formUnion(event.json["problems"].elements.map { $0["code"] })
                return event.json["votes"]["expected"] == .number(Int64(votes))
                    && event.json["nodes"].elements.filter { $0["configured"] == true }.count == votes
            }
            #expect(
                isWhole != nil && codes.isSubset(of: ["node_missing", "config_file", "votes_missing"]),
                "\(votes): \(codes)")
        }
    }

    @Test("are a quorum that two partitions can have: with two_node for three nodes, and with 600 votes")
    func noMajority() throws {
        let consequence = "two partitions can be quorate at the same time, because "
        let three = try Sandbox(nodes: 3, quorum: "two_node: 1")
        let setting = consequence + "two_node is set for 3 nodes: remove it from corosync.conf"
        #expect(try comesToFind(of: three, problems: [setting]))
        let many = try Sandbox(nodes: 3, votes: [400, 100, 100])
        let overflow =
            consequence
            + "quorum 45 is not a majority of 600 expected votes: use at most 509, because corosync keeps the "
            + "quorum in 8 bits"
        #expect(try comesToFind(of: many, problems: [overflow]))
        // It is as the problem says.
        try many.partition([1], [2, 3])
        for (node, members) in [(1, [1]), (2, [2, 3])] {
            try many.wait(node: node, members: members)
            #expect(try eventually(within: .seconds(20)) { try many.run(on: node, [vqwatch, "-q"]).status == 0 })
        }
    }

    @Test(
        "do not include a node that was removed from the nodelist, and conditions on it are as for a node never known")
    func removedNode() throws {
        let sandbox = try Sandbox(nodes: 3)
        try sandbox.stop(3)
        try sandbox.wait(node: 1, members: [1, 2])
        #expect(try comesToFind(of: sandbox, problems: ["node3 is not a member"]))
        try sandbox.editConfiguration { text in
            var text = text
            if let block = text.range(of: "node {\nnodeid: 3\n", through: "}\n") { text.removeSubrange(block) }
            return text
        }
        try sandbox.reload()
        #expect(try comesToFind(of: sandbox))
        #expect(try PluginLine(sandbox.run(on: 1, [vqwatch, "-c"]).outputBytes).data["nodes"]?.maximum == 2)
        for absent in ["node3", "3"] {
            let result = try sandbox.run(
                on: 1, [vqwatch, "-q", "-w", "absent=\(absent)", "-w", "complete", "-t", "10s"])
            #expect(result.status == 0)
            #expect(
                result.errors.hasPrefix("vqwatch: absent=\(absent): no node has this ")
                    && result.errors.hasSuffix("; taken as absent\n"), "\(result.errors)")
        }
        let member = try sandbox.run(on: 1, [vqwatch, "-q", "-w", "member=node3", "-t", "1s"])
        #expect(member.status == 124 && member.errors.contains("waiting for it to be configured\n"))
        let prediction = try sandbox.run(on: 1, [vqwatch, "--if-down", "3"])
        #expect(
            prediction.status == 1
                && prediction.errors
                    == "vqwatch: --if-down 3: no node has this ID, name or address; 'vqwatch' lists the nodes\n"
        )
    }

    @Test("are expected votes raised by hand, links that are down, and small packets")
    func votesAndLinks() throws {
        let sandbox = try Sandbox(nodes: 3, links: 2, totem: "token: 2000")
        // The second links can come up later than the first membership.
        #expect(try comesToFind(of: sandbox))
        try sandbox.setExpectedVotes(4)
        #expect(
            try comesToFind(
                of: sandbox,
                problems: [
                    "expected votes are 4, but would be 3 after a start of all nodes",
                    "1 of 4 expected votes is absent, and no absent node accounts for it",
                ]))
        try sandbox.setExpectedVotes(3)
        #expect(try comesToFind(of: sandbox))

        try sandbox.cut(3, link: 1)
        #expect(try comesToFind(of: sandbox, problems: ["link 1 to node3 is down"]))
        #expect(try comesToFind(on: 3, of: sandbox, problems: ["links are down: 1 to node1, 1 to node2"]))
        try sandbox.heal(3, link: 1)
        #expect(try comesToFind(of: sandbox))

        // Only small packets pass: knet stays connected, and totem loses the node.
        for link in 0...1 {
            #expect(try sandbox.run(on: 3, ["ip", "link", "set", "eth\(link)", "mtu", "500"]).status == 0)
        }
        let isFound = try eventually(within: .seconds(60), every: .milliseconds(200)) {
            try check(of: sandbox).contains {
                $0.hasPrefix("node3 is not a member although a link to it is connected (MTU 450")
            }
        }
        #expect(isFound)
    }

    @Test("are a node with an older version of the configuration, which joins and leaves again")
    func configVersion() throws {
        let sandbox = try Sandbox(nodes: 3, totem: "config_version: 4", starting: false)
        let old = String(decoding: try sandbox.configuration(of: 3), as: UTF8.self)
            .replacing("config_version: 4", by: "config_version: 3")
        try sandbox.configure(Array(old.utf8), on: 3)
        for node in 1...2 { try sandbox.start(node) }
        try sandbox.wait(node: 1, members: [1, 2])
        #expect(try comesToFind(of: sandbox, problems: ["node3 is not a member"]))
        let follower = try sandbox.spawn(on: 1, [vqwatch, "-j", "--follow"])
        #expect(follower.nextLine(within: .seconds(10)) != nil)
        // It may answer before it exits.
        try? sandbox.start(3)
        let left = "node3 is not a member and last had config_version 3, this node has config_version 4"
        let isFound = try eventually(within: .seconds(30), every: .milliseconds(100)) {
            try check(of: sandbox).contains(left)
        }
        #expect(isFound)
        follower.signal(SIGTERM)
    }

    @Test("are none of an older version of the configuration on a node that is stopped and may be absent")
    func olderVersionOfStoppedNode() throws {
        let sandbox = try Sandbox(nodes: 3, totem: "config_version: 7")
        try sandbox.stop(3)
        let allowing = ["--allow-absent", "3"]
        #expect(try comesToFind(of: sandbox, allowing))
        try sandbox.editConfiguration { $0.replacing("config_version: 7", by: "config_version: 8") }
        try sandbox.reload()
        let left = "node3 is not a member and last had config_version 7, this node has config_version 8"
        #expect(try comesToFind(of: sandbox, problems: ["node3 is not a member", left]))
        #expect(try check(of: sandbox, allowing) == [])
    }

    @Test(
        "are none with explicit votes of a device that were never expected, and two of four nodes allowed to be absent")
    func deviceVotes() throws {
        let sandbox = try Sandbox(
            nodes: 4, quorum: "wait_for_all: 0", device: "model: net; votes: 1; timeout: 5000; sync_timeout: 5000",
            starting: false)
        for node in 1...2 { try sandbox.start(node) }
        try sandbox.wait(node: 1, members: [1, 2])
        let devices = try sandbox.startVotingDevices(on: 1...2, named: "Test")
        #expect(try comesToFind(of: sandbox, ["--allow-absent", "3", "--allow-absent", "10.77.0.4"]))
        #expect(try check(of: sandbox, ["--allow-absent", "3"]) == ["node4 is not a member"])
        #expect(devices.allSatisfy { $0.isRunning })
    }
}

extension String {
    /// The range from the first occurrence of one text through the next of another.
    fileprivate func range(of start: String, through end: String) -> Range<Index>? {
        guard let first = firstRange(of: start), let last = self[first.upperBound...].firstRange(of: end) else {
            return nil
        }
        return first.lowerBound..<last.upperBound
    }

}
