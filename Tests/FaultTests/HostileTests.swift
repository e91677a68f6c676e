// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// With the stand-in: notifications and strings that a correct corosync never sends.
@Suite("Hostile data from corosync")
struct HostileTests {
    /// A script, and the checks of the lines that it causes.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let script: String
        var check: @Sendable ([EventLine]) throws -> Void = { _ in }
    }

    static let cases: [Case] = [
        Case(testDescription: "no nodes", script: "nodes 3\ntimeline\nnodelist next none\nquorum 0 none") { lines in
            #expect(lines.map(\.event) == ["status", "nodelist", "quorum", "expected_votes"])
            #expect(lines[1].json["members"] == [])
            #expect(lines[2].json["nodes"].elements.allSatisfy { $0["state"] == "absent" })
        },
        Case(testDescription: "384 nodes", script: "nodes 384\ntimeline\nnodelist next\nquorum same all") { lines in
            #expect(lines.allSatisfy { $0.event == "nodelist" || $0.json["nodes"].elements.count == 384 })
            #expect(lines[1].json["members"].elements.count == 384)
            #expect(lines[0].json["votes"]["total"] == 384)
        },
        Case(
            testDescription: "repeated and unsorted IDs",
            script:
                "nodes 3\ntimeline\nnodelist next 3,1,1,3,2\nquorum same 3=member,1=member,3=dead,2=leaving,1=member"
        ) { lines in
            #expect(lines[1].json["members"].elements.map { $0["id"] } == [1, 2, 3])
            #expect(lines[2].json["nodes"].elements.map { $0["state"] } == ["member", "leaving", "dead"])
        },
        Case(
            testDescription: "node 0 and node 2^32-1",
            script: "nodes 2\nnode 4294967295\ntimeline\nnodelist next\nquorum same 0=member,4294967295=dead,1=member"
        ) { lines in
            #expect(lines[2].json["nodes"].elements.map { $0["id"] } == [1, 2, 4_294_967_295])
            #expect(lines[2].node(4_294_967_295)["state"] == "dead")
        },
        Case(
            testDescription: "states and flags without a name",
            script: """
                nodes 2
                flags 0x400,0x80000000,twonode
                node 2 flags=0xfffffc00
                timeline
                quorum same 1=member,2=9
                quorum same 1=0,2=4294967295
                """
        ) { lines in
            #expect(lines[0].json["flags"] == ["2Node", "Quorate", "QdeviceHasExtraInfo", "0x80000000"])
            #expect(lines[1].node(2)["state"] == "state_9")
            #expect(lines[2].node(1)["state"] == "state_0" && lines[2].node(2)["state"] == "state_4294967295")
        },
        Case(
            testDescription: "the highest ring sequence",
            script:
                "nodes 2\ntimeline\nnodelist ffffffff.ffffffffffffffff\nquorum same all\nnodelist 0.0\nquorum same all"
        ) { lines in
            #expect(lines[1].json["ring_id"] == "ffffffff.ffffffffffffffff")
            #expect(lines[2].json["ring_id"] == "ffffffff.ffffffffffffffff")
            #expect(lines[4].json["ring_id"] == "0.0")
        },
        Case(
            testDescription: "quorum without nodelist, and both in one batch",
            script: """
                nodes 3
                timeline
                quorum 0 1=member,2=dead,3=dead
                quorum 7 1=member,2=member,3=member
                wait 100
                delay votequorum_getinfo 1 60
                quorum same all
                nodelist next 1,2
                quorum auto 1=member,2=member,3=dead
                nodelist next 1,2,3
                nodelist next 1,2,3
                quorum auto 1=member,2=member,3=member
                """
        ) { lines in
            // On a slow machine, there is time for evidence.
            let lines = lines.filter { $0.event != "evidence" }
            #expect(
                lines.map(\.event) == [
                    "status", "quorum", "quorum", "quorum", "nodelist", "quorum", "nodelist", "nodelist", "quorum",
                    "expected_votes",
                ])
            #expect(lines[1].isQuorate == false && lines[2].isQuorate == true)
            #expect(lines[5].node(3)["state"] == "dead" && lines[5].json["votes"]["total"] == 2)
            #expect(lines[8].node(3)["state"] == "member" && lines[8].json["votes"]["total"] == 3)
        },
        Case(
            testDescription: "the largest and smallest numbers",
            script: """
                nodes 2
                node 2 votes=4294967295 expected=4294967295
                total 4294967295
                highest 0
                threshold 0
                expected-votes 0
                timeline
                quorum 4294967295 all
                threshold 4294967295
                total 0
                quorum 0 all
                """
        ) { lines in
            #expect(lines[0].json["votes"]["margin"] == 4_294_967_295 && lines[0].json["votes"]["expected"] == 0)
            #expect(lines[2].json["votes"]["margin"] == -4_294_967_295)
        },
        Case(
            testDescription: "expected votes 0",
            script: "nodes 3\ntimeline\nexpected-votes 0\nquorum same all"
        ) { lines in #expect(lines[1].json["votes"]["expected"] == 0) },
        Case(
            testDescription: "getinfo fails for one node of many",
            script: "nodes 40\nfail votequorum_getinfo 1 CS_ERR_NOT_EXIST node=7 forever\ntimeline\nquorum same all"
        ) { lines in
            for line in lines {
                #expect(line.node(7)["votes"] == nil && line.node(7)["state"] == "member")
                #expect(line.json["nodes"].elements.filter { $0["votes"] == 1 }.count == 39)
            }
        },
        Case(
            testDescription: "a quorum device with an unterminated name",
            script:
                "nodes 2\nqdevice \(String(repeating: "\\xff\\x1b]0;x\\x07", count: 60)) votes=4294967295\ntimeline\nquorum same all"
        ) { lines in #expect(lines[1].json["qdevice"]["votes"] == 4_294_967_295) },
        Case(
            testDescription: "keys and values of the wrong kind",
            script: """
                nodes 3
                key nodelist.node.0.name uint32 7
                key nodelist.node.1.nodeid string two
                key nodelist.node.2.nodeid uint64 3
                key nodelist.node.9.nodeid binary \\x01
                key nodelist.node.x.nodeid uint32 5
                key nodelist.node.-1.nodeid uint32 6
                key nodelist.node.99999999999999999999.nodeid uint32 8
                key nodelist.node.0.ring_addr string a
                key nodelist.node.0.ring99999999999999999999_addr string b
                key nodelist.node.6.nodeid uint32 1
                key nodelist.node.0.\(String(repeating: "k", count: 255 - "nodelist.node.0.".count)) string long
                key nodelist.node. string x
                key nodelist.node.0.nodeid.name string x
                key totem.cluster_name float 1.5
                timeline
                quorum same all
                """
        ) { lines in
            #expect(lines[1].json["cluster_name"] == nil)
            #expect(lines[1].json["nodes"].elements.map { $0["id"] } == [1, 2, 3, 6])
            #expect(lines[1].json["nodes"].elements.allSatisfy { $0["name"] == nil })
            #expect(lines[1].node(1)["addresses"] == ["10.0.0.1"])
        },
        Case(
            testDescription: "bytes where a string belongs",
            script: """
                nodes 2
                key nodelist.node.0.name binary a\\x00\\xff\\x1b
                key nodelist.node.1.name 99 node2
                key nodelist.node.1.ring0_addr binary \\xff
                key totem.cluster_name binary lab
                timeline
                quorum same all
                """
        ) { lines in
            #expect(lines[1].json["cluster_name"] == nil)
            #expect(lines[1].node(1)["name"] == nil && lines[1].node(2)["name"] == nil)
            #expect(lines[1].node(1)["addresses"] == ["10.0.0.1"] && lines[1].node(2)["addresses"] == [])
        },
        Case(
            testDescription: "names of 64 KiB",
            script: """
                nodes 2
                key nodelist.node.0.name string \(String(repeating: "n", count: 65536))
                key nodelist.node.1.ring0_addr string \(String(repeating: "a", count: 65536))
                key totem.cluster_name string \(String(repeating: "c", count: 65536))
                timeline
                quorum same all
                """
        ) { lines in #expect(lines[1].node(1)["name"].string?.utf8.count ?? 0 >= 256) },
        Case(
            testDescription: "names with escapes, control characters and broken UTF-8",
            script: """
                nodes 3
                key nodelist.node.0.name string a\\x1b[31m\\x07\\x9b\\x00b
                key nodelist.node.1.name string \\xff\\xfe\\xc3\\x28\\xed\\xa0\\x80
                key nodelist.node.2.name string \\xe2\\x80\\xae\\xe2\\x80\\xa8\\s\\"\\\\|'`;\\n\\x7f\\xc2\\x85
                key nodelist.node.0.ring0_addr string \\x0d\\nvqwatch:\\soops\\x09
                key totem.cluster_name string \\n{\\"event\\":\\"fake\\"}\\n
                timeline
                nodelist next 1,2
                quorum same 1=member,2=member,3=dead
                """
        ) { lines in #expect(lines[0].node(1)["name"].string?.hasPrefix("a") == true) },
    ]

    @Test(
        "JSON is valid with consistent changes; text and metrics have no control character; a check is one line",
        arguments: cases)
    func sane(of hostile: Case) throws {
        let script = hostile.script + (hostile.script.contains("timeline") ? "" : "\ntimeline") + "\nexpected same\n"
        let watched = try Watched(script, ["--json", "--follow", "--refresh", "0"])
        var raw: [String] = []
        var lines: [EventLine] = []
        while lines.last?.event != "expected_votes" {
            guard case .line(let line) = watched.process.read(within: .seconds(20)) else {
                throw TestFailure("only \(lines.map(\.event)); \(watched.process.errors)")
            }
            raw.append(line)
            lines.append(try EventLine(line))
        }
        watched.process.signal(SIGTERM)
        #expect(watched.finish().termination == .signaled(SIGTERM))
        for line in raw { try Self.expectHarmless(line) }
        try hostile.check(lines)
        try checkHistory(of: lines)
        for line in watched.process.errors.split(separator: "\n") { try Self.expectHarmless(String(line)) }

        for form in [
            ["--follow", "--count", "\(lines.count)", "--refresh", "0", "--color", "never"], ["--color", "never"],
        ] {
            let result = try Watched(script, form + ["--timeout", "20"]).finish()
            #expect([0, 2].contains(result.status), "\(result.errors)")
            #expect(!result.lines.isEmpty)
            if form.count > 2 { #expect(result.lines.count == lines.count) }
            for line in result.lines { try Self.expectHarmless(line) }
            #expect(result.outputBytes.count < 1 << 18)
        }

        let metrics = try Watched(script, ["--format", "prometheus"]).finish()
        #expect([0, 2].contains(metrics.status), "\(metrics.errors)")
        for line in metrics.lines {
            try Self.expectHarmless(line)
            let isMetric = line.hasPrefix("vqwatch_") || line.hasPrefix("ha_cluster_corosync_")
            #expect(line.hasPrefix("# ") || isMetric && Double(line.split(separator: " ").last ?? "") != nil, "\(line)")
        }
        #expect(metrics.lines.filter { $0.hasPrefix("ha_cluster_corosync_quorate ") }.count == 1)
        #expect(Set(metrics.lines).count == metrics.lines.count)

        let check = try Watched(script, ["--check"]).finish()
        // UNKNOWN, where the votes of a member are.
        #expect([0, 1, 2, 3].contains(check.status), "\(check.errors)")
        #expect(check.lines.count == 1 && check.outputBytes.count <= 1024)
        #expect(check.output.hasPrefix("QUORUM ") && check.output.filter { $0 == "|" }.count == 1, "\(check.output)")
        try Self.expectHarmless(check.lines.first ?? "")
    }

    @Test(
        "Nothing is read or printed during the 30 s from a nodelist to its quorum notification, in every mode")
    func nodelistAlone() throws {
        let problems = inParallel(Form.follows, by: Form.follows.count) { form -> String? in
            do {
                try Self.waitForQuorum(form)
                return nil
            } catch {
                return "\(form.rawValue): \(error)"
            }
        }.compactMap { $0 }
        #expect(problems == [])
    }

    private static func waitForQuorum(_ form: Form) throws {
        let watched = try Watched(
            """
            nodes 3
            timeline
            wait 300
            nodelist next 1,2
            expected 4
            wait 30000
            quorum auto 1=member,2=member,3=dead
            """,
            ["--json", "--follow", "--events", "status,nodelist,expected_votes,quorum", "--dispatch", form.mode]
                + (form.isHeld ? [] : ["--refresh", "100ms"]))
        func next(_ kind: String, within limit: Duration) throws -> EventLine {
            let event = try watched.process.nextEvent(within: limit)
            guard let event, event.event == kind else { throw TestFailure("\(event?.event ?? "nothing"), not \(kind)") }
            return event
        }
        _ = try next("status", within: .seconds(10))
        _ = try next("nodelist", within: .seconds(10))
        watched.process.waitUntilIdle()
        let calls = watched.report["call.votequorum_getinfo"]
        let isAsked = eventually(within: .seconds(27), every: .milliseconds(200)) {
            watched.report["call.votequorum_getinfo"] != calls
        }
        try demand(!isAsked, "votequorum is asked meanwhile")
        // The expected-votes notification that came meanwhile is not lost, but its line has no other state.
        let expected = try next("expected_votes", within: .seconds(20))
        try demand(expected.json["votes"]["expected"] == 4, "\(expected.json["votes"])")
        let last = try next("quorum", within: .seconds(10))
        try demand(last.json["votes"]["total"] == 2 && last.node(3)["state"] == "dead", "\(last.json)")
        try demand(watched.process.errors == "", watched.process.errors)
    }

    @Test("A nodelist and its quorum notification give the same lines in one batch as one by one, in every mode")
    func oneBatch() throws {
        var made: [Form: [JSON]] = [:]
        var batches: [Form: Int] = [:]
        for form in Form.follows {
            let watched = try Watched(
                "nodes 3\ntimeline\nawait\nnodelist next 1,2\nquorum auto 1=member,2=member,3=dead\n", form.arguments)
            func dispatches() -> Int { watched.report["call.votequorum_dispatch", default: 0] }
            #expect(try watched.process.nextEvent()?.event == "status")
            watched.process.waitUntilIdle()
            let before = dispatches()
            watched.allowStep()
            made[form] = [try watched.process.nextEvent()?.timeless, try watched.process.nextEvent()?.timeless]
                .compactMap { $0 }
            watched.process.waitUntilIdle()
            batches[form] = dispatches() - before
        }
        #expect(made[.followAll]?.map { $0["event"] } == ["nodelist", "quorum"])
        #expect(Set(made.values).count == 1)
        // In the other two modes the thread waits inside the library.
        #expect(batches[.followAll] == 1 && batches[.followOneNonblocking] == 2, "\(batches)")
    }

    @Test("Each of 30,000 expected-votes notifications during one recalculation gives a line")
    func heldWithoutEnd() throws {
        let folder = try TemporaryFolder()
        let output = folder.file("lines")
        let count = 30_000
        let watched = try Watched(
            "nodes 2\ntimeline\nnodelist next\nflood \(count) expected\nquorum same all\n",
            ["--json", "--follow", "--refresh", "0", "--count", "\(count + 3)", "--timeout", "60"],
            output: .file(output))
        #expect(watched.finish(within: .seconds(60)).status == 0)
        let lines = readFile(output).split(separator: "\n")
        #expect(lines.filter { $0.contains("\"event\":\"expected_votes\"") }.count == count)
        #expect(lines.count == count + 3)
        #expect(try EventLine(String(lines[2])).json["votes"]["total"] == nil)
    }

    /// Throws for a line with a character that could mislead a terminal, a log or a reader.
    private static func expectHarmless(_ line: String) throws(TestFailure) {
        for scalar in line.unicodeScalars {
            let needsEscape =
                switch scalar.value {
                case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
                default: false
                }
            try demand(!needsEscape, "U+\(String(scalar.value, radix: 16)) in: \(line.debugDescription)")
        }
    }
}
