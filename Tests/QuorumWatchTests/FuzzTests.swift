// SPDX-License-Identifier: MIT

import Corosync
import Glibc
import Testing
import TestSupport

@testable import QuorumWatch
@testable import vqwatch

/// Whatever corosync may say, for as long as `VQWATCH_FUZZ_SECONDS` says: what must hold of every line.
@Suite("Fuzz", .serialized)
struct FuzzTests {
    private static let seeds: [UInt64] =
        numberFromEnvironment("VQWATCH_FUZZ_SEED").map { [$0] } ?? [1, .random(in: 0...UInt64(UInt32.max))]

    /// Calls with new seeds, one derived from the other, until the time is up. A seed alone makes the same again.
    private func fuzz(
        _ name: String, _ seed: UInt64, _ body: (inout SeededGenerator) throws -> Int
    ) rethrows {
        let limit = Duration.milliseconds(
            numberFromEnvironment("VQWATCH_FUZZ_SECONDS").map { Int64($0) * 1000 / 6 } ?? 800)
        let start = ContinuousClock.now
        var (rounds, cases, round) = (0, 0, seed)
        repeat {
            var random = SeededGenerator(seed: round)
            let found = try body(&random)
            guard found >= 0 else {
                Issue.record("VQWATCH_FUZZ_SEED=\(round) makes it again")
                return
            }
            (rounds, cases) = (rounds + 1, cases + found)
            var next = SeededGenerator(seed: round)
            round = next.next()
        } while ContinuousClock.now - start < limit
        print("fuzz: \(name), VQWATCH_FUZZ_SEED=\(seed): \(rounds) rounds, \(cases) cases")
    }

    @Test(
        "of the reducer: every line is one, parses back to the state, follows from its changes, and harms no terminal",
        arguments: seeds)
    func reducer(seed: UInt64) throws {
        try fuzz("reducer and formats", seed) { random in
            var imagination = Imagination(&random)
            let kinds =
                imagination.chance(3)
                ? Set(EventKind.allCases.filter { _ in imagination.chance(2) }) : Set(EventKind.allCases)
            var reducer = Reducer(kinds: kinds)
            var json = JSONFormat()
            var replay = StateReplay()
            var lines = 0
            for step in 0..<60 {
                let input = imagination.input(isFirst: step == 0, mayRead: reducer.mayRead)
                for event in reducer.reduce(input, at: imagination.time) {
                    lines += 1
                    let issues = Issues()
                    issues.check(kinds.contains(event.kind), "a kind that was not asked for: \(event.kind)")
                    try check(event, line: json.line(for: event), &replay, isThorough: imagination.chance(100), issues)
                    check(TextFormat(color: false).line(for: event), isOneLine: true, issues)
                    if let report = event.report {
                        check(StatusText(color: false).page(for: report.state), isOneLine: false, issues)
                        check(PrometheusFormat.exposition(of: report.state), isOneLine: false, issues)
                        let line = CheckFormat(warnMargin: imagination.chance(2) ? 2 : nil).line(for: report.state)
                        check(line, isOneLine: true, issues)
                        issues.check(line.count <= 1024 && line.count { $0 == UInt8(ascii: "|") } <= 1, "check")
                        let conditions = imagination.conditions()
                        let held = conditions.filter { $0.holds(of: report.state, configured: reducer.configuredNodes) }
                        issues.check(!held.contains { held.contains(where: $0.contradicts(_:)) }, "\(held)")
                    }
                    guard issues.found.isEmpty else {
                        Issue.record("step \(step): \("\(issues.found)".prefix(2000))\n\("\(event)".prefix(4000))")
                        random = imagination.random
                        return -1
                    }
                }
            }
            random = imagination.random
            return lines
        }
    }

    /// The JSON line says what the event says, and follows from the lines before it.
    private func check(
        _ event: Event, line: [UInt8], _ replay: inout StateReplay, isThorough: Bool, _ issues: Issues
    ) throws {
        check(line, isOneLine: true, issues)
        let parsed = try StrictReader.read(line.dropLast())
        if isThorough {
            let line = try EventLine(String(decoding: line.dropLast(), as: UTF8.self))
            issues.check(line.json == parsed, "two readers read different things")
        }
        issues.check(parsed["event"].string == event.kind.rawValue, "kind")
        issues.check(parsed["quorate"].bool == event.quorate, "quorate")
        issues.check(parsed["cluster_name"].string == event.clusterName, "cluster name")
        issues.check(parsed["local_node_id"].number == event.localNode.map { Int64($0.rawValue) }, "local node")
        if let state = event.report?.state {
            let read = ReadState(parsed)
            issues.check(read == ReadState(state), "another state is read than was written")
        }
        if let problem = replay.problem(with: parsed) { issues.check(false, problem) }
    }

    /// Nothing that a terminal, a log or a reader of lines can take for anything but text.
    private func check(_ bytes: [UInt8], isOneLine: Bool, _ issues: Issues) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return issues.check(false, "no UTF-8") }
        let newlines = bytes.count { $0 == 0x0A }
        issues.check(bytes.last == 0x0A && (!isOneLine || newlines == 1), "no line of its own")
        issues.check(
            text.unicodeScalars.allSatisfy { $0 == "\n" || !$0.isHarmful }, "harmful: \(text.debugDescription)")
    }

    @Test(
        "of strings from outside: what is made harmless is, is short, and honest names stay as they are",
        arguments: seeds)
    func harmlessStrings(seed: UInt64) throws {
        fuzz("strings", seed) { random in
            var imagination = Imagination(&random)
            for _ in 0..<200 {
                let string = imagination.string()
                let limit = imagination.chance(2) ? 256 : Int.random(in: 0...80, using: &imagination.random)
                let result = harmless(string, limit: limit)
                let isHonest = string.utf8.count <= limit && !string.unicodeScalars.contains(where: \.isHarmful)
                guard result.unicodeScalars.allSatisfy({ !$0.isHarmful }), result.utf8.count <= limit + 16,
                    !isHonest || result == string
                else {
                    Issue.record("\(string.debugDescription), at most \(limit): \(result.debugDescription)")
                    return -1
                }
            }
            random = imagination.random
            return 200
        }
    }

    @Test(
        "of the command line: durations, kinds of events and counts are understood or refused, never misread",
        arguments: seeds)
    func arguments(seed: UInt64) throws {
        fuzz("arguments", seed) { random in
            var imagination = Imagination(&random)
            for _ in 0..<200 {
                let argument = imagination.argument()
                if let duration = try? parseDuration(argument) {
                    guard duration >= .zero, duration <= .seconds(365 * 86400),
                        argument.utf8.first.map({ $0 != 0x2D }) == true
                    else {
                        Issue.record("duration \(argument.debugDescription): \(duration)")
                        return -1
                    }
                }
                if let kinds = try? parseEventKinds(argument) {
                    let names = Set(argument.split(separator: ",").map(String.init))
                    guard Set(kinds.map(\.rawValue)) == names else {
                        Issue.record("events \(argument.debugDescription): \(kinds)")
                        return -1
                    }
                }
                if let count = try? parseCount(argument), count < 1 || Int(argument) != count {
                    Issue.record("count \(argument.debugDescription): \(count)")
                    return -1
                }
                if let margin = try? parseMargin(argument), UInt32(argument).map(Int.init) != margin {
                    Issue.record("margin \(argument.debugDescription): \(margin)")
                    return -1
                }
                if let condition = try? parseCondition(argument) {
                    let name = argument.split(separator: "=", maxSplits: 1).first.map(String.init)
                    guard name.map({ "\(condition)".hasPrefix($0) }) == true else {
                        Issue.record("condition \(argument.debugDescription): \(condition)")
                        return -1
                    }
                }
                let number = Int64.random(in: 0...10_000_000, using: &imagination.random)
                let units: [(String, Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("", 1000)]
                let (unit, milliseconds) = units.randomElement(using: &imagination.random)!
                let expected: Duration? =
                    number * milliseconds <= 365 * 86_400_000 ? .milliseconds(number * milliseconds) : nil
                guard (try? parseDuration("\(number)\(unit)")) == expected else {
                    Issue.record("duration \(number)\(unit)")
                    return -1
                }
            }
            random = imagination.random
            return 1000
        }
    }
}

/// What was found wrong with one event.
private final class Issues {
    private(set) var found: [String] = []
    func check(_ condition: Bool, _ problem: @autoclosure () -> String) { if !condition { found.append(problem()) } }
}

/// A state as whoever reads JSON knows it.
private struct ReadState: Hashable {
    var ring: JSON
    var votes: [JSON]
    var flags: JSON
    var device: [JSON]
    var nodes: [[JSON]]

    init(_ json: JSON) {
        ring = json["ring_id"]
        votes = ["total", "expected", "highest_expected", "quorum", "margin"].map { json["votes"][$0] }
        flags = json["flags"]
        let keys = ["name", "votes", "alive", "cast_vote", "master_wins"]
        device = json["qdevice"] == .null ? [] : keys.map { json["qdevice"][$0] }
        nodes = json["nodes"].elements.map { node in
            ["id", "name", "state", "votes", "expected_votes", "local", "addresses"].map { node[$0] }
        }
    }

    init(_ state: ClusterState) {
        func json(_ number: (some BinaryInteger)?) -> JSON { number.map { .number(Int64($0)) } ?? .null }
        func json(_ string: String?) -> JSON { string.map(JSON.string) ?? .null }
        func json(_ strings: [String]) -> JSON { .array(strings.map(JSON.string)) }
        ring = json(state.ring?.description)
        let votes = state.votes
        self.votes =
            [votes.total, votes.expected, votes.highestExpected, votes.quorum].map(json) + [json(votes.margin)]
        flags = state.flags.map { json($0.clusterFlagNames) } ?? .null
        device =
            state.device.map {
                [json($0.name), json($0.votes), .bool($0.alive), .bool($0.castVote), .bool($0.masterWins)]
            } ?? []
        nodes = state.nodes.map {
            [
                json($0.id.rawValue), json($0.name), json($0.stateName), json($0.votes), json($0.expectedVotes),
                .bool($0.isLocal), json($0.addresses),
            ]
        }
    }
}
