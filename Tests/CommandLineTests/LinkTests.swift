// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// `--links` on real clusters: links that fail and recover, or are added and removed.
@Suite("--links", .serialized)
struct LinkTests {
    /// One value of each link in a line, by node and number.
    private func links(_ line: EventLine, _ key: String = "connected") -> [String: JSON] {
        line.json["links"].elements.reduce(into: [:]) { links, link in
            links["\(link["node_id"].number ?? -1).\(link["link"].number ?? -1)"] = link[key]
        }
    }

    private static let all: [String: JSON] = ["2.0": true, "2.1": true, "3.0": true, "3.1": true]

    @Test("prints every link in every format, and an event for a link that fails or recovers")
    func cutsALink() throws {
        let sandbox = try Sandbox(links: 2)
        let isMeasured = try eventually(within: .seconds(10)) {
            let line = try EventLine(try sandbox.run(on: 1, [vqwatch, "-lj"]).output.trimmed)
            return links(line) == Self.all && links(line, "latency_us").values.allSatisfy { $0.number ?? 0 > 0 }
        }
        #expect(isMeasured)
        let plain = try EventLine(try sandbox.run(on: 1, [vqwatch, "-j"]).output.trimmed)
        #expect(plain.json["links"] == .null)
        for mode in ["one", "one-nonblocking"] {
            let isWhole = try eventually(within: .seconds(20)) {
                let line = try EventLine(try sandbox.run(on: 1, [vqwatch, "-lj", "--dispatch", mode]).output.trimmed)
                return links(line) == Self.all
            }
            #expect(isWhole)
        }
        let page = try sandbox.run(on: 1, [vqwatch, "--links"]).output
        #expect(page.firstMatch(of: #/\n +1  node3  connected +\d+\.\d{3} ms +\d+\n/#) != nil, "\(page)")
        #expect(try eventually(within: .seconds(20)) { try sandbox.run(on: 1, [vqwatch, "-cl"]).status == 0 })

        let follower = try sandbox.follow(["-l", "--refresh", "0"])
        let text = try sandbox.spawn(on: 1, [vqwatch, "-fl", "--events", "link"])
        /// The next event of link 1 to node 3. On a busy machine, other links may fail for a moment.
        func next(connected: Bool) throws -> EventLine {
            try #require(
                try follower.nextEvent {
                    $0.event == "link" && $0.json["node"]["id"] == 3 && $0.json["link"] == 1
                        && $0.json["connected"] == .bool(connected)
                })
        }
        try sandbox.cut(3, link: 1)
        let down = try next(connected: false)
        #expect(down.json["node"]["name"] == "node3" && down.json["downs"] == 1 && down.isQuorate == true)
        #expect(text.nextLine(within: .seconds(20)) { $0.hasSuffix(" link 1 to node3 is down") } != nil)
        var check = ""
        let isWarned = try eventually(within: .seconds(20)) {
            check = try sandbox.run(on: 1, [vqwatch, "-cl"]).output
            return check.hasPrefix("QUORUM WARNING") && check.contains("; link 1 to node3 is down | ")
        }
        #expect(isWarned, "\(check)")
        #expect(try sandbox.run(on: 1, [vqwatch, "-cq"]).status == 1, "without --links")
        let metrics = try sandbox.run(on: 1, [vqwatch, "-l", "--format", "prometheus"]).output
        #expect(metrics.contains("\nvqwatch_link_connected{node_id=\"3\",node=\"node3\",link=\"1\"} 0\n"))

        try sandbox.heal(3, link: 1)
        let up = try next(connected: true)
        #expect(up.json["downs"] == 0)
        #expect(text.nextLine(within: .seconds(20)) { $0.hasSuffix(" link 1 to node3 is connected again") } != nil)
    }

    @Test("reports no link of a node that has just joined as down")
    func joins() throws {
        let sandbox = try Sandbox(links: 2)
        let follower = try sandbox.follow(on: 1, ["--refresh", "0"])
        try sandbox.kill(3)
        _ = try #require(try follower.nextEvent { $0.event == "quorum" && $0.node(3)["state"] == "dead" })
        // Until the links are known to be down, too.
        _ = try #require(try follower.nextEvent { $0.event == "evidence" })
        try sandbox.start(3)
        let joined = try #require(try follower.nextEvent { $0.event == "quorum" && $0.node(3)["state"] == "member" })
        #expect(joined.json["problems"] == [])
    }

    @Test("follows a reload that removes a node, and one that adds it again")
    func followsAReload() throws {
        let sandbox = try Sandbox(links: 2)
        try sandbox.stop(3)
        try sandbox.wait(node: 1, members: [1, 2])
        let follower = try sandbox.follow(["-l", "--refresh", "0"])
        let whole = try sandbox.configuration(of: 1)
        try sandbox.editConfiguration { text in
            String(text.replacing(#/node \{[^}]*nodeid: 3[^}]*\}/#, with: ""))
        }
        try sandbox.reload()
        let gone = try #require(try follower.nextEvent { $0.changedFields.contains("links.3.1") })
        #expect(links(gone).keys.sorted() == ["2.0", "2.1"])
        try sandbox.configure(whole)
        try sandbox.reload()
        let back = try #require(try follower.nextEvent { $0.changedFields.contains("links.3.1") })
        #expect(links(back).keys.sorted() == ["2.0", "2.1", "3.0", "3.1"] && links(back)["3.1"] == false)
        // Links that were added are tracked.
        try sandbox.start(3)
        #expect(try follower.nextEvent { $0.event == "link" && $0.json["node"]["id"] == 3 } != nil)
        let warnings = try sandbox.log(of: 1).split(separator: "\n").filter { $0.contains("notified key") }
        #expect(warnings.isEmpty, "warnings about the watcher in corosync's log")
    }

    @Test("prints an empty list and no diagnostic if the transport has no links")
    func hasNoLinks() throws {
        let sandbox = try Sandbox(nodes: 2, starting: false)
        try sandbox.editConfiguration { $0.replacing("transport: knet", by: "transport: udpu") }
        for node in 1...2 { try sandbox.start(node) }
        try sandbox.wait(node: 1, members: [1, 2])
        let status = try sandbox.run(on: 1, [vqwatch, "-lj"])
        #expect(status.status == 0 && status.errors == "")
        #expect(try EventLine(status.output.trimmed).json["links"] == .array([]))
        #expect(try sandbox.run(on: 1, [vqwatch, "-cl"]).status == 0)

        let follower = try sandbox.follow(["-l", "--refresh", "200ms"])
        try sandbox.kill(2)
        let evidence = try #require(try follower.nextEvent { $0.event == "evidence" })
        #expect(evidence.json["links_down"] == .array([]) && evidence.json["token_losses"].number ?? 0 > 0)
        follower.signal(SIGTERM)
        #expect(follower.finish(within: .seconds(5)).errors == "")
    }

    @Test("that are down are told of a node that joins after a reconnect, although the maps answered late")
    func joinsAfterReconnect() throws {
        let standIn = try StandIn(
            """
            nodes 3 links=1
            node 3 state=dead
            key stats.knet.node3.link0.connected uint8 0
            timeline
            await
            delay cmap_get 1 4000
            key totem.config_version uint64 2
            wait 300
            hangup votequorum
            wait 2500
            nodelist next 1,2,3
            quorum auto 1=member,2=member,3=member
            """)
        let follower = try standIn.spawn([vqwatch, "-fj"])
        #expect(try follower.nextEvent()?.event == "status")
        standIn.allowStep()
        #expect(try follower.nextEvent { $0.event == "quorum" } != nil)
        #expect(try follower.nextEvent { $0.event == "evidence" } != nil)
        let info = try follower.nextEvent()
        #expect(info?.json["problems"].elements.contains { $0["code"] == "link_down" } == true)
        follower.signal(SIGTERM)
    }

    @Test("of a node that joins while evidence of another nodelist is due are no problem before their own")
    func joinsTwice() throws {
        let joins = { (node: Int) in "key runtime.members.\(node).status string joined\n" }
        let standIn = try StandIn(
            """
            nodes 3 links=1
            node 2 state=dead
            node 3 state=dead
            key runtime.members.2.status string left
            key runtime.members.3.status string left
            timeline
            await
            \(joins(2))nodelist next 1,2
            quorum auto 1=member,2=member,3=dead
            wait 500
            key stats.knet.node3.link0.connected uint8 0
            \(joins(3))nodelist next 1,2,3
            wait 1300
            key runtime.members.3.join_count uint32 2
            wait 300
            quorum auto 1=member,2=member,3=member
            await
            key stats.knet.node3.link0.connected uint8 1
            """)
        let follower = try standIn.spawn([vqwatch, "-fj"])
        #expect(try follower.nextEvent()?.event == "status")
        standIn.allowStep()
        let isJoined = { (event: EventLine) in event.event == "quorum" && event.json["problems"].elements == [] }
        #expect(try follower.nextEvent(where: isJoined) != nil)
        #expect(try follower.nextEvent { $0.event == "evidence" } != nil)
        standIn.allowStep()
        let next = try follower.nextEvent { $0.event != "link" || $0.json["connected"] == true }
        #expect(next?.event == "link", "\(String(describing: next))")
        #expect(try follower.nextEvent()?.event == "evidence")
        follower.signal(SIGTERM)
    }
}

extension String {
    /// Without the newline at the end.
    fileprivate var trimmed: String { last == "\n" ? String(dropLast()) : self }
}
