// SPDX-License-Identifier: MIT

import Testing
import TestSupport

/// Reloads whose parts reach vqwatch one after the other.
@Suite("A reload")
struct ReloadTests {
    /// A cluster that gets one vote more, and a watch or check of it.
    private struct Example {
        var script: String
        var options = ["-fj", "--refresh", "0"]
        var seconds = 4

        /// A check, or a watch.
        var isCheck: Bool { options == ["-c"] }
    }

    private static let map = "key nodelist.node.2.quorum_votes uint32 2\n"
    private static let votes = "node 3 votes=2\nexpected-votes 4\n"

    private static let examples = [
        // A reading without a notification comes first.
        Example(
            script: "nodes 3\ntimeline\nwait 500\ndelay cmap_get 1 600 key=totem.cluster_name\n\(map)\(votes)"
                + "wait 100\nexpected 4\n", options: ["-fj", "--refresh", "50ms"]),
        // The votes of the last node are changed without a notification.
        Example(
            script:
                "nodes 3\ntimeline\nwait 500\n\(map)wait 20\nexpected-votes 4\nexpected 4\nwait 100\nnode 3 votes=2\n"),
        Example(
            script: "nodes 3\ndelay cmap_get 1 500\ntimeline\nwait 200\n\(map)expected-votes 4\nwait 900\n"
                + "node 3 votes=2\n", options: ["-c"]),
        // The configuration cannot be read at the first attempt.
        Example(
            script: "nodes 3\ntimeline\nwait 500\nfail cmap_get 1 CS_ERR_TRY_AGAIN times=3\n\(map)\(votes)expected 4\n"),
        Example(
            script: "nodes 3\ntimeline\nwait 500\nfail cmap_iter_init 1 CS_ERR_LIBRARY\n\(map)\(votes)expected 4\n"),
        // A reading that has begun before it ends during it.
        Example(
            script: "nodes 3\ntimeline\nwait 500\ndelay cmap_get 1 3000 key=totem.cluster_name\n"
                + "key nodelist.node.0.name string renamed\nwait 300\n\(map)\(votes)quorum auto all\nexpected 4\n",
            seconds: 7),
        // The configuration is the new one at the first reading, and the votes are not.
        Example(script: "nodes 3 links=1\n\(map)timeline\nwait 150\n\(votes)expected 4\n", options: ["-c"]),
    ]

    @Test("makes no problem of votes, whatever is changed or read first")
    func parts() throws {
        let found = inParallel(Self.examples, by: 8) { example -> String? in
            do {
                let time = example.isCheck ? [] : ["-t", "\(example.seconds)"]
                let result = try StandIn(example.script).run([vqwatch] + example.options + time)
                let problems = ["expected_votes", "votes_missing", "no_majority"].filter { code in
                    result.output.contains("\"code\":\"\(code)\"")
                }
                let isRight =
                    example.isCheck ? result.status == 0 : problems.isEmpty && result.lines.last?.contains("4") == true
                return isRight ? nil : "\(example.script): \(problems) \(result.output) \(result.errors)"
            } catch {
                return "\(error)"
            }
        }
        for case let found? in found { Issue.record("\(found)") }
    }

    @Test("ends although the configuration is read for longer than it lasts")
    func slowReading() throws {
        let standIn = try StandIn("nodes 3\nexpected-votes 5\ndelay cmap_get 2 300 key=totem.cluster_name\n")
        let check = try standIn.run([vqwatch, "-c"])
        #expect(check.status == 1 && check.output.contains("expected votes are 5, but would be 3"), "\(check.output)")
    }

    @Test("is the reason of a timeout that ends before it, and hides no node that nobody knows")
    func timeout() throws {
        let standIn = try StandIn("nodes 3\ndelay cmap_get 1 500\ntimeline\nwait 200\nexpected-votes 5\n")
        func run(_ options: [String]) throws -> ChildProcess.Result {
            let result = try standIn.run([vqwatch, "-t", "1500ms"] + options)
            #expect(
                result.errors.contains("different moments of a reload") == (result.status == 124), "\(result.errors)")
            return result
        }
        let status = try run(["-j"])
        let line = try EventLine(status.lines.first ?? "")
        #expect(status.status == 124 && line.isQuorate == nil && line.json["votes"]["total"] == .null)
        #expect(line.json["nodes"].elements.count == 3)
        #expect(try run(["--if-down", "2"]).status == 124)
        #expect(try run(["--if-down", "node9"]).status == 1)
        let check = try run(["-c"])
        #expect(check.status == 3 && check.output == "QUORUM UNKNOWN - whether the cluster is quorate is not known\n")
    }

    @Test("that raises the version makes no problem until all nodes have it, and one node that has another does")
    func versions() throws {
        let sandbox = try Sandbox(nodes: 3)
        let followers = try (1...3).map { try sandbox.follow(on: $0, ["--refresh", "0"]) }
        func version(_ number: Int) throws {
            try sandbox.editConfiguration { text in
                String(
                    text.replacing(
                        #/version: 2\n(config_version: \d\n)?/#, with: "version: 2\nconfig_version: \(number)\n"))
            }
            try sandbox.reload()
        }
        func hasAll(_ number: Int64) -> (EventLine) -> Bool {
            { event in event.json["nodes"].elements.allSatisfy { $0["config_version"] == .number(number) } }
        }
        for number in 1...4 {
            try version(number)
            for follower in followers {
                var codes: Set<JSON> = []
                let isWhole = try follower.nextEvent(within: .seconds(10)) { event in
                    codes.formUnion(event.json["problems"].elements.map { $0["code"] })
                    return !event.json["nodes"].elements.isEmpty && hasAll(Int64(number))(event)
                }
                #expect(isWhole != nil && !codes.contains("config_version"), "\(number): \(codes)")
            }
        }
    }
}
