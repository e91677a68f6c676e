// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// The comparison that the soak relies on must find every kind of error.
@Suite("The comparison with corosync's log", .serialized)
struct LogComparisonTests {
    @Test("finds events that are missing, invented, changed or out of order in the lines of a watcher")
    func findsWhatIsWrong() throws {
        let sandbox = try Sandbox(nodes: 3)
        let path = "\(sandbox.folder)/watcher.json"
        let watcher = try sandbox.spawn(on: 1, [vqwatch, "-fj"], output: .file(path))
        var lines: [String] = []
        func waitUntilTold(_ what: Comment, _ isWanted: (EventLine) -> Bool) throws {
            let isTold = try eventually(within: .seconds(30)) {
                lines = (textOfFile(path) ?? "").split(separator: "\n").map(String.init)
                // Events of the statistics can follow at any time.
                let told = try EventLine.parse(lines).last { !["evidence", "link", "info"].contains($0.event) }
                return told.map(isWanted) ?? false
            }
            try #require(isTold, what)
        }
        try waitUntilTold("status") { $0.event == "status" }
        try sandbox.cut(3)
        try waitUntilTold("a node leaves") { $0.event == "quorum" && $0.node(3)["state"] == "dead" }
        try sandbox.cut(2)
        try waitUntilTold("quorum is lost") { $0.event == "quorum" && $0.isQuorate == false }
        try sandbox.heal(2)
        try waitUntilTold("quorum is gained") { $0.event == "quorum" && $0.isQuorate == true }
        try sandbox.heal(3)
        try waitUntilTold("all are there") { $0.event == "quorum" && $0.json["votes"]["total"] == 3 }
        let isCounted = try eventually(within: .seconds(10)) {
            lines = (textOfFile(path) ?? "").split(separator: "\n").map(String.init)
            let events = try EventLine.parse(lines)
            let ring = events.last { $0.event == "nodelist" }?.json["ring_id"]
            return events.contains { $0.event == "evidence" && $0.json["ring_id"] == ring }
        }
        try #require(isCounted, "the evidence of the last ring")
        watcher.signal(SIGTERM)
        #expect(watcher.wait(within: .seconds(5)) == .signaled(SIGTERM))
        let log = try sandbox.log(of: 1)

        // Pretend that the watcher went on for a minute without another line.
        let end = currentTime() + 60_000_000
        func problems(_ lines: [String], _ log: String) throws -> [String] {
            LogComparison(try lines.map { try EventLine($0) }, with: CorosyncLog(log), end: end).problems
        }
        let found = try problems(lines, log)
        #expect(found == [], "\(found)")

        func index(_ parts: String...) throws -> Int {
            try #require(lines.firstIndex { line in parts.allSatisfy { line.contains($0) } }, "\(parts)")
        }
        let left = try index("\"event\":\"nodelist\"", "\"left\":[{\"id\":3,")
        let lost = try index("\"event\":\"quorum\"", "\"quorate\":false")
        // Not a ring of the same members, which a busy machine can form last.
        let lastRing = try #require(
            lines.lastIndex { $0.contains("\"event\":\"nodelist\"") && !$0.contains("\"joined\":[]") })
        let ring = try #require(try EventLine(lines[left]).json["ring_id"].string)
        let other = "\(ring.split(separator: ".")[0]).999999"
        let cases: [(what: String, lines: (inout [String]) throws -> Void)] = [
            ("a ring is missing", { $0.removeSubrange(left...(left + 1)) }),
            ("the last ring is missing", { $0.removeSubrange(lastRing...) }),
            ("quorum lost is missing", { $0.remove(at: lost) }),
            ("a ring is reported twice", { $0.insert($0[left], at: left + 1) }),
            ("two rings are out of order", { $0.swapAt(left, lastRing) }),
            ("a ring has another ID", { $0[left] = $0[left].replacing(ring, by: other) }),
            ("a node that left is not reported", { $0[left] = try emptied("left", $0[left]) }),
            ("a node that joined is not reported", { $0[lastRing] = try emptied("joined", $0[lastRing]) }),
            ("quorum is not lost", { $0[lost] = $0[lost].replacing("\"quorate\":false", by: "\"quorate\":true") }),
        ]
        for (what, change) in cases {
            var changed = lines
            try change(&changed)
            try #require(changed != lines, "\(what)")
            #expect(try !problems(changed, log).isEmpty, "\(what)")
        }
        // An event that is missing from the log counts as invented by the watcher.
        let logLines = log.split(separator: "\n").map(String.init)
        for text in ["A new membership (\(ring))", "This node is within the non-primary"] {
            let line = try #require(logLines.lastIndex { $0.contains(text) }, "\(text)")
            var changed = logLines
            changed.remove(at: line)
            #expect(try !problems(lines, changed.joined(separator: "\n")).isEmpty, "\(text)")
        }
    }

    @Test("finds what is missing shortly before a daemon is killed, and a loss without such a reason")
    func findsWhatIsMissingBeforeTheEnd() throws {
        let sandbox = try Sandbox(nodes: 2)
        let watcher = try sandbox.spawn(on: 1, [vqwatch, "-fj"])
        var lines: [EventLine] = []
        func read(to isLast: (EventLine) -> Bool) throws {
            while lines.last.map(isLast) != true { lines.append(try #require(try watcher.nextEvent())) }
        }
        try read { $0.event == "status" }
        try sandbox.cut(2)
        try read { $0.event == "quorum" && $0.isQuorate == false }
        let told = try #require(lines.last)
        #expect(eventually(within: .seconds(5)) { currentTime() - told.time > LogComparison.slack + 100_000 })
        try sandbox.kill(1)
        try read { $0.event == "disconnected" }
        let log = try sandbox.log(of: 1)
        func problems(_ lines: [EventLine], _ log: String) -> [String] {
            LogComparison(lines, with: CorosyncLog(log), end: currentTime()).problems
        }
        #expect(problems(lines, log) == [])
        #expect(!problems(lines.filter { $0.event != "nodelist" && $0.event != "quorum" }, log).isEmpty)
        #expect(!problems(lines.filter { $0.event != "quorum" }, log).isEmpty)
        let withoutEnd = log.split(separator: "\n").filter { !$0.hasPrefix("--- corosync is told to end") }
        #expect(!problems(lines, withoutEnd.joined(separator: "\n")).isEmpty)
    }

    /// The line with the array of that name empty.
    private func emptied(_ name: String, _ line: String) throws -> String {
        let start = try #require(line[...].firstRange(of: "\"\(name)\":[")).upperBound
        let end = try #require(line[start...].firstIndex(of: "]"))
        return String(line[..<start] + line[end...])
    }
}

extension String {
    /// The text with every occurrence of a part replaced.
    fileprivate func replacing(_ part: String, by other: String) -> String {
        var rest = self[...]
        var result = ""
        while let found = rest.firstRange(of: part) {
            result += rest[..<found.lowerBound] + other
            rest = rest[found.upperBound...]
        }
        return result + rest
    }
}
