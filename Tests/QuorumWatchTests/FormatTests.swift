// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("Text")
struct TextTests {
    private func line(_ event: Event, changes: [Change] = [], color: Bool = false) -> String {
        EventText(event, changes).line.rendered(color: color)
    }

    private func page(_ state: ClusterState, size: TerminalSize? = nil) -> String {
        StatusText(state: state, size: size).lines.map { "\($0.plain)\n" }.joined()
    }

    private func status(_ prepare: (inout Cluster) -> Void = { _ in }) throws -> Event {
        var cluster = Cluster()
        _ = cluster.reduce(.configuration(.named([1, 2, 3])))
        prepare(&cluster)
        _ = cluster.nodelist(0x22, [1, 2, 3])
        return try #require(cluster.quorum(cluster.isQuorate).only)
    }

    @Test("begins a line with local time to the millisecond, and what happened")
    func beginsWithTheTime() throws {
        var event = try status()
        event.time = Timestamp(microseconds: 1_763_804_614_507_311)
        let formatter = EventFormatter(format: .text(color: false))
        let text = String(decoding: formatter.bytes(for: event, changes: []) ?? [], as: UTF8.self)
        #expect(text.firstMatch(of: #/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.507[+-]\d\d:\d\d status: /#) != nil, "\(text)")
    }

    @Test("gives the votes that can be lost or are missing, and the nodes that WaitForAll waits for")
    func saysTheMargin() throws {
        #expect(
            line(try status()).hasPrefix("status: QUORATE, 3 of 3 votes, quorum 2, can lose 1 vote; membership 1.22;"))
        let missing = line(
            try status {
                $0.states = [1: .member, 2: .dead, 3: .dead]
                $0.isQuorate = false
            })
        #expect(missing.hasPrefix("status: NOT QUORATE, 1 of 3 votes, quorum 2, needs 1 more vote;"), "\(missing)")
        #expect(missing.hasSuffix("; members: node1; lost: node2, node3"), "\(missing)")
        let waiting = line(
            try status {
                $0.deviceFlags = .waitForAll
                $0.states[3] = .dead
                $0.isQuorate = false
            })
        #expect(
            waiting.contains("waiting for all nodes (wait_for_all): node3 missing") && !waiting.contains("can lose"))
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
                == "quorum: NOT QUORATE, 1 of 3 votes, quorum 2, needs 1 more vote; votes 3 -> 1; lost: node2, node3")
        #expect(line(lost, changes: changes, color: true).hasPrefix("quorum: \u{1b}[1;31mNOT QUORATE\u{1b}[0m, "))
        _ = cluster.nodelist(3, [1, 2, 3])
        cluster.states = [1: .member, 2: .member, 3: .member]
        let gained = try #require(cluster.quorum(true).only)
        #expect(line(gained, changes: cluster.changes).hasPrefix("quorum: QUORATE, 3 of 3 votes"))
        let same = try #require(cluster.quorum(true).only)
        #expect(line(same) == "quorum: quorate, 3 of 3 votes, quorum 2, can lose 1 vote")
    }

    @Test("begins a change without a notification with what changed")
    func beginsWithTheChange() throws {
        var cluster = Cluster.settled()
        cluster.votes[2] = 4
        let votes = try #require(cluster.reduce(.reading(cluster.reading)).only)
        #expect(
            line(votes, changes: cluster.changes)
                == "changed: votes 3 -> 6; votes of node2 1 -> 4; quorate, 6 of 3 votes, quorum 2, can lose 4 votes")
        let expected = try #require(cluster.reduce(cluster.expect(5)).only)
        #expect(line(expected, changes: cluster.changes).hasPrefix("changed: expected votes 3 -> 5; "))
        // A reading can be made before votequorum has changed them on all nodes.
        var reading = cluster.reading
        for index in reading.nodes.indices.dropFirst() { reading.nodes[index].expectedVotes = 4 }
        let ofNodes = try #require(cluster.reduce(.reading(reading)).only)
        #expect(
            line(ofNodes, changes: cluster.changes).hasPrefix(
                "changed: expected votes of node2, node3 5 -> 4; quorate, "))
    }

    @Test("names a problem of the quorum device unless a change of the device already says it")
    func deviceProblems() throws {
        var state = try #require(Cluster.settled().reducer.knownState)
        state.problems = [
            Problem(code: .qdevice, nodes: [state.reference(3)], text: "quorum device net is not alive on node3")
        ]
        let problem = Change(field: .state(.problems), from: .strings([]), to: .strings(["qdevice"]))
        let failed = DeviceState(alive: false, castVote: false, masterWins: false)
        let device = Change(field: .node(3, .device), from: .null, to: .deviceState(failed))
        let text = ChangeText(state)
        #expect(text.phrases(for: [problem]) == ["warning: quorum device net is not alive on node3"])
        #expect(text.phrases(for: [device, problem]) == ["quorum device not alive, casts no vote on node3"])
    }

    @Test("says nothing of the quorum device of a node that is no member")
    func deviceOfLostNode() throws {
        var state = try #require(Cluster.settled().reducer.knownState)
        let changes = [
            Change(field: .node(3, .state), from: .string("member"), to: .string("dead")),
            Change(field: .node(3, .device), from: .deviceState(DeviceState([.quorumDeviceRegistered])!), to: .null),
        ]
        #expect(ChangeText(state).phrases(for: changes).last == "quorum device not registered on node3")
        state.nodes[2].state = .dead
        #expect(ChangeText(state).phrases(for: changes) == ["lost: node3"])
    }

    @Test("shares a phrase among nodes with the same change")
    func groups() throws {
        var cluster = Cluster.settled()
        _ = cluster.nodelist(2, [1])
        cluster.states = [1: .member, 2: .dead, 3: .dead]
        cluster.votes[2] = 4
        cluster.votes[3] = 4
        let lost = try #require(cluster.quorum(false).only)
        #expect(
            line(lost, changes: cluster.changes).hasSuffix(
                "; votes 3 -> 1; lost: node2, node3; votes of node2, node3 1 -> 4"))
    }

    @Test("names nodes by name where that is unambiguous, or as name(id), or by ID alone")
    func namesNodes() throws {
        var cluster = Cluster.settled()
        #expect(
            line(try #require(cluster.nodelist(0xab, [1, 2, 5]).only))
                == "membership 1.ab: node1, node2, 5; joined: 5; left: node3")
        var configuration = Configuration.named([1, 2, 3])
        configuration.nodes[1].name = "node1"
        configuration.nodes[2].name = "2"
        _ = cluster.reduce(.configuration(configuration))
        #expect(line(try #require(cluster.nodelist(0xac, [1, 2, 3]).only)).contains(": node1(1), node1(2), 2(3); "))
    }

    @Test(
        "abbreviates long lists of nodes, and consecutive numbers in them",
        arguments: [
            (Array(13...24), "node13 … node24 (12 nodes)"),
            ([1, 2, 3, 4, 5, 6, 7, 8], "node1, node2, node3, node4, node5, node6, node7, node8"),
            (
                [1, 2, 4, 5, 6, 9, 11, 13, 15, 17],
                "node1, node2, node4 … node6, node9, node11, node13, node15, node17 (10 nodes)"
            ),
            ([8, 9, 10, 11, 20, 21, 30, 31, 32], "node8 … node11, node20, node21, node30 … node32 (9 nodes)"),
        ])
    func abbreviates(_ ids: [UInt32], _ text: String) {
        let nodes = ids.map { NodeReference(id: NodeID($0), name: "node\($0)") }
        #expect(NodeNames(among: nodes).text(nodes) == text)
    }

    @Test("abbreviates only names whose numbers are consecutive")
    func abbreviatesNoMore() {
        let names = ["a08", "a09", "a10", "b9", "b010", "c1", "c2", "9", "10", "11"]
        #expect(abbreviated(names) == "a08 … a10, b9, b010, c1, c2, 9 … 11")
        #expect(abbreviated(["x4294967295", "x4294967296", "x0"]) == "x4294967295, x4294967296, x0")
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
        #expect(line(status).hasSuffix("; members: node1 … node24 (24 nodes)"))
        _ = cluster.changes
        let left = try #require(cluster.nodelist(2, Array(ids.prefix(12))).only)
        for id in ids.dropFirst(12) { cluster.states[id] = .dead }
        let lost = try #require(cluster.quorum(false).only)
        #expect(line(left) == "membership 1.2: 12 nodes; left: node13 … node24 (12 nodes)")
        #expect(
            line(lost, changes: cluster.changes)
                == "quorum: NOT QUORATE, 12 of 24 votes, quorum 13, needs 1 more vote; votes 24 -> 12; "
                + "lost: node13 … node24 (12 nodes)")
    }

    @Test("groups equal nodes on the page only if the terminal has too few lines")
    func groupsThePage() throws {
        var cluster = Cluster()
        let ids = Array(UInt32(1)...24)
        for id in ids { (cluster.states[id], cluster.votes[id]) = (id > 20 ? .dead : .member, id == 7 ? 2 : 1) }
        cluster.expected = 24
        _ = cluster.reduce(.configuration(.named(ids)))
        _ = cluster.nodelist(1, Array(ids.prefix(20)))
        let state = try #require(cluster.quorum(true).only?.state)
        func page(_ height: Int?) -> [Substring] {
            self.page(state, size: height.map { TerminalSize(width: 80, height: $0) })
                .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        }
        #expect(page(nil).count == 34 && page(35) == page(nil))
        #expect(
            page(34).suffix(6).joined(separator: "\n") == """
                              ID  NAME                                      STATE   VOTES
                  *            1  node1                                     member      1
                    2 … 6 8 … 20  node2 … node6, node8 … node20 (18 nodes)  member      1
                               7  node7                                     member      2
                         21 … 24  node21, node22, node23, node24            lost        1
                    * this node
                """)
    }

    @Test("shows nothing of the votes of the quorum device while it is not known whether the cluster is quorate")
    func unknownDevice() throws {
        var state = try #require(Cluster.settled().reducer.knownState)
        let device = DeviceState(alive: true, castVote: true, masterWins: false)
        state.device = QuorumDevice(name: "net", votes: 2, state: device)
        state.nodes[0].device = device
        #expect(page(state).contains("Quorum device:    net (2 votes, alive, casts its vote)\n"))
        #expect(page(state).contains("QDEVICE"))
        state.quorate = nil
        #expect(page(state).contains("Quorum device:    net (alive)\n") && !page(state).contains("QDEVICE"))
    }

    @Test("shows the status as a page with every node and a mark at the local node")
    func showsAPage() throws {
        let state = try #require(
            try status {
                $0.states = [1: .member, 3: .dead]
                $0.deviceFlags = .autoTieBreaker
                _ = $0.reduce(.configuration(.named([1, 2, 3])))
            }.state)
        #expect(
            page(state) == """
                Cluster lab: QUORATE
                  Votes:            1 of 3 votes, quorum 2, 1 vote below the quorum, quorate by auto_tie_breaker
                  Highest expected: 3
                  Flags:            Quorate AutoTieBreaker
                  Ring ID:          1.22
                  Quorum device:    none
                  Warning:          node2 and node3 are not members

                    ID  NAME   STATE   VOTES  ADDRESSES
                  *  1  node1  member      1  10.0.0.1
                     2  node2  absent      -  10.0.0.2
                     3  node3  lost        1  10.0.0.3
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
        let page = page(event.state!)
        #expect(page.hasPrefix("Cluster a\\u{1b}[2Jb\\u{202e}: QUORATE\n"))
        for text in [text, page] {
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || !$0.needsEscape })
            #expect(text.utf8.count < 2000)
        }
        #expect(text.split(separator: "\n").count == 1)
    }

    @Test("shows neither votes nor predictions while it is not known whether the cluster is quorate")
    func showsNothingStale() throws {
        var state = try #require(Cluster.settled().reducer.knownState)
        state.quorate = nil
        state.nodes[1].quorateIfDown = false
        #expect(
            page(state) == """
                Cluster lab: QUORUM UNKNOWN
                  Votes:            votes not known
                  Ring ID:          1.1
                  Quorum device:    none

                    ID  NAME   STATE   ADDRESSES
                  *  1  node1  member  10.0.0.1
                     2  node2  member  10.0.0.2
                     3  node3  member  10.0.0.3
                    * this node

                """)
    }

    @Test("has a line for each problem, and a wrapped one on a narrow terminal")
    func showsProblems() throws {
        var state = try #require(Cluster.settled().reducer.knownState)
        state.problems = [
            Problem(code: .configuration, text: "the links are not known"),
            Problem(code: .nodeMissing, nodes: [state.reference(3)], text: "node3 is not a member\n"),
        ]
        let lines = page(state).split(separator: "\n")
        #expect(lines.contains("  Unknown:          the links are not known"))
        #expect(lines.contains("  Warning:          node3 is not a member\\u{a}"))
        let narrow = page(state, size: TerminalSize(width: 40, height: 24)).split(separator: "\n")
        #expect(narrow.contains("  Unknown:          the links are not") && narrow.allSatisfy { $0.count <= 40 })
        let event = Event(time: Timestamp(microseconds: 0), quorate: true, body: .status(state))
        #expect(line(event).hasSuffix("; unknown: the links are not known"))
        let change = Change(
            field: .state(.problems), from: .strings(["config_file", "link_down"]), to: .strings(["configuration"]))
        #expect(
            ChangeText(state).phrases(for: [change])
                == [
                    "unknown: the links are not known", "no longer a problem: config_file",
                    "no longer a problem: link_down",
                ])
        let link = Change(
            field: .link(LinkID(node: 3, number: 1), .connected), from: .bool(false), to: .bool(true))
        #expect(ChangeText(state).phrases(for: [link, change]).last == "no longer a problem: config_file")
    }

    @Test("says which nodes would give quorum, and has a column for them")
    func saysWhatWouldHelp() throws {
        let event = try status {
            $0.states = [1: .member, 2: .dead, 3: .dead]
            $0.isQuorate = false
        }
        var state = try #require(event.state)
        let (two, three) = (state.reference(2), state.reference(3))
        state.waysToQuorum = [[two], [three]]
        #expect(state.summary == "1 of 3 votes, quorum 2, needs 1 more vote: node2 or node3 would give it")
        #expect(page(state).contains("STATE   VOTES  IF UP    ADDRESSES\n"))
        #expect(page(state).contains("  2  node2  lost        1  quorate  10.0.0.2\n"))
        state.waysToQuorum = [[two, three]]
        #expect(state.summary.hasSuffix(", needs 1 more vote: node2 and node3 together would give it"))
        #expect(page(state).contains("  2  node2  lost        1  not quorate  10.0.0.2\n"))
        state.waysToQuorum = []
        #expect(state.summary.hasSuffix(", needs 1 more vote"))
    }

    @Test("does not show a node that was removed from the nodelist, and tells of its removal once")
    func hidesRemovedNodes() throws {
        var before = try #require(
            try status {
                $0.states[3] = .dead
            }.state)
        before.links = [Link(id: LinkID(node: 3, number: 0), isConnected: false)]
        var state = before
        state.nodes[2].isConfigured = false
        state.nodes[2].name = nil
        state.links = []
        let event = Event(time: Timestamp(microseconds: 0), quorate: true, body: .info(state))
        #expect(
            line(event, changes: state.changes(since: before))
                == "changed: no longer in the nodelist: 3; quorate, 2 of 3 votes, quorum 2, can lose 0 votes")
        var status = event
        status.body = .status(state)
        #expect(line(status).hasSuffix("; members: node1, node2"))
        #expect(!page(state).contains("lost"))
        var gone = state
        gone.nodes.removeLast()
        #expect(ChangeText(gone).phrases(for: gone.changes(since: state)).isEmpty)
    }

    @Test("says what to look at when what votequorum says is outdated", arguments: UnsettledReason.allCases)
    func unsettled(_ reason: UnsettledReason) {
        let report = UnsettledReport(ring: RingID(node: 1, sequence: 0x5b), reason: reason, elapsed: .seconds(36))
        let text = line(Event(time: Timestamp(microseconds: 0), body: .unsettled(report)))
        #expect(text.hasPrefix("QUORUM UNKNOWN: ") && text.contains("1.5b for 36 s") && text.contains("; see "))
    }
}

@Suite("JSON lines")
struct JSONTests {
    private func line(_ event: Event) -> String {
        return String(decoding: JSONFormat.line(for: event, changes: []), as: UTF8.self)
    }

    private func event(_ body: Event.Body) -> Event {
        Event(time: Timestamp(microseconds: 1_763_804_614_507_311), body: body)
    }

    @Test("give null for unknown values")
    func giveNull() {
        #expect(
            line(event(.unresponsive(silent: .milliseconds(10_250)))) == """
                {"time":"2025-11-22T09:43:34.507311Z","timestamp":1763804614.507311,"event":"unresponsive","cluster_name":null,\
                "local_node_id":null,"local_node_name":null,"quorate":null,"silent_ms":10250}

                """)
        let unknown = line(event(.status(ClusterState())))
        #expect(
            unknown.hasSuffix(
                """
                "ring_id":null,"votes":{"total":null,"expected":null,"highest_expected":null,"quorum":null,\
                "margin":null},"flags":null,"qdevice":null,"links":null,"nodes":[],"problems":[],"changes":[]}

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
        #expect(line(event).contains("\"time\":\"1969-12-31T23:59:59.999999Z\",\"timestamp\":-0.000001,"))
        #expect(
            line(event).contains("\"ring_id\":\"ffffffff.ffffffffffffffff\",\"members\":[],\"joined\":[],\"left\":[]"))
    }

    @Test("have the problems, and the result of a check")
    func writeProblems() {
        var state = ClusterState()
        state.quorate = true
        state.problems = [
            Problem(code: .nodeMissing, nodes: [NodeReference(id: 3, name: "node3")], text: "node3 is not a member")
        ]
        var event = event(.status(state))
        event.quorate = true
        #expect(
            String(decoding: JSONFormat.checkLine(for: event, status: "WARNING"), as: UTF8.self).hasSuffix(
                """
                "event":"check","cluster_name":null,"local_node_id":null,"local_node_name":null,"quorate":true,\
                "status":"WARNING","votes":{"total":null,"expected":null,"highest_expected":null,"quorum":null,\
                "margin":null},"problems":[{"code":"node_missing","severity":"warning",\
                "nodes":[{"id":3,"name":"node3"}],"text":"node3 is not a member"}]}

                """))
    }

    @Test("have null for quorate in a prediction")
    func predict() {
        var event = event(.prediction(PredictionReport(ifDown: [], prediction: Prediction(members: []), nodes: [])))
        event.quorate = true
        #expect(line(event).contains(#""quorate":null,"if_down":[],"prediction":{"quorate":null,"#))
        #expect(line(event).contains(#""waits_for_all_afterwards":null,"waits_for_votes":null}}"#))
    }
}
