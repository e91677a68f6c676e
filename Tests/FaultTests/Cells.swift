// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// One run of vqwatch, which tests one cell or several in turn.
struct Trial: Sendable {
    let cells: [Cell]
    /// Runs it and returns the problems, each with its cell.
    let problems: @Sendable () -> [(Cell, String)]
}

/// All runs of the matrix.
func trials() -> [Trial] {
    var trials: [Trial] = []
    for form in Form.allCases {
        for phase in Phase.allCases {
            for call in calls(in: phase, of: form) {
                let cells = codes(of: call, form).map { Cell(phase: phase, form: form, call: call, code: $0) }
                switch phase {
                case .start, .refresh:
                    let attempt = phase == .refresh ? tryRefresh : Form.statuses.contains(form) ? tryStatus : tryStart
                    trials += cells.map { cell in Trial(cells: [cell]) { attempts([cell], attempt) } }
                case .steady, .reconnect:
                    // One run for a series of faults, so that leaks add up; where connections are lost, a short one: the
                    // pauses between repeated losses grow.
                    let lost = cells.filter { $0.phase == .reconnect || outcome(of: $0) == .reconnects }
                    let kept = cells.filter { !lost.contains($0) }
                    let series = [kept] + stride(from: 0, to: lost.count, by: 3).map { Array(lost[$0...].prefix(3)) }
                    trials += series.filter { !$0.isEmpty }.map { cells in Trial(cells: cells) { trySeries(cells) } }
                }
            }
        }
    }
    let steadyMap: [Call] =
        [.mapDispatch, .mapContextGet, .mapContextGetInCallback, .mapContextSet, .mapContextSetAfter]
        + [.mapInitialize, .mapTrackAdd, .mapFdGet, .mapFinalize] + Call.mapReading
    for (phase, calls) in [(Phase.steady, steadyMap), (.reconnect, Call.mapReading)] {
        for cell in calls.flatMap({ call in
            codes(of: call, .followAll).map { Cell(phase: phase, form: .followAll, call: call, code: $0) }
        }) {
            let attempt = phase == .steady ? trySteadyMap : tryReconnectMap
            trials.append(Trial(cells: [cell]) { attempts([cell], attempt) })
        }
    }
    return trials
}

/// The errors that a call gives. A refusal has a pause of 30 s before the next attempt, and a test of its own.
func codes(of call: Call, _ form: Form) -> [Code] {
    let isConnecting = [Call.initialize, .mapInitialize].contains { $0.function == call.function }
    return Code.all.filter { !isConnecting || Form.statuses.contains(form) || $0.name != "CS_ERR_ACCESS" }
}

private func attempts(_ cells: [Cell], _ attempt: (Cell) throws -> Void) -> [(Cell, String)] {
    cells.compactMap { cell in
        do {
            try attempt(cell)
            return nil
        } catch {
            return (cell, "\(error)")
        }
    }
}

/// Tries every cell in parallel, and records each that fails as an issue.
func tryAll(_ cells: [Cell], _ body: @escaping @Sendable (Cell) throws -> Void) {
    let problems = inParallel(cells, by: 12) { attempts([$0], body) }.flatMap { $0 }
    for (cell, problem) in problems { Issue.record("\(cell): \(problem)") }
    #expect(problems.count == 0)
    print("faults tried: \(cells.count)")
}

// MARK: - One fault per run

private func run(_ cell: Cell, _ script: String, _ arguments: [String]) throws -> (ChildProcess.Result, [EventLine]) {
    let watched = try Watched(script, cell.form.arguments + arguments)
    // The statements after an `await` are executed after the status.
    let status = script.contains("await\n") ? watched.process.nextLine(within: .seconds(20)) : nil
    watched.allowStep()
    let result = watched.finish(within: .seconds(30))
    try demand(result.termination != nil, "it hangs; \(result.errors)")
    if case .signaled(let signal) = result.termination { throw TestFailure("signal \(signal); \(result.errors)") }
    // If finalize fails, the handle stays open in the stand-in, which is not a leak of vqwatch.
    if !cell.call.function.hasSuffix("_finalize") || outcome(of: cell) == .retried {
        try demand(watched.leaks.isEmpty, "left open: \(watched.leaks)")
    }
    return (result, try events([status].compactMap { $0 } + result.lines))
}

private func expect(_ events: [EventLine], _ kinds: [String], _ result: ChildProcess.Result) throws(TestFailure) {
    let found = events.map(\.event)
    try demand(found == kinds, "printed \(found), not \(kinds); exit \(result.status ?? -1); \(result.errors)")
}

/// Checks that standard error has this number of diagnoses, each of which names the code and the function.
private func expect(diagnoses count: Int, of cell: Cell, in errors: String) throws(TestFailure) {
    let lines = try diagnoses(errors)
    try demand(lines.count == count, "\(lines.count) diagnoses, not \(count): \(errors)")
    for line in lines {
        // After a lost notification, the diagnosis is about the end of the connection.
        let isNamed = line.contains(cell.code.name) && line.contains("from \(cell.call.function)")
        let isEnd = cell.call.title == Call.contextGetInCallback.title && line.contains("CS_ERR_LIBRARY")
        try demand(isNamed || isEnd, "the diagnosis does not name \(cell.code) from \(cell.call.function): \(line)")
    }
}

private func names(_ cell: Cell) -> Names {
    switch outcome(of: cell) {
    case .nameMissing: cell.call.function == "cmap_get" ? .oneMissing : .noNodes
    case .namesUnknown: .unknown
    default: .known
    }
}

private func tryStatus(_ cell: Cell) throws {
    let (result, events) = try run(cell, "nodes 3\n\(cell.call.fault(cell.code))\n", [])
    let wanted: (status: Int32, kinds: [String], diagnoses: Int) =
        switch outcome(of: cell) {
        case .fails: (1, [], 1)
        case .nothingPending: (75, [], 0)
        case .namesUnknown: (0, ["status"], 1)
        default: (0, ["status"], 0)
        }
    try expect(events, wanted.kinds, result)
    try demand(result.status == wanted.status, "exit \(result.status ?? -1), not \(wanted.status)")
    try expect(diagnoses: wanted.diagnoses, of: cell, in: result.errors)
    for event in events {
        try check(event, names: names(cell), votesOfNode2AreKnown: outcome(of: cell) != .votesUnknown)
    }
}

private func tryStart(_ cell: Cell) throws {
    let outcome = outcome(of: cell)
    let namesCome = outcome == .namesUnknown
    // A notification on a connection that fails before its first state is lost; the next status includes its change.
    let isLost = outcome == .waits
    let fault = cell.call.fault(cell.code)
    // The fault of a map lasts until after the status, so that no attempt is in time for it.
    let script =
        namesCome
        ? "nodes 3\n\(fault) forever\ntimeline\nexpected 4\nwait 1\nmend\n"
        : "nodes 3\n\(fault)\n" + (isLost ? "" : "timeline\nexpected 4\n")
    // A map without an entry is believed until it changes, or until the votes do.
    let isCorrected = outcome == .nameMissing
    let kinds =
        ["status"] + (isCorrected ? ["info"] : []) + (isLost ? [] : ["expected_votes"]) + (namesCome ? ["info"] : [])
    let (result, events) = try run(cell, script, ["--count", "\(kinds.count)", "--timeout", "8"])
    try expect(events, kinds, result)
    try expect(diagnoses: isLost || namesCome ? 1 : 0, of: cell, in: result.errors)
    try check(events[0], names: names(cell), votesOfNode2AreKnown: outcome != .votesUnknown)
    if isLost { return }
    if isCorrected {
        try check(events[1])
        return try check(events[2], expected: 4)
    }
    // After any other error the names are read again.
    try check(events[1], expected: 4, names: namesCome ? names(cell) : .known)
    if namesCome { try check(events[2], expected: 4) }
}

private func tryRefresh(_ cell: Cell) throws {
    let outcome = outcome(of: cell)
    let isQuiet = outcome == .retried
    // Skip the calls of the first status.
    let call = cell.call == .getinfoNode ? cell.call.at(2) : cell.call.at(4)
    let script = "nodes 3\n\(call.fault(cell.code))\n" + (isQuiet ? "timeline\nwait 300\nexpected 4\n" : "")
    let watched = try Watched(
        script,
        ["--json", "--dispatch", cell.form.mode, "--follow", "--refresh", "50ms", "--timeout", "8"]
            + ["--count", isQuiet ? "2" : "3"])
    let result = watched.finish()
    let events = try events(result.lines)
    switch outcome {
    case .retried: try expect(events, ["status", "expected_votes"], result)
    case .votesUnknown:
        try expect(events, ["status", "info", "info"], result)
        try check(events[1], votesOfNode2AreKnown: false)
    default:
        try expect(events, ["status", "disconnected", "status"], result)
        try demand(events[1].json["error"]["code"] == .string(cell.code.name), "\(events[1].json["error"])")
    }
    try expect(diagnoses: 0, of: cell, in: result.errors)
    try check(events[0])
    try check(events[events.count - 1], expected: isQuiet ? 4 : 3)
    try demand(watched.leaks.isEmpty, "left open: \(watched.leaks)")
}

/// Reading the map fails after a name has changed, with nothing else happening.
private func trySteadyMap(_ cell: Cell) throws {
    let isConnecting = ["cmap_initialize_map", "cmap_track_add", "cmap_fd_get", "cmap_finalize"]
        .contains(cell.call.function)
    let script = """
        nodes 3
        timeline
        await
        \(cell.call.fault(cell.code))
        \(isConnecting ? "hangup cmap" : "")
        key nodelist.node.1.name string renamed
        """
    let (result, events) = try run(cell, script, ["--count", "2", "--timeout", "8"])
    try expect(events, ["status", "info"], result)
    // The retry succeeds before a diagnosis is due.
    try expect(diagnoses: 0, of: cell, in: result.errors)
    try check(events[0])
    try check(events[1], names: outcome(of: cell) == .nameMissing ? names(cell) : .renamed)
}

/// Reading the names again after a reconnect fails.
private func tryReconnectMap(_ cell: Cell) throws {
    let namesCome = outcome(of: cell) == .namesUnknown
    let script = """
        nodes 3
        timeline
        await
        \(cell.call.fault(cell.code))\(namesCome ? " forever" : "")
        hangup votequorum
        \(namesCome ? "expected same\nwait 1\nmend" : "")
        """
    let kinds = ["status", "disconnected", "status"] + (namesCome ? ["expected_votes", "info"] : [])
    let (result, events) = try run(cell, script, ["--count", "\(kinds.count)", "--timeout", "8"])
    try expect(events, kinds, result)
    try expect(diagnoses: namesCome ? 1 : 0, of: cell, in: result.errors)
    try check(events[2], names: names(cell))
    if namesCome { try check(events[4]) }
}

// MARK: - Series of faults

/// Tests all codes of one call in one process. Each fault is followed by an event that triggers the call, and then by
/// new expected votes, which mark the end of the cell.
private func trySeries(_ cells: [Cell]) -> [(Cell, String)] {
    guard let first = cells.first else { return [] }
    var problems: [(Cell, String)] = []
    func note(_ cell: Cell, _ body: () throws -> Void) { problems += attempts([cell]) { _ in try body() } }

    let trigger = first.phase == .steady ? "quorum same all" : "hangup votequorum"
    var script = "nodes 3\ntimeline\n"
    for (index, cell) in cells.enumerated() {
        script += "await\n\(cell.call.fault(cell.code))\n\(trigger)\nawait\nexpected \(votes(index + 1))\n"
    }
    note(first) {
        let watched = try Watched(script, first.form.arguments)
        func read(to kind: String, for cell: Cell) throws -> [EventLine] {
            var events: [EventLine] = []
            while events.last?.event != kind {
                guard let event = try watched.process.nextEvent(within: .seconds(8)) else {
                    throw TestFailure("\(cell.code): nothing but \(events.map(\.event)); \(watched.process.errors)")
                }
                events.append(event)
            }
            return events
        }
        try check(try read(to: "status", for: first)[0])
        let descriptors = watched.descriptors
        for (index, cell) in cells.enumerated() {
            // All threads block again, so that only the calls after the trigger are counted.
            watched.process.waitUntilIdle()
            watched.allowStep()
            let isSame = cell.phase == .steady && outcome(of: cell) != .reconnects
            var events = try read(to: isSame ? "quorum" : "status", for: cell)
            if outcome(of: cell) == .retried { watched.process.waitUntilIdle() }
            watched.allowStep()
            events += try read(to: "expected_votes", for: cell)
            note(cell) { try check(series: events, of: cell, index) }
        }
        // vqwatch closes a failed connection before it opens the next one.
        if first.call != .finalize {
            try demand(watched.descriptors <= descriptors, "\(watched.descriptors) descriptors, \(descriptors) before")
            let open = watched.leaks
            try demand(
                open["open.votequorum"] == 1 && open["open.cmap"] == 2 && open["open.iterators", default: 0] == 0,
                "left open: \(open)")
        }
        watched.process.signal(SIGTERM)
        let result = watched.finish(within: .seconds(10))
        try demand(result.termination == .signaled(SIGTERM), "ended by \(String(describing: result.termination))")
        try demand(result.lines.isEmpty, "printed more: \(result.lines)")
        let lines = try diagnoses(result.errors)
        let waited = cells.filter { outcome(of: $0) == .waits }
        try demand(lines.count == waited.count, "\(lines.count) diagnoses, not \(waited.count): \(result.errors)")
        for (cell, line) in zip(waited, lines) { note(cell) { try expect(diagnoses: 1, of: cell, in: line) } }
    }
    return problems
}

/// The expected votes that a series sets after this number of faults; they differ from the last, so that stale values
/// show.
private func votes(_ index: Int) -> Int64 { index % 2 == 0 ? 3 : 4 }

private func check(series events: [EventLine], of cell: Cell, _ index: Int) throws {
    let outcome = outcome(of: cell)
    var kinds = events.map(\.event)
    for event in events where event.event != "disconnected" {
        let isMarker = event.event == "expected_votes"
        try check(
            event, expected: votes(isMarker ? index + 1 : index),
            votesOfNode2AreKnown: isMarker || outcome != .votesUnknown)
    }
    let wanted: [String]
    switch (cell.phase, outcome) {
    case (.steady, .reconnects):
        // The quorum line comes before or after the loss, or is missing if its notification was lost; the status then
        // has the change.
        wanted = ["disconnected", "status", "expected_votes"]
        if let quorum = kinds.firstIndex(of: "quorum") { kinds.remove(at: quorum) }
    case (.steady, _): wanted = ["quorum", "expected_votes"]
    default: wanted = ["disconnected", "status", "expected_votes"]
    }
    try demand(kinds == wanted, "printed \(kinds), not \(wanted)")
    if let loss = events.first(where: { $0.event == "disconnected" }) {
        let code = loss.json["error"]["code"].string ?? ""
        // After a lost notification vqwatch ends the connection itself.
        let isHungUp = cell.call.title == Call.contextGetInCallback.title
        let isOwn = code == cell.code.name && outcome == .reconnects
        let isEnd = code == "CS_ERR_LIBRARY" && (outcome != .reconnects || cell.code.isTransient || isHungUp)
        try demand(isOwn || isEnd, "the loss says \(code)")
    }
}
