// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite("The configuration map binding, on a real cluster", .serialized)
struct MapTests {
    @Test("reads values of every type, iterates, and leaves no iterator behind")
    func reads() throws {
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
        let found = try Exercise.findings("map", on: sandbox)
        #expect(found["string"] == "sandbox")
        #expect(found["number"] == "1")
        #expect(found["missing"] == "nil")
        #expect(found["wrong type"] == "the value is of another type (u32)")
        #expect(found["unknown raw value"] == "the value (u32) is not one of those that are known")
        #expect(found["long key"] == "CS_ERR_NAME_TOO_LONG from cmap_get")
        #expect(
            found["types"]
                == "-8 200 -30000 60000 -2000000000 4000000000 -5000000000 5000000000 1.5 -2.25 5000 bytes")
        #expect(found["whole prefix"] == "nodelist.node.1.name nodelist.node.1.nodeid nodelist.node.1.ring0_addr")
        #expect(found["keys and values"] == "nodelist.node.1.name str node2, nodelist.node.1.nodeid u32 -")
        #expect(found["left early"] == "2000")
        #expect(found["left by an error"] == "CS_ERR_NOT_EXIST from cmap_delete")
    }

    @Test("sets, deletes, increments and decrements, and gives the error that corosync gives")
    func writes() throws {
        let sandbox = try Sandbox(nodes: 1)
        let found = try Exercise.findings("writing", on: sandbox)
        let types = [
            "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "flt", "dbl", "str", "str", "bin", "bin", "str",
        ]
        #expect(found["types"] == types.map { "\($0) same" }.joined(separator: ", "))
        #expect(found["too long"] == "CS_ERR_INVALID_PARAM from cmap_set")
        #expect(found["too big"] == "CS_ERR_TOO_BIG from cmap_set")
        #expect(found["a NUL inside"] == "CS_ERR_INVALID_PARAM from cmap_set")
        #expect(found["wrong size"] == "CS_ERR_INVALID_PARAM from cmap_set")
        #expect(found["key too short"] == "CS_ERR_NAME_TOO_LONG from cmap_set")
        #expect(found["read only"] == "CS_ERR_ACCESS from cmap_set")
        #expect(found["increment"] == "255")
        #expect(found["increment the largest"] == "0")
        #expect(found["decrement"] == "255")
        #expect(found["increment a string"] == "CS_ERR_INVALID_PARAM from cmap_inc")
        #expect(found["decrement nothing"] == "CS_ERR_NOT_EXIST from cmap_dec")
        #expect(found["delete"] == "deleted")
        #expect(found["delete again"] == "CS_ERR_NOT_EXIST from cmap_delete")
    }

    @Test("opens the statistics, which only can be read and cleared")
    func opensStatistics() throws {
        let sandbox = try Sandbox(nodes: 1)
        let found = try Exercise.findings("statistics", on: sandbox)
        #expect(found["counter"] == "there")
        #expect(found["configuration"] == "nil")
        #expect(found["set"] == "CS_ERR_ACCESS from cmap_set")
        #expect(found["clear"] == "cleared")
    }

    @Test("gives the changes of keys that are added, changed and deleted")
    func tracks() throws {
        let sandbox = try Sandbox(nodes: 1)
        let watcher = try sandbox.spawn(on: 1, [Exercise.program, "changes"])
        #expect(watcher.nextLine(within: .seconds(5)) == "tracking")
        for arguments in [["-s", "test.one", "u32", "1"], ["-s", "test.one", "u32", "2"], ["-d", "test.one"]] {
            #expect(try sandbox.run(on: 1, ["corosync-cmapctl"] + arguments).status == 0)
        }
        let result = watcher.finish()
        #expect(result.lines.prefix(2) == ["prefix added test.one - 1", "prefix modified test.one 1 2"])
        #expect(
            Set(result.lines.dropFirst(2).prefix(2)) == ["prefix deleted test.one 2 -", "key deleted test.one 2 -"])
        #expect(result.lines.last == "untrack again: CS_ERR_BAD_HANDLE from cmap_track_delete")
    }

    @Test("refuses names that the library takes for others, or never frees the connection for")
    func refusesNames() throws {
        let sandbox = try Sandbox(nodes: 1)
        let found = try Exercise.findings("names", on: sandbox)
        let calls = [
            "cmap_get", "cmap_set", "cmap_delete", "cmap_inc", "cmap_dec", "cmap_iter_init", "cmap_iter_init",
            "cmap_track_add",
        ]
        #expect(found["long"] == calls.map { "CS_ERR_NAME_TOO_LONG from \($0)" }.joined(separator: ", "))
        #expect(found["cut"] == calls.map { "CS_ERR_INVALID_PARAM from \($0)" }.joined(separator: ", "))
        #expect(found["connections left"] == "0")
    }

    @Test("gives no change for which tracking was stopped, and the next one instead")
    func stopsTracking() throws {
        let sandbox = try Sandbox(nodes: 1)
        let found = try Exercise.findings("stopped-tracking", on: sandbox)
        #expect(found["one"] == "test.b")
        #expect(found["refused"] == "refused test.c")
        #expect(found["kept"] == "")
        #expect(found["only a prefix"] == "CS_ERR_INVALID_PARAM from cmap_track_add")
    }

    /// Corosync stores no such values, so they come from the stand-in.
    @Test("reads no more than the documented maximum of a value, whatever size corosync gives")
    func limitsSizes() throws {
        func text(_ length: Int) -> String { String(repeating: "x", count: length) }
        let found = try Exercise.findings(
            "limits",
            script: """
                nodes 1
                key a.largest string \(text(131_071))
                key a.larger string \(text(131_072))
                key b.changed string \(text(131_072))
                timeline
                nodelist same
                key b.changed string \(text(10))
                """)
        #expect(found["largest"] == "131072")
        let tooLarge = "the value has 131073 bytes, more than the 131072 that are read"
        #expect(found["too large"] == tooLarge)
        #expect(found["type of too large"] == tooLarge)
        #expect(found["sizes"] == "a.larger 131073 0, a.largest 131072 131072")
        #expect(found["change"] == "modified 0 11")
    }
}
