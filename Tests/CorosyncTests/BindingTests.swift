// SPDX-License-Identifier: MIT

import Testing
import TestSupport

/// The library on a real cluster, through a program that uses it there.
@Suite("The Corosync library", .serialized)
struct BindingTests {
    private func exercise(_ part: String, on sandbox: Sandbox) throws -> [String: String] {
        let result = try sandbox.run(on: 1, [Sandbox.builtProduct(named: "corosync-exercise"), part])
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        return Dictionary(
            result.lines.map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return (String(parts[0]), parts.count == 2 ? String(parts[1].dropFirst()) : "")
            }, uniquingKeysWith: { $1 })
    }

    @Test("tracks with every flag and dispatches in every mode as the manual pages say")
    func tracks() throws {
        let sandbox = try Sandbox(nodes: 2)
        let found = try exercise("tracking", on: sandbox)
        #expect(found["before tracking"] == "CS_ERR_TRY_AGAIN from votequorum_dispatch")
        #expect(found["stop before start"] == "CS_ERR_NOT_EXIST from votequorum_trackstop")
        let both = try #require(found["all of current"])
        #expect(both.hasPrefix("nodelist 1.") && both.hasSuffix(" [1, 2]; quorum true [\"1=member\", \"2=member\"]"))
        #expect(found["nothing left"] == "CS_ERR_TRY_AGAIN from votequorum_dispatch")
        #expect(found["all of nothing"] == "")
        #expect(found["changes only"] == "CS_ERR_TRY_AGAIN from votequorum_dispatch")
        #expect(found["start again"] == "CS_ERR_EXIST from votequorum_trackstart")
        #expect(found["one of two"]?.hasPrefix("nodelist ") == true, "the snapshot was queued all the same")
        #expect(found["the other"]?.hasPrefix("quorum ") == true)
        #expect(found["stop"] == "stopped")
        #expect(found["descriptor"] == "open")
        #expect(found["in a callback"] == "2 votes, then quorum true [\"1=member\", \"2=member\"]")

        let blocked = try sandbox.spawn(on: 1, [Sandbox.builtProduct(named: "corosync-exercise"), "blocked"])
        #expect(blocked.nextLine(within: .seconds(5))?.hasPrefix("nodelist ") == true)
        #expect(blocked.nextLine(within: .seconds(5))?.hasPrefix("quorum ") == true)
        try sandbox.kill(2)
        #expect(blocked.nextLine(within: .seconds(10))?.hasSuffix(" [1]") == true)
        #expect(blocked.nextLine(within: .seconds(10)) == "quorum false [\"1=member\", \"2=dead\"]")
        #expect(
            blocked.nextLine(within: .seconds(5)) == "blocking: CS_ERR_LIBRARY from votequorum_dispatch",
            "only a hang-up ends it")
    }

    @Test("reads and changes votes, and gives the error that corosync gives")
    func changesVotes() throws {
        let sandbox = try Sandbox(nodes: 2)
        let found = try exercise("votes", on: sandbox)
        #expect(found["this node"] == "node 1 member 1 of 2, expected 2 2, quorum 2, [\"Quorate\"]")
        #expect(found["node 2"] == "node 2 member 1 of 2, expected 2 2, quorum 2, [\"Quorate\"]")
        #expect(found["node 9"] == "CS_ERR_NOT_EXIST from votequorum_getinfo")
        #expect(found["expect 5"] == "CS_ERR_INVALID_PARAM from votequorum_setexpected")
        #expect(found["expect 1"] == "CS_ERR_INVALID_PARAM from votequorum_setexpected")
        #expect(found["votes of 9"] == "CS_ERR_NAME_NOT_FOUND from votequorum_setvotes")
    }

    @Test("reads values of every type, iterates, and leaves no iterator behind")
    func readsTheMap() throws {
        let sandbox = try Sandbox(nodes: 2)
        let values: [(type: String, value: String)] = [
            ("i8", "-8"), ("u8", "200"), ("i16", "-30000"), ("u16", "60000"), ("i32", "-2000000000"),
            ("u32", "4000000000"), ("i64", "-5000000000"), ("u64", "5000000000"), ("flt", "1.5"), ("dbl", "-2.25"),
        ]
        let settings = values.map { "test.\($0.type) \($0.type) \($0.value)\n" }.joined()
        let set = try sandbox.run(on: 1, ["corosync-cmapctl", "-p", "/dev/stdin"], input: settings)
        try #require(set.status == 0, "\(set.errors)")
        // Longer than what the library asks for at first, and than a line of such a file may be.
        let long = ["corosync-cmapctl", "-s", "test.str", "str", String(repeating: "x", count: 5000)]
        try #require(try sandbox.run(on: 1, long).status == 0)
        let found = try exercise("map", on: sandbox)
        #expect(found["string"] == "sandbox")
        #expect(found["number"] == "1")
        #expect(found["missing"] == "nil")
        #expect(found["wrong type"] == "CS_ERR_INVALID_PARAM from cmap_get")
        #expect(found["long key"] == "CS_ERR_NAME_TOO_LONG from cmap_get")
        #expect(
            found["types"]
                == "-8 200 -30000 60000 -2000000000 4000000000 -5000000000 5000000000 1.5 -2.25 5000 bytes")
        #expect(found["whole prefix"] == "nodelist.node.1.name nodelist.node.1.nodeid nodelist.node.1.ring0_addr")
        #expect(found["left early"] == "2000")
        #expect(found["left by an error"] == "CS_ERR_BUSY from cmap_get")
        #expect(found["statistics"] == "there")
    }

    @Test("tells of keys that are added, changed and deleted")
    func tracksTheMap() throws {
        let sandbox = try Sandbox(nodes: 1)
        let watcher = try sandbox.spawn(on: 1, [Sandbox.builtProduct(named: "corosync-exercise"), "changes"])
        #expect(watcher.nextLine(within: .seconds(5)) == "tracking")
        for arguments in [["-s", "test.one", "u32", "1"], ["-s", "test.one", "u32", "2"], ["-d", "test.one"]] {
            #expect(try sandbox.run(on: 1, ["corosync-cmapctl"] + arguments).status == 0)
        }
        let result = watcher.finish()
        #expect(result.lines.prefix(2) == ["prefix 4 test.one - 1", "prefix 2 test.one 1 2"])
        #expect(Set(result.lines.dropFirst(2).prefix(2)) == ["prefix 1 test.one 2 -", "key 1 test.one 2 -"])
        #expect(result.lines.last == "untrack again: CS_ERR_BAD_HANDLE from cmap_track_delete")
    }
}
