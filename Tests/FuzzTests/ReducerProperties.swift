// SPDX-License-Identifier: MIT

internal import Corosync
internal import TestSupport

@testable internal import QuorumWatch

extension Verdict {
    /// Whatever corosync may say: every line is one, parses back to the state, follows from its changes, and harms no
    /// terminal.
    mutating func judgeReducer(_ imagination: inout Imagination, isThorough: Bool) {
        let kinds =
            imagination.chance(3)
            ? Set(EventKind.allCases.filter { _ in imagination.chance(2) }) : Set(EventKind.allCases)
        var reducer = Reducer()
        var tracker = ChangeTracker()
        var json = JSONFormat()
        var replay = StateReplay()
        var slowReader = SlowReader()
        var isFirst = true
        while !imagination.isAtEnd {
            let input = imagination.input(isFirst: isFirst, mayRead: reducer.mayRead)
            isFirst = false
            for event in reducer.reduce(input, at: imagination.time) where kinds.contains(event.kind) {
                countCase()
                let changes = tracker.changes(in: event)
                judge(event, line: json.line(for: event, changes: changes), &replay, isThorough: isThorough)
                judge(output: TextFormat(color: false).line(for: event, changes: changes), isOneLine: true)
                judge(output: JournalFormat(color: false).line(for: event, changes: changes), isOneLine: true)
                if let problem = slowReader.problem(with: event, misses: imagination.chance(3)) {
                    check(false, "for one who missed lines: \(problem)")
                }
                if let state = event.state { judge(state, of: reducer, &imagination) }
                guard isGood else {
                    return check(false, "after \("\(input)".prefix(4000))\nat \("\(event)".prefix(4000))")
                }
            }
        }
    }

    /// The JSON line says what the event says, and follows from the lines before it.
    private mutating func judge(
        _ event: Event, line: [UInt8], _ replay: inout StateReplay, isThorough: Bool
    ) {
        judge(output: line, isOneLine: true)
        guard let parsed = try? StrictReader.read(line.dropLast()) else {
            return check(false, "no JSON: \(String(decoding: line, as: UTF8.self).debugDescription)")
        }
        if isThorough {
            do {
                let line = try EventLine(String(decoding: line.dropLast(), as: UTF8.self))
                check(line.json == parsed, "two readers read different things")
            } catch {
                check(false, error.description)
            }
        }
        check(parsed["event"].string == event.kind.rawValue, "kind")
        check(parsed["quorate"].bool == event.quorate, "quorate")
        check(parsed["cluster_name"].string == event.clusterName, "cluster name")
        check(parsed["local_node_id"].number == event.localNode.map { Int64($0.rawValue) }, "local node")
        if let state = event.state {
            check(ReadState(parsed) == ReadState(state), "another state is read than was written")
        }
        if let problem = replay.problem(with: parsed) { check(false, problem) }
    }

    /// What else is made of a state: the page, the metrics, a check, conditions.
    private mutating func judge(
        _ state: ClusterState, of reducer: Reducer, _ imagination: inout Imagination
    ) {
        judge(output: StatusText(color: false).page(for: state), isOneLine: false)
        judge(output: JournalFormat(color: false).page(for: state), isOneLine: false)
        judge(output: PrometheusFormat.exposition(of: state), isOneLine: false)
        let line = CheckFormat(imagination.requirements()).line(for: state)
        judge(output: line, isOneLine: true)
        check(line.count <= 1024 && line.count { $0 == UInt8(ascii: "|") } <= 1, "check")
        let held = imagination.conditions().filter { $0.holds(of: state, configured: reducer.configuredNodes) }
        check(!held.contains { held.contains(where: $0.contradicts(_:)) }, "\(held)")
    }
}

/// Reads some of the lines only, as they are written where others were dropped: what changed adds up all the same.
private struct SlowReader {
    private var tracker = ChangeTracker()
    private var json = JSONFormat()
    private var replay = StateReplay()
    private var missed = 0

    mutating func problem(with event: Event, misses: Bool) -> String? {
        guard !misses else {
            missed += 1
            return nil
        }
        if missed > 0 {
            var dropped = event
            dropped.body = .dropped(count: missed)
            _ = tracker.changes(in: dropped)
            missed = 0
        }
        let line = json.line(for: event, changes: tracker.changes(in: event))
        return (try? StrictReader.read(line.dropLast())).map { replay.problem(with: $0) } ?? "no JSON"
    }
}
