// SPDX-License-Identifier: MIT

internal import Glibc
internal import TestSupport
internal import Testing

@Suite("make run", .timeLimit(.minutes(2)))
struct DemoTests {
    static let script = "\(Repository.root)/Tests/Sandbox/demo"

    @Test("with JSON=1 prints every kind of change as JSON lines")
    func json() throws {
        let result = try ChildProcess.run(
            [Self.script], environment: ["VQWATCH": vqwatch, "JSON": "1"], within: .seconds(110))
        #expect(result.status == 0, "\(result.errors)")
        let events = try EventLine.parse(result.lines)
        #expect(
            Set(events.map(\.event)) == [
                "status", "nodelist", "quorum", "expected_votes", "info", "disconnected", "link", "evidence",
            ])
        func firstFailure(ofLink number: JSON) -> Int? {
            events.firstIndex {
                $0.event == "link" && $0.json["connected"] == false && $0.json["node"]["id"] == 3
                    && $0.json["link"] == number
            }
        }
        let (pulled, rest) = (try #require(firstFailure(ofLink: 1)), try #require(firstFailure(ofLink: 0)))
        #expect(pulled < rest, "a link fails before the node does")
        #expect(events.contains { $0.isQuorate == false })
        #expect(events.last?.isQuorate == true)
        #expect(result.errors.contains("# one of the two network cables of node3 is pulled"))
    }

    @Test("prints no colour to a pipe, and leaves no files behind when it is interrupted")
    func interrupted() throws {
        let folder = try #require(
            try ChildProcess.run(["mktemp", "-dt", "vqwatch-interrupted-XXXXXX"]).lines.first)
        defer { _ = try? ChildProcess.run(["rmdir", folder]) }
        let demo = try ChildProcess(
            [Self.script], environment: ["VQWATCH": vqwatch, "TMPDIR": folder, "JSON": nil])
        let first = demo.nextLine(within: .seconds(10))
        #expect(first?.hasPrefix("# three nodes") == true)
        #expect(demo.nextLine(within: .seconds(30)) { $0.contains(" status: QUORATE, ") } != nil)
        demo.signal(SIGINT)
        #expect(demo.wait(within: .seconds(10)) == .exited(130))
        #expect(try ChildProcess.run(["ls", "-A", folder]).output.isEmpty)
    }
}
