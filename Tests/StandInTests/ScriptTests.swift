// SPDX-License-Identifier: MIT

@testable import TestSupport
import Testing

@Suite("The stand-in's script")
struct ScriptTests {
    @Test("A nodelist is delivered before votequorum has recalculated, and the quorum notification afterwards")
    func staleTotals() throws {
        let script = "nodes 3\ntimeline\nnodelist next 1\nquorum auto 1=member,2=dead,3=leaving"
        let probe = try Probe(script: script, "init track=4 ask all info=3")
        let common = "node=1 state=1 votes=1 expected=3 highest=3"
        #expect(
            probe.lines.dropFirst(2) == [
                "- nodelist 1.26 context=77 handle=1 1",
                "info 0: \(common) total=3 quorum=2 flags=2 qdevice=0 \"\"",
                "- quorum 0 context=77 handle=1 1=1 2=2 3=3",
                "info 0: \(common) total=1 quorum=2 flags=0 qdevice=0 \"\"",
                "all: success",
                "info 3: node=3 state=3 votes=1 expected=3 highest=3 total=1 quorum=2 flags=0 qdevice=0 \"\"",
            ])
    }

    @Test("Notifications can have contents that no cluster would send")
    func hostileNotifications() throws {
        let script = """
            nodes 2
            timeline
            nodelist ffffffff.ffffffffffffffff none
            quorum 7 1=9,1=2,4294967295=0
            quorum 0 none
            """
        let probe = try Probe(script: script, "init track=4 all")
        #expect(
            probe.lines.dropFirst(2) == [
                "- nodelist ffffffff.ffffffffffffffff context=77 handle=1",
                "- quorum 7 context=77 handle=1 1=9 1=2 4294967295=0",
                "- quorum 0 context=77 handle=1",
                "all: success",
            ])
    }

    @Test("A quorum device is in the list as node 0, and its votes count if it casts them")
    func quorumDevice() throws {
        let script = "nodes 2\nqdevice Qnetd votes=1\ntimeline\nwait 500\nqdevice none"
        let probe = try Probe(script: script, "init track=1 all info=0 info=2 sleep=3000 info=0 info=9")
        let other = "node=2 state=1 votes=1 expected=3 highest=3"
        #expect(
            probe.lines.dropFirst(2) == [
                "- nodelist 1.22 context=77 handle=1 1 2",
                "- quorum 1 context=77 handle=1 1=1 2=1 0=1",
                "all: success",
                "info 0: node=1 state=1 votes=1 expected=3 highest=3 total=3 quorum=2 flags=450 qdevice=1 \"Qnetd\"",
                "info 2: \(other) total=2 quorum=2 flags=2 qdevice=1 \"Qnetd\"",
                "info 0: node=1 state=1 votes=1 expected=2 highest=2 total=2 quorum=2 flags=2 qdevice=0 \"\"",
                "info 9: CS_ERR_NOT_EXIST",
            ])
    }

    @Test("Only the named call fails, as often as the script says")
    func faults() throws {
        let script = """
            nodes 3
            fail votequorum_getinfo 2 CS_ERR_TRY_AGAIN times=2 node=2
            fail votequorum_track* 1 CS_ERR_NO_RESOURCES
            fail votequorum_finalize 1 CS_ERR_BUSY forever
            """
        let actions = "init track=4 track=4 info=1 info=2 info=2 info=2 info=2 finalize finalize"
        let probe = try Probe(script: script, actions)
        let verdicts = probe.lines.map { $0.contains("node=") ? "info: success" : $0 }
        #expect(
            verdicts == [
                "init: success", "track: CS_ERR_NO_RESOURCES", "track: success", "info: success", "info: success",
                "info 2: CS_ERR_TRY_AGAIN", "info 2: CS_ERR_TRY_AGAIN", "info: success", "finalize: CS_ERR_BUSY",
                "finalize: CS_ERR_BUSY",
            ])
        #expect(probe.report["open.votequorum"] == 1)
        #expect(probe.report["call.votequorum_getinfo"] == 5)
    }

    @Test("A call that hangs never returns")
    func hang() throws {
        let standIn = try StandIn("nodes 3\nhang votequorum_getinfo 1")
        let process = try standIn.spawn([Sandbox.builtProduct(named: "standin-probe"), "init", "info=0", "info=0"])
        #expect(eventually(within: .seconds(10)) { standIn.report["call.votequorum_getinfo"] == 1 })
        #expect(process.wait(within: .milliseconds(300)) == nil)
        #expect(process.nextLine(within: .seconds(1)) == "init: success")
        #expect(standIn.report["call.votequorum_getinfo"] == 1)
    }

    @Test("A delayed call takes so much longer, and then succeeds")
    func delay() throws {
        let clock = ContinuousClock()
        let before = clock.now
        let probe = try Probe(script: "nodes 3\ndelay votequorum_getinfo 2 300 times=2", "init info=3 info=3 info=3")
        let took = clock.now - before
        #expect(probe.lines.dropFirst().allSatisfy { $0.hasPrefix("info 3: node=3") })
        #expect(took >= .milliseconds(600), "\(took)")
    }

    @Test("A permanent fault can be mended, and a step waits until the test allows it")
    func mending() throws {
        let standIn = try StandIn(
            "nodes 3\ntimeline\nfail votequorum_getinfo 1 CS_ERR_BUSY forever\nawait\nmend\nexpected 9")
        let process = try standIn.spawn(
            [Sandbox.builtProduct(named: "standin-probe"), "init", "track=4", "info=0", "one", "info=3"])
        #expect(process.nextLine(within: .seconds(10), where: { $0.hasPrefix("info") }) == "info 0: CS_ERR_BUSY")
        #expect(process.nextLine(within: .milliseconds(200)) == nil)
        standIn.allowStep()
        #expect(process.nextLine(within: .seconds(10)) == "- expected 9 context=77 handle=1")
        #expect(process.nextLine(within: .seconds(10)) == "one: success")
        #expect(process.nextLine(within: .seconds(10))?.hasPrefix("info 3: node=3 state=1 votes=1 expected=9 ") == true)
    }

    @Test("The script in the README has no mistake, and its records are those of the statements beside them")
    func records() throws {
        let readme = try #require(
            textOfFile(#filePath.replacing("Tests/StandInTests/ScriptTests.swift", with: "Tests/StandIn/README.md")))
        let script = try #require(readme.firstMatch(of: /\n\n```\n((?s).*?)```/)).output.1
        #expect(try StandIn.records(of: String(script)).hasSuffix("\nquorum -1 1=1,2=1,3=1\n"))
        let examples = readme.matches(of: /(?m)^    (\w\S*(?: \S+)+) {2,}(\w.*)$/)
        #expect(examples.count == 4)
        for example in examples {
            let script = (example.output.1.hasPrefix("quorum") ? "timeline\n" : "") + example.output.2
            #expect(try StandIn.records(of: script).split(separator: "\n").last == example.output.1)
        }
    }

    @Test(
        "A mistake is reported with its line before anything is started",
        arguments: [
            "bogus": 1, "nodes 3\nnode x": 2, "quorum 1 all": 1, "nodes 3\nfail votequorum_nothing 1 CS_ERR_INIT": 2,
            "fail votequorum_getinfo 1 CS_ERR_BOGUS": 1, "key a.b uint32 x": 1, "key a.b uint8 256": 1,
            "timeline\nnodelist 1": 2, "timeline\nquorum auto 1": 2, "timeline\ntimeline": 2, "wait 5": 1, "total": 1,
            "nodes 3 4": 1, "hang votequorum_getinfo 1 deaf": 1, "key a.b string \\q": 1, "key a.b string \\x1": 1,
        ])
    func mistakes(script: String, line: Int) throws {
        let mistake = try #require(throws: StandIn.Mistake.self) { try StandIn(script) }
        #expect(mistake.description.hasPrefix("line \(line): "), "\(mistake)")
    }
}
