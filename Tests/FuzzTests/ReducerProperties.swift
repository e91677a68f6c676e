// SPDX-License-Identifier: MIT

internal import Corosync
internal import TestSupport

@testable internal import QuorumWatch

extension PropertyCheck {
    /// Every event gives one line, which parses back to the state, agrees with its changes, and has no harmful
    /// character.
    mutating func checkReducer(_ generator: inout InputGenerator, isThorough: Bool) {
        let kinds =
            generator.chance(3)
            ? Set(EventKind.allCases.filter { _ in generator.chance(2) }) : Set(EventKind.allCases)
        var filter = EventFilter(kinds: kinds, showsFirstStatus: !generator.chance(4))
        var reducer = Reducer()
        var tracker = ChangeTracker()
        var replay = StateReplay()
        var slowReader = SlowReader()
        var record = WatchRecord()
        var page = LiveModel(facts: LiveFacts(at: Instant(nanoseconds: 0)), size: TerminalSize(width: 80, height: 24))
        var isFirst = true
        while !generator.isAtEnd {
            let input = generator.input(isFirst: isFirst, isSettled: reducer.phase.isSettled)
            let deadline = reducer.deadline
            let moment = generator.moment
            let events = reducer.reduce(input, at: moment)
            isFirst = false
            _ = page.record(events, reducer, at: moment.instant)
            check(&page)
            if record.record(events, reducer, at: moment.time) {
                check(output: PrometheusFormat.exposition(of: record), isOneLine: false)
                check(output: Array("\(record.text)\n".utf8), isOneLine: true)
            }
            for event in events {
                if event.kind == .unsettled {
                    check(event.quorate == nil, "quorate while unsettled")
                    check(deadline.map { $0 <= moment.instant } ?? false, "unsettled too early")
                }
                guard let delivery = filter.delivery(of: event) else { continue }
                if let problem = slowReader.problem(with: delivery, misses: generator.chance(3)) {
                    check(false, "for a reader that missed lines: \(problem)")
                }
                guard let item = tracker.item(for: .element(delivery)) else { continue }
                countCase()
                let changes = item.changes
                check(event, line: JSONFormat.line(for: event, changes: changes), &replay, isThorough: isThorough)
                for format in [OutputFormat.text(color: false), .journal(color: false)] {
                    let formatter = EventFormatter(format: format)
                    check(output: formatter.bytes(for: event, changes: changes) ?? [], isOneLine: true)
                }
                if let state = event.state { check(event, state, of: reducer, &generator) }
                guard passes else {
                    return check(false, "after \("\(input)".prefix(4000))\nat \("\(event)".prefix(4000))")
                }
            }
            check(!(reducer.phase.isUnsettled && reducer.knownState != nil), "a state while unsettled")
            if !reducer.phase.isSettled {
                let valid = reducer.validState
                check(valid.quorate == nil && valid.votes == Votes() && valid.flags == nil, "an outdated state")
            }
            check(
                reducer.deadline.map { $0.since(moment.instant) <= .seconds(UInt32.max) } ?? true,
                "a deadline that never comes")
            guard passes else { return check(false, "after \("\(input)".prefix(4000))") }
        }
    }

    /// The JSON line has the content of the event, and agrees with the lines before it.
    private mutating func check(
        _ event: Event, line: [UInt8], _ replay: inout StateReplay, isThorough: Bool
    ) {
        check(output: line, isOneLine: true)
        guard let parsed = try? StrictReader.read(line.dropLast()) else {
            return check(false, "no JSON: \(String(decoding: line, as: UTF8.self).debugDescription)")
        }
        if isThorough {
            do {
                let line = try EventLine(String(decoding: line.dropLast(), as: UTF8.self))
                check(line.json == parsed, "two parsers read different values")
            } catch {
                check(false, error.description)
            }
        }
        check(parsed["event"].string == event.kind.rawValue, "kind")
        check(parsed["quorate"].bool == event.quorate, "quorate")
        check(parsed["cluster_name"].string == event.clusterName, "cluster name")
        check(parsed["local_node_id"].number == event.localNode.map { Int64($0.rawValue) }, "local node")
        let seconds = Double(event.time.microseconds) / 1_000_000
        check([.decimal(seconds), .number(Int64(seconds))].contains(parsed["timestamp"]), "timestamp")
        if let state = event.state {
            check(ReadState(parsed) == ReadState(state), "the state in the line differs from that of the event")
        }
        if let problem = replay.problem(with: parsed) { check(false, problem) }
    }

    /// Checks that a page is no larger than the terminal and contains nothing harmful.
    private mutating func check(_ model: inout LiveModel) {
        // The size is not taken from the generator: that would change the meaning of the corpus.
        guard cases % 4 == 0 else { return }
        _ = model.resize(to: TerminalSize(width: cases * 7 % 81, height: cases * 13 % 41))
        let isPlain = cases % 8 == 0
        let page = LivePage(
            model, at: Instant(nanoseconds: 1_000_000_000), time: Timestamp(microseconds: 0), isPlain: isPlain)
        check(page.lines.count <= model.size.height, "more lines than \(model.size)")
        for line in page.lines {
            check(output: Array("\(line.plain)\n".utf8), isOneLine: true)
            check(line.columns <= model.size.width, "wider than \(model.size): \(line.plain)")
            check(!isPlain || line.plain.utf8.allSatisfy { $0 < 0x80 }, "not plain: \(line.plain)")
        }
    }

    /// Checks everything else that is derived from a state: the page, the metrics, a check, and conditions.
    private mutating func check(
        _ event: Event, _ state: ClusterState, of reducer: Reducer, _ generator: inout InputGenerator
    ) {
        var status = event
        status.body = .status(state)
        for format in [OutputFormat.text(color: false), .journal(color: false)] {
            let formatter = EventFormatter(format: format, printsPage: true, showsLinks: true)
            check(output: formatter.bytes(for: status, changes: []) ?? [], isOneLine: false)
        }
        check(output: PrometheusFormat.exposition(of: state), isOneLine: false)
        let requirements = generator.requirements()
        let format = CheckFormat(requirements)
        let line = format.line(for: state)
        check(output: line, isOneLine: true)
        check(line.count <= 1024 && line.count { $0 == UInt8(ascii: "|") } <= 1, "check")
        let isOK = line.starts(with: "QUORUM OK - ".utf8)
        check(isOK == (format.status(of: state) == .ok), "the line and the exit status of a check differ")
        // During a reload, the configuration and the votes are of different moments; a check is made once, without that.
        let isReloading = reducer.reloadEnd != nil
        check(!isOK || isReloading || isComplete(state, but: requirements.absentNodes), "OK, and it is not: \(state)")
        let held = generator.conditions().filter { condition in
            condition.obstacle(in: state, configured: reducer.configuredNodes) == nil
        }
        check(!held.contains { held.contains(where: $0.contradicts(_:)) }, "\(held)")
    }
}

/// Whether a state is quorate with all configured nodes except some, and has the votes of the others.
private func isComplete(_ state: ClusterState, but absent: [NodeSelector]) -> Bool {
    // Votequorum always lists the local node. Without it, nothing is known of a device that is not registered.
    if let local = state.localNode, state.node(local) == nil { return true }
    guard state.quorate == true, let configured = state.configuredVotes, let expected = state.votes.expected,
        let total = state.votes.total
    else { return false }
    let mayBeAway = absent.compactMap { $0.node(in: state) }
    let votesAway = mayBeAway.filter { !$0.isMember }.map { Int($0.votes ?? $0.configuredVotes ?? 0) }
    return Int(expected) >= configured && (absent.allSatisfy { $0.node(in: state) != nil })
        && Int(total) + (absent.isEmpty ? 0 : votesAway.reduce(0, +)) >= Int(expected)
        && state.nodes.allSatisfy { $0.isMember || $0.configuredVotes == nil || mayBeAway.contains($0) }
        && (state.device?.model == nil
            || state.nodes.allSatisfy { !$0.isMember || $0.votes == nil || $0.device?.isWorking == true })
}

/// A reader that misses some events, as after a drop; the changes in its lines must agree with the states all the same.
private struct SlowReader {
    private var tracker = ChangeTracker()
    private var replay = StateReplay()
    private var missed = 0

    mutating func problem(with delivery: Delivery, misses: Bool) -> String? {
        guard !misses else {
            missed += 1
            return nil
        }
        if missed > 0, let problem = problem(with: .dropped(count: missed, last: delivery)) { return problem }
        missed = 0
        return problem(with: .element(delivery))
    }

    private mutating func problem(with next: Outbox<Delivery>.Next) -> String? {
        guard let item = tracker.item(for: next) else { return nil }
        let line = JSONFormat.line(for: item.event, changes: item.changes)
        return (try? StrictReader.read(line.dropLast())).map { replay.problem(with: $0) } ?? "no JSON"
    }
}
