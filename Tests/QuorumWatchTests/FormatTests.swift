// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("Text")
struct TextTests {
    private func line(_ event: Event, changes: [Change] = [], color: Bool = false) -> String {
        let text = String(decoding: TextFormat(color: color).line(for: event, changes: changes), as: UTF8.self)
        return String(text.drop { $0 != " " }.dropFirst())
    }

    private func status(_ prepare: (inout Cluster) -> Void = { _ in }) throws -> Event {
        var cluster = Cluster()
        _ = cluster.reduce(.configuration(.named([1, 2, 3])))
        prepare(&cluster)
        _ = cluster.nodelist(0x22, [1, 2, 3])
        return try #require(cluster.quorum(cluster.isQuorate).only)
    }

    @Test("begins a line with local time to the millisecond, and the kind")
    func beginsWithTheTime() throws {
        var event = try status()
        event.time = Timestamp(microseconds: 1_763_804_614_507_311)
        let text = String(decoding: TextFormat(color: false).line(for: event, changes: []), as: UTF8.self)
        #expect(text.firstMatch(of: #/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.507[+-]\d\d:\d\d status /#) != nil, "\(text)")
    }

    @Test("gives the votes that can be lost or are missing, and the nodes that WaitForAll waits for")
    func saysTheMargin() throws {
        #expect(line(try status()).hasPrefix("status QUORATE: 3 of 3 votes, quorum 2, can lose 1; ring 1.22;"))
        let missing = line(
            try status {
                $0.states = [1: .member, 2: .dead, 3: .dead]
                $0.isQuorate = false
            })
        #expect(missing.hasPrefix("status NOT QUORATE: 1 of 3 votes, quorum 2, 1 missing;"), "\(missing)")
        #expect(missing.hasSuffix("; members node1; dead: node2 node3\n"), "\(missing)")
        let waiting = line(
            try status {
                $0.deviceFlags = .waitForAll
                $0.states[3] = .dead
                $0.isQuorate = false
            })
        #expect(waiting.contains("waiting for all nodes: node3 missing") && !waiting.contains("can lose"))
    }

    @Test("highlights gained and lost quorum")
    func standsOut() throws {
        var cluster = Cluster.settled()
        _ = cluster.nodelist(2, [1])
        cluster.states = [1: .member, 2: .dead, 3: .dead]
        let lost = try #require(cluster.quorum(false).only)
        let changes = cluster.changes
        #expect(
            line(lost, changes: changes)
                == "quorum NOT QUORATE: 1 of 3 votes, quorum 2, 1 missing; votes 3 -> 1; dead: node2 node3\n")
        #expect(line(lost, changes: changes, color: true).hasPrefix("quorum \u{1b}[1;31mNOT QUORATE\u{1b}[0m: "))
        _ = cluster.nodelist(3, [1, 2, 3])
        cluster.states = [1: .member, 2: .member, 3: .member]
        let gained = try #require(cluster.quorum(true).only)
        #expect(line(gained, changes: cluster.changes).hasPrefix("quorum QUORATE: 3 of 3 votes"))
    }

    @Test("shares a phrase among nodes with the same change, and does not repeat the line before")
    func groups() throws {
        var cluster = Cluster.settled()
        let left = try #require(cluster.nodelist(2, [1]).only)
        cluster.states = [1: .member, 2: .dead, 3: .dead]
        cluster.votes[2] = 4
        cluster.votes[3] = 4
        let lost = try #require(cluster.quorum(false).only)
        let format = TextFormat(color: false)
        func words(after previous: Event?) -> String {
            let line = String(
                decoding: format.line(for: lost, changes: cluster.changes, after: previous), as: UTF8.self)
            return String(line[line.firstRange(of: "votes 3")!.lowerBound...])
        }
        #expect(words(after: nil) == "votes 3 -> 1; dead: node2 node3; votes of node2 node3 1 -> 4\n")
        #expect(words(after: left) == "votes 3 -> 1; votes of node2 node3 1 -> 4\n")
    }

    @Test("names nodes by name where that is unambiguous, or as name(id), or by ID alone")
    func namesNodes() throws {
        var cluster = Cluster.settled()
        #expect(
            line(try #require(cluster.nodelist(0xab, [1, 2, 5]).only))
                == "nodelist ring 1.ab: node1 node2 5; joined: 5; left: node3\n")
        var configuration = Configuration.named([1, 2, 3])
        configuration.nodes[1].name = "node1"
        configuration.nodes[2].name = "2"
        _ = cluster.reduce(.configuration(configuration))
        #expect(line(try #require(cluster.nodelist(0xac, [1, 2, 3]).only)).contains(": node1(1) node1(2) 2(3); "))
    }

    @Test(
        "abbreviates long lists of nodes, and consecutive numbers in them",
        arguments: [
            (Array(13...24), "node13 … node24 (12 nodes)"),
            ([1, 2, 3, 4, 5, 6, 7, 8], "node1 node2 node3 node4 node5 node6 node7 node8"),
            ([1, 2, 4, 5, 6, 9, 11, 13, 15, 17], "node1 node2 node4 … node6 node9 node11 node13 … (10 nodes)"),
            ([8, 9, 10, 11, 20, 21, 30, 31, 32], "node8 … node11 node20 node21 node30 … node32 (9 nodes)"),
        ])
    func abbreviates(_ ids: [UInt32], _ text: String) {
        let nodes = ids.map { NodeReference(id: NodeID($0), name: "node\($0)") }
        #expect(NodeNames(among: nodes).text(nodes) == text)
    }

    @Test("abbreviates only names whose numbers are consecutive")
    func abbreviatesNoMore() {
        let names = ["a08", "a09", "a10", "b9", "b010", "c1", "c2", "9", "10", "11"]
        #expect(abbreviated(names) == "a08 … a10 b9 b010 c1 c2 9 … 11")
        #expect(abbreviated(["x4294967295", "x4294967296", "x0"]) == "x4294967295 x4294967296 x0")
    }

    @Test("keeps a line short however many nodes leave at once")
    func staysShort() throws {
        var cluster = Cluster()
        let ids = Array(UInt32(1)...24)
        for id in ids { (cluster.states[id], cluster.votes[id]) = (.member, 1) }
        cluster.expected = 24
        _ = cluster.reduce(.configuration(.named(ids)))
        _ = cluster.nodelist(1, ids)
        let status = try #require(cluster.quorum(true).only)
        #expect(line(status).hasSuffix("; members node1 … node24 (24 nodes)\n"))
        _ = cluster.changes
        let left = try #require(cluster.nodelist(2, Array(ids.prefix(12))).only)
        for id in ids.dropFirst(12) { cluster.states[id] = .dead }
        let lost = try #require(cluster.quorum(false).only)
        #expect(line(left) == "nodelist ring 1.2: 12 nodes; left: node13 … node24 (12 nodes)\n")
        #expect(
            line(lost, changes: cluster.changes)
                == "quorum NOT QUORATE: 12 of 24 votes, quorum 13, 1 missing; votes 24 -> 12; "
                + "dead: node13 … node24 (12 nodes)\n")
    }

    @Test("groups equal nodes on the page only if the terminal has too few lines")
    func groupsThePage() throws {
        var cluster = Cluster()
        let ids = Array(UInt32(1)...24)
        for id in ids { (cluster.states[id], cluster.votes[id]) = (id > 20 ? .dead : .member, id == 7 ? 2 : 1) }
        _ = cluster.reduce(.configuration(.named(ids)))
        _ = cluster.nodelist(1, Array(ids.prefix(20)))
        let state = try #require(cluster.quorum(true).only?.state)
        func page(_ height: Int?) -> [Substring] {
            String(decoding: StatusText(color: false, height: height).page(for: state), as: UTF8.self)
                .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        }
        #expect(page(nil).count == 33 && page(34) == page(nil))
        #expect(
            page(33).suffix(6).joined(separator: "\n") == """
                              ID  NAME                                     STATE   VOTES  ADDRESSES
                  *            1  node1                                    member      1  10.0.0.1
                    2 … 6 8 … 20  node2 … node6 node8 … node20 (18 nodes)  member      1
                               7  node7                                    member      2  10.0.0.7
                         21 … 24  node21 node22 node23 node24              dead        1
                    * this node
                """)
    }

    @Test("shows the status as a page with every node and a mark at the local node")
    func showsAPage() throws {
        let state = try #require(
            try status {
                $0.states = [1: .member, 3: .dead]
                $0.deviceFlags = .autoTieBreaker
                _ = $0.reduce(.configuration(.named([1, 2, 3])))
            }.state)
        let page = String(decoding: StatusText(color: false).page(for: state), as: UTF8.self)
        #expect(
            page == """
                Cluster lab: QUORATE
                  Votes:            1 of 3 votes, quorum 2, below quorum by 1, quorate by special rule
                  Highest expected: 3
                  Flags:            Quorate AutoTieBreaker
                  Ring ID:          1.22
                  Quorum device:    none

                    ID  NAME   STATE   VOTES  ADDRESSES
                  *  1  node1  member      1  10.0.0.1
                     2  node2  absent      -  10.0.0.2
                     3  node3  dead        1  10.0.0.3
                    * this node

                """)
    }

    @Test("contains no control character, escape or newline from a name")
    func makesStringsHarmless() throws {
        var cluster = Cluster()
        var configuration = Configuration.named([1, 2, 3])
        configuration.clusterName = "a\u{1b}[2Jb\u{202e}"
        configuration.nodes[1].name = "x\ny\u{9b}31m\u{7f}"
        configuration.nodes[2].name = String(repeating: "z", count: 70_000)
        _ = cluster.reduce(.configuration(configuration))
        _ = cluster.nodelist(1, [1, 2, 3])
        let event = try #require(cluster.quorum(true).only)
        let text = line(event)
        #expect(text.contains("x\\u{a}y\\u{9b}31m\\u{7f}"))
        let page = String(decoding: StatusText(color: false).page(for: event.state!), as: UTF8.self)
        #expect(page.hasPrefix("Cluster a\\u{1b}[2Jb\\u{202e}: QUORATE\n"))
        for text in [text, page] {
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || !$0.needsEscape })
            #expect(text.utf8.count < 2000)
        }
        #expect(text.split(separator: "\n").count == 1)
    }
}

@Suite("JSON lines")
struct JSONTests {
    private func line(_ event: Event) -> String {
        var format = JSONFormat()
        return String(decoding: format.line(for: event, changes: []), as: UTF8.self)
    }

    private func event(_ body: Event.Body) -> Event {
        Event(time: Timestamp(microseconds: 1_763_804_614_507_311), body: body)
    }

    @Test("give null for unknown values")
    func giveNull() {
        #expect(
            line(event(.unresponsive(silent: .milliseconds(10_250)))) == """
                {"time":"2025-11-22T09:43:34.507311Z","event":"unresponsive","cluster_name":null,\
                "local_node_id":null,"quorate":null,"silent_ms":10250}

                """)
        let unknown = line(event(.status(ClusterState())))
        #expect(
            unknown.hasSuffix(
                """
                "ring_id":null,"votes":{"total":null,"expected":null,"highest_expected":null,"quorum":null,\
                "margin":null},"flags":null,"qdevice":null,"nodes":[],"links":null,"changes":[]}

                """))
    }

    @Test("escape quotes, backslashes, and control and formatting characters")
    func escape() {
        var event = event(.dropped(count: 3))
        event.clusterName = "\"\\\n\u{1b}\u{9b}\u{202e}\u{e0041}é\u{1f600}"
        #expect(line(event).contains("\"cluster_name\":\"\\\"\\\\\\u000a\\u001b\\u009b\\u202e\\udb40\\udc41é😀\""))
    }

    @Test("can have a time before 1970 and the largest ring ID")
    func writeExtremes() {
        var event = event(
            .nodelist(
                NodelistReport(
                    ring: RingID(node: NodeID(.max), sequence: .max), members: [], joined: [], left: [])))
        event.time = Timestamp(microseconds: -1)
        #expect(line(event).contains("\"time\":\"1969-12-31T23:59:59.999999Z\""))
        #expect(
            line(event).contains("\"ring_id\":\"ffffffff.ffffffffffffffff\",\"members\":[],\"joined\":[],\"left\":[]"))
    }
}
