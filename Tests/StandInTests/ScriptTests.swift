// SPDX-License-Identifier: MIT

import Testing

@Suite("The stand-in's script")
struct ScriptTests {
    @Test("A nodelist comes before votequorum has recalculated, and the quorum notification after")
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

    @Test("Notifications can hold what no cluster would send")
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

    @Test("A quorum device is in the list as node 0, and counts where it casts its vote")
    func quorumDevice() throws {
        let script = "nodes 2\nqdevice Qnetd votes=1 on=local\ntimeline\nwait 30\nqdevice none"
        let probe = try Probe(script: script, "init track=1 all info=0 info=2 sleep=100 info=0 info=9")
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

    @Test("The call that is named fails, as often as it says, and no other")
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

    @Test("A call that hangs ends within two seconds after its descriptor is shut down")
    func hang() throws {
        let script = "nodes 3\nhang votequorum_getinfo 1"
        let clock = ContinuousClock()
        let before = clock.now
        let probe = try Probe(script: script, "init shutdown-after=100 info=0")
        #expect(probe.lines.last == "info 0: CS_ERR_LIBRARY")
        #expect(clock.now - before < .seconds(4))
    }

    @Test("A call that is delayed takes that much longer, and then succeeds")
    func delay() throws {
        let clock = ContinuousClock()
        let before = clock.now
        let probe = try Probe(script: "nodes 3\ndelay votequorum_getinfo 2 300 times=2", "init info=3 info=3 info=3")
        let took = clock.now - before
        #expect(probe.lines.dropFirst().allSatisfy { $0.hasPrefix("info 3: node=3") })
        #expect(took >= .milliseconds(600), "\(took)")
    }

    @Test("A frozen daemon answers after it has thawed")
    func freeze() throws {
        let script = "nodes 3\ntimeline\nfreeze\nwait 200\nthaw"
        let clock = ContinuousClock()
        let before = clock.now
        let probe = try Probe(script: script, "init info=3")
        #expect(probe.lines.last?.hasPrefix("info 3: node=3") == true)
        #expect(clock.now - before >= .milliseconds(200))
    }

    @Test("What is repeated ends when it should")
    func repetition() throws {
        let script = "nodes 2\ntimeline\nexpected 9\nmark\nquorum same none\nrepeat 2\nexpected 10"
        let probe = try Probe(script: script, "init track=4 all")
        let quorum = "- quorum 1 context=77 handle=1"
        let expected = ["9", "10"].map { "- expected \($0) context=77 handle=1" }
        // Nine votes are expected of a cluster that has two.
        let lost = quorum.replacing("quorum 1", with: "quorum 0")
        #expect(probe.lines.dropFirst(2) == [expected[0], lost, lost, lost, expected[1], "all: success"])
    }

    @Test(
        "A mistake ends the program with status 3 and names the line",
        arguments: [
            "bogus": 1, "nodes 3\nnode x": 2, "quorum 1 all": 1, "nodes 3\nfail votequorum_nothing 1 CS_ERR_INIT": 2,
            "fail votequorum_getinfo 1 CS_ERR_BOGUS": 1, "key a.b uint32 x": 1, "ring 1": 1, "cluster \"open": 1,
            "timeline\nrepeat": 2, "wait 5": 1, "cluster": 1, "key a.b string \\q": 1,
        ])
    func mistakes(script: String, line: Int) throws {
        let probe = try Probe(script: script, "init")
        #expect(probe.status == 3)
        #expect(probe.lines == [])
        #expect(probe.diagnostics.contains("script:\(line): "))
    }
}
