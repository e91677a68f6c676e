// SPDX-License-Identifier: MIT

import Testing

@Suite("The stand-in's configuration map")
struct MapTests {
    @Test("Iteration returns the keys of the nodes under a prefix, in order")
    func nodelist() throws {
        let script = "nodes 2\nnode 7\nkey nodelist.node.1.ring1_addr string 10.0.1.2"
        let probe = try Probe(script: script, "map iterate=nodelist. get-u32=nodelist.node.1.nodeid map-finalize")
        #expect(
            probe.lines == [
                "map: success",
                "- nodelist.node.0.name type=11 length=6",
                "- nodelist.node.0.nodeid type=6 length=4",
                "- nodelist.node.0.ring0_addr type=11 length=9",
                "- nodelist.node.1.name type=11 length=6",
                "- nodelist.node.1.nodeid type=6 length=4",
                "- nodelist.node.1.ring0_addr type=11 length=9",
                "- nodelist.node.1.ring1_addr type=11 length=9",
                "iter_next: CS_ERR_NO_SECTIONS",
                "iter_finalize: success",
                "get-u32 nodelist.node.1.nodeid: success 2",
                "map-finalize: success",
            ])
        #expect(probe.report["open.iterators"] == 0)
        #expect(probe.report["open.cmap"] == 0)
    }

    @Test("A getter fails for a value of another type and for a missing key")
    func getters() throws {
        let script = """
            key a.text string \\x1b[31m
            key a.bytes binary a\\x00b
            key a.small int8 -3
            key a.odd 99 abc
            key a.long string \(String(repeating: "x", count: 65536))
            """
        let probe = try Probe(
            script: script,
            "map get-u32=a.text get-string=a.small get-u32=a.none get-u32=a.long get=a.text get=a.bytes get=a.small "
                + "get=a.odd get=a.none get=a.long")
        #expect(
            probe.lines.dropFirst() == [
                "get-u32 a.text: CS_ERR_INVALID_PARAM 0",
                "get-string a.small: CS_ERR_INVALID_PARAM -",
                "get-u32 a.none: CS_ERR_NOT_EXIST 0",
                "get-u32 a.long: CS_ERR_INVALID_PARAM 0",
                "get a.text: type=11 length=6 1b5b33316d00",
                "get a.bytes: type=12 length=3 610062",
                "get a.small: type=1 length=1 fd",
                "get a.odd: type=99 length=3 616263",
                "get a.none: CS_ERR_NOT_EXIST",
                "get a.long: type=11 length=65537 78787878787878787878787878787878",
            ])
    }

    @Test("A tracker of a prefix is notified of changes, with the old value")
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
        let probe = try Probe(script: script, "map track-prefix=a. map-nonblocking map-poll=20000 map-all")
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

    @Test("Values can be set, incremented, decremented and deleted, and trackers are notified")
    func writing() throws {
        let probe = try Probe(
            script: "key a.b uint8 255\nkey a.c float 1.5",
            "map track-prefix=a. inc=a.b dec=a.b inc=a.c inc=a.d delete=a.d set-u32=a.d delete=a.d map-all")
        #expect(
            probe.lines.dropFirst(2) == [
                "inc: success", "dec: success", "inc: CS_ERR_INVALID_PARAM", "inc: CS_ERR_NOT_EXIST",
                "delete: CS_ERR_NOT_EXIST", "set-u32: success", "delete: success",
                "- key a.b event=2 data=1 handle=1 new type=2 length=1 00 old type=2 length=1 ff",
                "- key a.b event=2 data=1 handle=1 new type=2 length=1 ff old type=2 length=1 00",
                "- key a.d event=4 data=1 handle=1 new type=6 length=4 07000000 old type=0 length=0",
                "- key a.d event=1 data=1 handle=1 new type=0 length=0 old type=6 length=4 07000000",
                "map-all: success",
            ])
    }

    @Test(
        "The statistics map is separate, its counters can only be cleared, and an unknown map is refused")
    func otherMaps() throws {
        let probe = try Probe(
            script: "key stats.srp.x uint64 1\nkey a.b uint32 1",
            "map=1 iterate= get=stats.srp.x get-u32=a.b set-u32=stats.srp.x set-u32=stats.clear.all delete=stats.srp.x "
                + "inc=stats.srp.x dec=stats.clear.all map iterate=stats. map=5")
        #expect(
            probe.lines == [
                "map: success", "- stats.srp.x type=8 length=8", "iter_next: CS_ERR_NO_SECTIONS",
                "iter_finalize: success", "get stats.srp.x: type=8 length=8 0100000000000000",
                "get-u32 a.b: CS_ERR_NOT_EXIST 0", "set-u32: CS_ERR_ACCESS", "set-u32: success",
                "delete: CS_ERR_ACCESS", "inc: CS_ERR_ACCESS", "dec: CS_ERR_NOT_SUPPORTED", "map: success",
                "iter_next: CS_ERR_NO_SECTIONS", "iter_finalize: success", "map: CS_ERR_NOT_EXIST",
            ])
    }

    @Test("As in corosync, prefix trackers see only added and deleted statistics, key trackers changes, none a pause")
    func statistics() throws {
        let script = """
            key stats.srp.x uint64 1
            timeline
            wait 500
            key stats.srp.x uint64 2
            key stats.srp.y uint64 1
            key stats.schedmiss.0.delay float 1.5
            key-delete stats.srp.y
            """
        let probe = try Probe(
            script: script,
            "map=1 track-changes=stats. track-prefix=stats. track-key=stats.srp.x map-poll=20000 map-all"
        )
        #expect(
            probe.lines.dropFirst() == [
                "track-changes: CS_ERR_NOT_SUPPORTED", "track-prefix: success", "track-key: success", "map-fd: success",
                "poll: 1 POLLIN",
                "- key stats.srp.x event=2 data=3 handle=1 new type=8 length=8 0200000000000000 "
                    + "old type=8 length=8 0200000000000000",
                "- key stats.srp.y event=4 data=2 handle=1 new type=8 length=8 0100000000000000 "
                    + "old type=8 length=8 0100000000000000",
                "- key stats.srp.y event=1 data=2 handle=1 new type=8 length=8 0100000000000000 "
                    + "old type=8 length=8 0100000000000000",
                "map-all: success",
            ])
    }
}
