// SPDX-License-Identifier: MIT

import Glibc
import Synchronization
import TestSupport
import Testing

/// With the stand-in: every call × every error × every phase × every form.
@Suite("Library errors")
struct FaultMatrixTests {
    @Test("Every error of every call is handled by the rules, at the start, later and on reconnect, in every form")
    func matrix() throws {
        #expect(Code.all.count == 30)
        let start = ContinuousClock.now
        // For debugging: only the cells whose description has this text.
        let only = getenv("VQWATCH_FAULTS").map { String(cString: $0) } ?? ""
        let trials = trials().filter { trial in only.isEmpty || trial.cells.contains { $0.description.contains(only) } }
            // Start the long runs first, because they mostly wait.
            .sorted { $0.cells.count > $1.cells.count }
        let bad = Atomic(0)
        let problems = inParallel(trials, by: 12) { trial in
            // After 100 problems, do not spend time on the rest.
            guard bad.load(ordering: .relaxed) < 100 else { return [(trial.cells[0], "not tried")] }
            let problems = trial.problems()
            bad.add(problems.count, ordering: .relaxed)
            return problems
        }.flatMap { $0 }
        let cells = trials.flatMap(\.cells)
        for (cell, problem) in problems.prefix(40) { Issue.record("\(cell): \(problem)") }
        #expect(problems.count == 0)
        let path = Sandbox.builtProduct(named: "fault-matrix.md")
        let table = table(of: cells, failed: Set(problems.map(\.0)))
        writeFile(table, to: path)
        Attachment.record(table, named: "fault-matrix.md")
        print(summary(of: cells))
        print(
            "faults tried: \(cells.count) in \(trials.count) runs, \(Set(cells.map(\.call.title)).count) calls, "
                + "\(Code.all.count) errors, \(start.duration(to: .now)); \(problems.count) failed; "
                + "table: \(path)")
    }

    @Test("The matrix has exactly the library calls that vqwatch makes", arguments: Form.allCases)
    func everyCallIsTried(form: Form) throws {
        let isStatus = Form.statuses.contains(form)
        let events = """
            timeline
            wait 200
            quorum same all
            key nodelist.node.1.name string renamed
            wait 200
            hangup
            """
        let watched = try Watched(
            "nodes 3\n\(isStatus ? "" : events)\n", form.arguments + ["--timeout", isStatus ? "10s" : "2s"])
        #expect(watched.finish().status == (isStatus ? 0 : 124))
        let made = Set(
            watched.report.filter { $0.key.hasPrefix("call.") && $0.value > 0 }.map { String($0.key.dropFirst(5)) })
        // The calls of the map are made by another thread, so only one form of each kind tests them.
        let model: Form = isStatus ? .statusAll : .followAll
        let cells = trials().flatMap(\.cells).filter { $0.form == ($0.call.isMap ? model : form) }
        let tried = Set(cells.map(\.call.function))
        #expect(made == tried)
    }
}

/// How many faults of each call had each outcome.
private func summary(of cells: [Cell]) -> String {
    let titles = cells.reduce(into: [String]()) { if !$0.contains($1.call.title) { $0.append($1.call.title) } }
    return titles.map { title in
        let counts = cells.filter { $0.call.title == title }.reduce(into: [:]) { $0[outcome(of: $1), default: 0] += 1 }
        let outcomes = Outcome.allCases.compactMap { outcome in counts[outcome].map { "\($0) \(outcome.rawValue)" } }
        return "faults: \(title): \(outcomes.joined(separator: ", "))"
    }.joined(separator: "\n")
}

/// The matrix as Markdown.
private func table(of cells: [Cell], failed: Set<Cell>) -> String {
    var columns: [String] = []
    var rows: [String] = []
    var outcomes: [String: [String: String]] = [:]
    for cell in cells {
        let column = "\(cell.phase.rawValue): \(cell.form.rawValue)"
        let row = "\(cell.call.title) | \(cell.code)"
        if !columns.contains(column) { columns.append(column) }
        if outcomes[row] == nil { rows.append(row) }
        outcomes[row, default: [:]][column] = outcome(of: cell).rawValue + (failed.contains(cell) ? " **failed**" : "")
    }
    var text = "# Outcomes of library errors\n\nEach cell is one fault that was tested.\n\n"
    text += "| call | error | \(columns.joined(separator: " | ")) |\n"
    text += "|---|---|" + columns.map { _ in "---|" }.joined() + "\n"
    for row in rows {
        text += "| \(row) | \(columns.map { outcomes[row]?[$0] ?? "" }.joined(separator: " | ")) |\n"
    }
    return text
}
