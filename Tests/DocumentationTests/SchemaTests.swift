// SPDX-License-Identifier: MIT

internal import TestSupport
internal import Testing

@Suite("event.schema.json", .timeLimit(.minutes(1)))
struct SchemaTests {
    static let head =
        #""time":"2026-11-22T09:43:34.506123Z","timestamp":1795340614.506123,"cluster_name":"lab","local_node_id":1,"#
        + #""local_node_name":"a""#
    static let node =
        #"{"id":1,"name":"a","state":"member","configured":true,"votes":1,"expected_votes":3,"local":true,"#
        + #""addresses":["10.0.0.1"],"qdevice":{"alive":true,"cast_vote":false,"master_wins":false},"reachable":null,"#
        + #""config_version":4,"quorate_if_down":true}"#
    static let problem =
        #"{"code":"node_missing","severity":"warning","nodes":[{"id":3,"name":"c"}],"text":"c is not a member"}"#
    static let votes = #""votes":{"total":3,"expected":3,"highest_expected":3,"quorum":2,"margin":1}"#
    static let state = """
        "ring_id":"1.2f",\(votes),\
        "flags":["Quorate"],"qdevice":{"name":"Qdevice","model":"net","registered":true,"votes":1,"alive":true,\
        "cast_vote":true,"master_wins":false},\
        "links":[{"node_id":2,"link":0,"connected":true,"enabled":false,"latency_us":118,"mtu":1446}],\
        "nodes":[\(node)],"problems":[\(problem)],\
        "changes":[{"field":"quorate","node_id":null,"from":null,"to":true}]
        """
    /// One line of each kind, with all keys.
    static let lines: [Line] = [
        #"{\#(head),"event":"status","quorate":true,\#(state)}"#,
        #"{\#(head),"event":"quorum","quorate":false,\#(state)}"#,
        #"{\#(head),"event":"expected_votes","quorate":true,\#(state)}"#,
        #"{\#(head),"event":"info","quorate":true,\#(state)}"#,
        """
        {\(head),"event":"nodelist","quorate":null,"ring_id":"1.ffffffffffffffff",\
        "members":[{"id":1,"name":null}],"joined":[{"id":2,"name":"b"}],"left":[]}
        """,
        """
        {\(head),"event":"disconnected","quorate":null,\
        "error":{"code":"CS_ERR_LIBRARY","message":"the connection to corosync is lost"}}
        """,
        #"{\#(head),"event":"unsettled","quorate":null,"ring_id":"1.2f","reason":"membership","elapsed_ms":35000}"#,
        #"{\#(head),"event":"link","quorate":true,"node":{"id":3,"name":"c"},"link":1,"connected":false,"downs":2}"#,
        """
        {\(head),"event":"evidence","quorate":false,"ring_id":"1.30","token_losses":1,"consensus_timeouts":2,\
        "retransmits":3,"memberships":4,"links_down":[{"node_id":3,"link":0,"before_ms":1400}],\
        "mtu_changes":[{"node_id":3,"link":0,"from":1446,"to":450}],"rejoined":[{"id":2,"name":"b"}],\
        "config_versions":[{"id":2,"name":"b","config_version":3}],\
        "scheduling_misses":[{"time":"2026-11-22T09:43:33.000000Z","delay_ms":3160}]}
        """,
        #"{\#(head),"event":"unresponsive","quorate":null,"silent_ms":10000}"#,
        #"{\#(head),"event":"dropped","quorate":true,"count":7}"#,
        """
        {\(head),"event":"prediction","if_down":[{"id":2,"name":"b"}],"prediction":{"quorate":false,\
        "votes":{"total":2,"expected":4,"highest_expected":4,"quorum":3,"margin":-1},"members":[{"id":1,"name":null}],\
        "rule":null,"depends_on_qdevice":false,"waits_for_all_afterwards":true,"waits_for_votes":4},"quorate":null}
        """,
        #"{\#(head),"event":"check","quorate":true,"status":"WARNING",\#(votes),"problems":[\#(problem)]}"#,
    ]

    struct Line: ExpressibleByStringInterpolation, CustomTestStringConvertible {
        let text: String
        init(stringLiteral text: String) { self.text = text }
        var testDescription: String { (try? JSON(parsing: text)["event"].string) ?? text }
    }

    @Test("accepts a line of each kind", arguments: lines)
    func good(line: Line) {
        #expect(SchemaValidator.shared.problem(with: line.text) == nil)
    }

    @Test("refuses a line with a key missing or misspelt, at every depth", arguments: lines)
    func keys(line: Line) throws {
        let line = line.text
        for (key, member) in keysAndMembers(of: line) {
            let without = line.replacing(member + ",", with: "", maxReplacements: 1)
            let last = line.replacing("," + member, with: "", maxReplacements: 1)
            let shortened = without == line ? last : without
            try #require(shortened != line)
            // The key may be the last one of its object, and then the comma is before it.
            let problem = SchemaValidator.shared.problem(with: shortened)
            #expect(problem?.contains("'\(key)' is a required property") == true, "without \(key): \(problem ?? "ok")")

            let misspelt = line.replacing("\"\(key)\":", with: "\"\(key)x\":", maxReplacements: 1)
            #expect(SchemaValidator.shared.problem(with: misspelt) != nil, "with \(key)x")
        }
    }

    @Test("refuses a value of the wrong type under every key", arguments: lines)
    func types(line: Line) {
        let line = line.text
        for (key, member) in keysAndMembers(of: line) where !(line.contains("changes") && ["from", "to"].contains(key))
        {
            let bad = key == "timestamp" ? "true" : "0.5"
            let wrong = line.replacing(member, with: "\"\(key)\":\(bad)", maxReplacements: 1)
            #expect(SchemaValidator.shared.problem(with: wrong) != nil, "\(key): \(bad)")
        }
    }

    @Test("refuses a line that is not an event")
    func unknown() {
        let unknown = Self.lines[0].text.replacing("\"status\"", with: "\"state\"")
        for line in [unknown, "{}", "[]", "null", "", "{\"event\":\"status\"", Self.lines[0].text + Self.lines[0].text]
        {
            #expect(SchemaValidator.shared.problem(with: line) != nil, "\(line)")
        }
        #expect(SchemaValidator.shared.problem(with: unknown)?.contains("'state' is not one of") == true)
    }

    @Test(
        "refuses a value in the wrong format",
        arguments: [
            ("2026-11-22T09:43:34.506123Z", "2026-11-22T09:43:34Z"), ("2026-11-22T09:43:34.506123Z", "yesterday"),
            ("\"1.2f\"", "\"1.2F\""), ("\"1.2f\"", "\"12\""), ("\"member\"", "\"alive\""), ("\"id\":1", "\"id\":-1"),
            ("\"total\":3", "\"total\":-3"), ("\"total\":3", "\"total\":NaN"), ("\"total\":3", "\"total\":true"),
            ("\"votes\":1,", "\"votes\":1,\"votes\":1,"),
        ])
    func forms(replacement: (good: String, bad: String)) throws {
        let line = Self.lines[0].text.replacing(replacement.good, with: replacement.bad)
        try #require(line != Self.lines[0].text)
        #expect(SchemaValidator.shared.problem(with: line) != nil)
    }

    @Test("accepts null for values that can be unknown")
    func nulls() {
        let line = Self.lines[0].text
        for nullable in [
            "cluster_name", "local_node_id", "local_node_name", "quorate", "ring_id", "flags", "qdevice", "total",
            "name",
            "model", "links", "enabled", "latency_us", "mtu", "configured", "config_version", "quorate_if_down",
        ] {
            guard let (_, member) = keysAndMembers(of: line).last(where: { $0.key == nullable }) else {
                Issue.record("no \(nullable)")
                continue
            }
            let unknown = line.replacing(member, with: "\"\(nullable)\":null", maxReplacements: 1)
            #expect(SchemaValidator.shared.problem(with: unknown) == nil, "\(nullable)")
        }
        #expect(SchemaValidator.shared.problem(with: line.replacing(#""votes":1"#, with: #""votes":null"#)) != nil)
    }

    @Test("as installed, accepts a line of a later version with additional keys")
    func open() throws {
        let more = Self.lines.map { $0.text.dropLast() + ",\"later\":1}\n" }.joined()
        let script = "\(Repository.root)/Tests/validate-events"
        #expect(try ChildProcess.run([script, "--open"], input: more).status == 0)
        let strict = try ChildProcess.run([script], input: more)
        #expect(strict.status == 1)
        #expect(strict.errors.split(separator: "\n").count == Self.lines.count)
    }
}

/// Every key of a line, at every depth, with the text from the key to the end of its value.
private func keysAndMembers(of line: String) -> [(key: String, member: String)] {
    var result: [(String, String)] = []
    var rest = line[...]
    while let start = rest.firstIndex(of: "\"") {
        let end = rest[rest.index(after: start)...].firstIndex(of: "\"") ?? rest.endIndex
        let after = rest[end...].dropFirst()
        if after.first == ":" {
            let key = String(rest[start..<end].dropFirst())
            result.append((key, String(rest[start..<after.startIndex]) + ":" + value(at: after.dropFirst())))
            rest = after.dropFirst()
        } else {
            rest = after
        }
    }
    return result
}

/// The JSON value that a text begins with.
private func value(at text: Substring) -> String {
    var depth = 0
    var quoted = false
    for index in text.indices {
        switch text[index] {
        case "\"": quoted.toggle()
        case "{", "[": if !quoted { depth += 1 }
        case "}", "]", ",":
            if quoted { continue }
            if text[index] != ",", depth > 0 { depth -= 1 } else if depth == 0 { return String(text[..<index]) }
        default: break
        }
    }
    return String(text)
}
