// SPDX-License-Identifier: MIT

import Testing

@Suite("The stand-in's configuration map")
struct MapTests {
    @Test("Nodes are keys, in order, under the prefix that is asked for")
    func nodelist() throws {
        let script = "node 5 name=five addr=10.0.0.5,10.0.1.5\nnode 9\nnode 7 config=no\nlocal 5"
        let probe = try Probe(script: script, "map iterate=nodelist. get-u32=nodelist.node.1.nodeid map-finalize")
        #expect(
            probe.lines == [
                "map: success",
                "- nodelist.local_node_pos type=6 length=4",
                "- nodelist.node.0.name type=11 length=5",
                "- nodelist.node.0.nodeid type=6 length=4",
                "- nodelist.node.0.ring0_addr type=11 length=9",
                "- nodelist.node.0.ring1_addr type=11 length=9",
                "- nodelist.node.1.nodeid type=6 length=4",
                "iter_next: CS_ERR_NO_SECTIONS",
                "iter_finalize: success",
                "get-u32 nodelist.node.1.nodeid: success 9",
                "map-finalize: success",
            ])
        #expect(probe.report["open.iterators"] == 0)
        #expect(probe.report["open.cmap"] == 0)
    }

    @Test("A getter of the wrong type fails, and of a key that is not there too")
    func getters() throws {
        let script = """
            key a.text string "\\x1b[31m"
            key a.bytes binary a\\x00b
            key a.small int8 -3
            key a.odd 99 abc
            key-fill a.long 65536
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

    @Test("Who tracks a prefix hears of what changes, with the value before")
    func tracking() throws {
        let script = """
            key a.b uint8 1
            timeline
            wait 30
            key a.b uint8 1
            key a.b uint8 2
            key a.c string x
            key-delete a.b
            key other uint8 1
            """
        let probe = try Probe(script: script, "map track-prefix=a. map-nonblocking map-poll=1000 map-all")
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

    @Test("A reload is four keys that change and one that may")
    func reload() throws {
        let script = "nodes 1\ntimeline\nwait 30\nreload\nreload"
        let probe = try Probe(script: script, "map track-prefix=config. map-poll=1000 quiet map-all count")
        #expect(probe.lines.last == "callbacks: 9")
    }

    @Test("The statistics map is another map, and a map that does not exist is refused")
    func otherMaps() throws {
        let probe = try Probe(script: "stats stats.srp.x uint64 1", "map=1 iterate= set-u32=a.b map=5")
        #expect(
            probe.lines == [
                "map: success", "- stats.srp.x type=8 length=8", "iter_next: CS_ERR_NO_SECTIONS",
                "iter_finalize: success", "set-u32: CS_ERR_ACCESS", "map: CS_ERR_NOT_EXIST",
            ])
    }
}
