// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite("The stand-in's maps")
struct MapTests {
    @Test("A key can have any type and any value")
    func values() throws {
        let script = """
            key a.text string \\x1b[31m
            key a.bytes binary a\\x00b
            key a.small int8 -3
            key a.odd 99 abc
            key a.long string \(String(repeating: "x", count: 65536))
            key stats.srp.continuous_gather float 1.5
            """
        let probe = try Probe(
            script: script,
            "map=0 get=a.text get=a.bytes get=a.small get=a.odd get=a.none get=a.long map=1 "
                + "get=stats.srp.continuous_gather")
        #expect(
            probe.lines == [
                "map: success",
                "get a.text: type=11 length=6 1b5b33316d00",
                "get a.bytes: type=12 length=3 610062",
                "get a.small: type=1 length=1 fd",
                "get a.odd: type=99 length=3 616263",
                "get a.none: CS_ERR_NOT_EXIST",
                "get a.long: type=11 length=65537 78787878787878787878787878787878",
                "map: success",
                "get stats.srp.continuous_gather: type=9 length=4 0000c03f",
            ])
    }

    @Test("A step of the timeline changes a key, and its trackers are notified")
    func tracking() throws {
        let script = """
            key a.b uint8 1
            timeline
            wait 500
            key a.b uint8 1
            key a.b uint8 2
            key a.c string x
            key-delete a.b
            key other uint8 1
            """
        let probe = try Probe(script: script, "map=0 track-prefix=a. map-nonblocking map-poll=20000 map-all")
        #expect(
            probe.lines.dropFirst(2) == [
                "map-nonblocking: CS_ERR_TRY_AGAIN",
                "map-fd: success",
                "poll: 1 POLLIN",
                "- key a.b event=2 data=1 handle=1 new type=2 length=1 02 old type=2 length=1 01",
                "- key a.c event=4 data=1 handle=1 new type=11 length=2 7800 old type=0 length=0",
                "- key a.b event=1 data=1 handle=1 new type=0 length=0 old type=2 length=1 02",
                "map-all: success",
            ])
        #expect(probe.report["open.trackers"] == 1)
    }

    @Test("As in corosync, a single statistic is compared at intervals, and a pause is notified to nobody")
    func statistics() throws {
        let script = """
            statistics-interval 1000000
            key stats.srp.x uint64 1
            key stats.srp.y uint64 1
            timeline
            await
            key stats.srp.x uint64 2
            key stats.srp.y uint64 2
            wait 50
            key stats.srp.x uint64 3
            key stats.srp.y uint64 1
            key stats.schedmiss.0.delay float 1.5
            statistics-interval 10
            """
        let standIn = try StandIn(script)
        let process = try standIn.spawn(
            [
                Sandbox.builtProduct(named: "standin-probe"), "map=1", "track-key=stats.srp.x", "track-key=stats.srp.y",
                "track-prefix=stats.", "map-one", "sleep=50", "map-all",
            ])
        #expect(process.nextLine(within: .seconds(10), where: { $0 == "track-prefix: success" }) != nil)
        standIn.allowStep()
        let value = "type=8 length=8 0300000000000000"
        #expect(
            process.finish().lines == [
                "- key stats.srp.x event=2 data=1 handle=1 new \(value) old \(value)", "map-one: success",
                "map-all: success",
            ])
    }
}
