// SPDX-License-Identifier: MIT

internal import TestSupport
internal import Testing

@Suite("The examples of vqwatch-events(5)", .timeLimit(.minutes(1)))
struct EventExampleTests {
    /// The example lines, unfolded.
    private static func examples() throws -> [String] {
        let section = try Repository.text(of: "man/vqwatch-events.5").section("EXAMPLES")
        let start = try #require(section.firstRange(of: ".Bd -literal\n")).upperBound
        let end = try #require(section.firstRange(of: "\n.Ed")).lowerBound
        return section[start..<end].split(separator: "\n\n").map { example in
            example.split(separator: "\n").map { $0.drop { $0 == " " } }.joined()
        }
    }

    /// A line without its times, ring ID and latencies, which differ from run to run.
    private func normalised(_ line: String) -> String {
        line.replacing(#/"time":"[^"]*","timestamp":[0-9.]*/#, with: #""time":"T""#)
            .replacing(#/"ring_id":"1\.[0-9a-f]+"/#, with: #""ring_id":"R""#)
            .replacing(#/"latency_us":[0-9]+/#, with: #""latency_us":0"#)
    }

    @Test("are the lines printed when a cluster of three, one node of which is dead, loses another node")
    func arePrinted() throws {
        let examples = try Self.examples()
        for example in examples { _ = try EventLine(example) }
        // With this token, corosync reports a failed link well before it forms a membership without the node.
        let sandbox = try Sandbox(totem: "token: 3000;config_version: 4", clusterName: "lab")
        let follower = try sandbox.spawn(on: 1, [vqwatch, "-fj", "--events", "status,nodelist,quorum"])
        #expect(try follower.nextEvent()?.event == "status")
        try sandbox.cut(3)
        #expect(try follower.nextEvent { $0.event == "quorum" }?.node(3)["state"] == "dead")
        try sandbox.cut(2)
        // A busy machine can form additional rings before the one in which quorum is lost.
        var lines: [String] = []
        while lines.last.map({ $0.contains(#""event":"quorum""#) && $0.contains(#""quorate":false"#) }) != true {
            lines.append(try #require(follower.nextLine(within: .seconds(20))))
        }
        #expect(lines.suffix(2).map(normalised) == examples.map(normalised))
    }
}
