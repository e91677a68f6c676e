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
        #expect(missing.contains("missing node2(2) dead, node3(3) dead"))
        let waiting = line(
            try status {
                $0.deviceFlags = .waitForAll
                $0.states[3] = .dead
                $0.isQuorate = false
            })
        #expect(waiting.contains("waiting for all nodes: node3(3) missing") && !waiting.contains("can lose"))
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
                .hasPrefix("quorum NOT QUORATE: 1 of 3 votes, quorum 2, 1 missing; votes.total 3 -> 1; "))
        #expect(line(lost, changes: changes, color: true).hasPrefix("quorum \u{1b}[1;31mNOT QUORATE\u{1b}[0m: "))
        _ = cluster.nodelist(3, [1, 2, 3])
        cluster.states = [1: .member, 2: .member, 3: .member]
        let gained = try #require(cluster.quorum(true).only)
        #expect(line(gained, changes: cluster.changes).hasPrefix("quorum QUORATE: 3 of 3 votes"))
    }

    @Test("names nodes as name(id), or by ID alone")
    func namesNodes() throws {
        var cluster = Cluster.settled()
        #expect(
            line(try #require(cluster.nodelist(0xab, [1, 2, 5]).only))
                == "nodelist ring 1.ab: node1(1) node2(2) 5; joined 5; left node3(3)\n")
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
        #expect(text.contains("x\\u{a}y\\u{9b}31m\\u{7f}(2)"))
        let page = String(decoding: StatusText(color: false).page(for: event.state!), as: UTF8.self)
        #expect(page.hasPrefix("Cluster a\\u{1b}[2Jb\\u{202e}: QUORATE\n"))
        for text in [text, page] {
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || !$0.isHarmful })
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
                "margin":null},"flags":null,"qdevice":null,"nodes":[],"changes":[]}

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
