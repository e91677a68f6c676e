// SPDX-License-Identifier: MIT

@testable internal import QuorumWatch
internal import TestSupport
internal import Testing

/// The lists that are written down more than once: each document has exactly the names that the program has.
@Suite("The lists of the documents", .timeLimit(.minutes(1)))
struct ListTests {
    /// The text from a mark to the next line that begins with an end mark.
    private static func part(of text: String, from start: String, to end: String) throws -> Substring {
        let begin = try #require(text.firstRange(of: start), "\(start)").upperBound
        let rest = text[begin...]
        return rest[..<(rest.firstRange(of: "\n\(end)")?.lowerBound ?? rest.endIndex)]
    }

    private static func names(in text: some StringProtocol, _ expression: Regex<(Substring, Substring)>) -> Set<String>
    {
        Set(String(text).matches(of: expression).map { String($0.1) })
    }

    /// The strings of the `enum` of a schema.
    private static func names(in schema: JSON) -> Set<String> { Set(schema["enum"].elements.compactMap(\.string)) }

    private static func schema() throws -> JSON { try JSON(parsing: Repository.text(of: "share/event.schema.json")) }

    @Test("of kinds of events are those of the program")
    func kinds() throws {
        // A check prints a line of its own kind, which is no event of a watch.
        let known = Set(EventKind.allCases.map(\.rawValue)).union(["check"])
        let ofWatch = Set(EventKind.ofWatch.map(\.rawValue))
        #expect(Self.names(in: try Self.schema()["properties"]["event"]) == known)

        let page = try Repository.text(of: "man/vqwatch-events.5")
        let kinds = String(try page.section("KINDS")).replacing(
            /(?s)\n\.Bl -tag -width "recalculation".*?\n\.El/, with: "")
        #expect(Self.names(in: kinds, /(?m)^\.It Cm ([a-z_]+)$/) == known)
        let withoutState = Self.names(in: try page.section("OTHER EVENTS"), /(?m)^\.It Cm ([a-z_]+)$/)
        #expect(withoutState.isSuperset(of: known.subtracting(["status", "quorum", "expected_votes", "info"])))

        let manual = try Repository.text(of: "man/vqwatch.1")
        let option = try Self.part(of: manual, from: ".It Fl -events Ar kinds\n", to: ".It ")
        #expect(Self.names(in: option, /(?m)^\.Cm ([a-z_]+) [,.]$/) == ofWatch)
        let text = try Repository.text(of: "README.md")
        let readme = try Self.part(of: text, from: "these kinds of events are printed:", to: "\n")
        #expect(Self.names(in: readme, /`([a-z_]+)`/) == known)
    }

    @Test("of problems are those of the program")
    func problems() throws {
        let known = Set(Problem.Code.allCases.map(\.rawValue))
        let schema = try Self.schema()["$defs"]["problem"]["properties"]
        #expect(Self.names(in: schema["code"]) == known)
        #expect(Self.names(in: schema["severity"]) == Set(Problem.Severity.allCases.map(\.rawValue)))

        let list = String(try Repository.text(of: "man/vqwatch.1").section("PROBLEMS"))
        #expect(Self.names(in: list, /(?m)^\.It Cm ([a-z_]+)$/) == known)
        // The severity is the status of a check with this problem alone.
        for code in Problem.Code.allCases {
            let severity = "\(Problem(code: code, text: "").severity.rawValue.uppercased()):"
            let isThere = list.contains(".It Cm \(code.rawValue)\n\(severity)")
            #expect(isThere, "vqwatch(1) does not call \(code.rawValue) \(severity)")
        }
        let events = try Repository.text(of: "man/vqwatch-events.5")
        let codes = try Self.part(of: events, from: ".It Cm code\n.Cm not_quorate", to: "see")
        #expect(Self.names(in: "not_quorate\(codes)", /([a-z]+(?:_[a-z]+)*)(?= [,;]|\n)/).isSuperset(of: known))
    }

    @Test("of metrics are those of the program")
    func metrics() throws {
        let source = try Repository.text(of: "Sources/QuorumWatch/Formats/PrometheusFormat.swift")
        let known = Self.names(in: source, /"((?:vqwatch|ha_cluster_corosync)_[a-z_]+)"/)
        #expect(known.count > 20)
        let expression = /((?:vqwatch|ha_cluster_corosync)_[a-z_]*[a-z])/
        let list = try Repository.text(of: "man/vqwatch.1").section("METRICS")
        let items = list.split(separator: "\n").filter { $0.hasPrefix(".It Li ") }.joined(separator: "\n")
        #expect(Self.names(in: items, expression) == known)
        let readme = try Self.part(of: Repository.text(of: "README.md"), from: "### Metrics", to: "There is a\n")
        #expect(Self.names(in: readme, /`((?:vqwatch|ha_cluster_corosync)_[a-z_]+)`/) == known)
    }
}
