// SPDX-License-Identifier: MIT

import Glibc
import Synchronization
import TestSupport
import Testing

/// Against the stand-in: every call × every error × when × in which form.
@Suite("Every error of every call comes to what the rules say")
struct FaultMatrixTests {
    @Test("Every error of every call, at the start, later and when connecting again, in every form")
    func matrix() throws {
        #expect(Code.all.count == 30)
        let start = ContinuousClock.now
        // For one who looks into a cell: the others left out.
        let only = getenv("VQWATCH_FAULTS").map { String(cString: $0) } ?? ""
        let trials = trials().filter { trial in only.isEmpty || trial.cells.contains { $0.description.contains(only) } }
            // The long ones mostly wait, the short ones fill the time.
            .sorted { $0.cells.count > $1.cells.count }
        let bad = Atomic(0)
        let problems = inParallel(trials, by: 12) { trial in
            // Something is wrong with everything then, and each takes its time to fail.
            guard bad.load(ordering: .relaxed) < 100 else { return [(trial.cells[0], "not tried")] }
            let problems = trial.problems()
            bad.add(problems.count, ordering: .relaxed)
            return problems
        }.flatMap { $0 }
        let cells = trials.flatMap(\.cells)
        for (cell, problem) in problems.prefix(40) { Issue.record("\(cell): \(problem)") }
        #expect(problems.count == 0)
        let path = Sandbox.builtProduct(named: "fault-matrix.md")
        writeFile(table(of: cells, failed: Set(problems.map(\.0))), to: path)
        print(
            "faults tried: \(cells.count) in \(trials.count) runs, \(Set(cells.map(\.call.title)).count) calls, "
                + "\(Code.all.count) errors, \(start.duration(to: .now)); \(problems.count) not as promised; "
                + "table: \(path)")
    }
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
    var text = "# What every failure comes to\n\nOne cell is one fault that was tried.\n\n"
    text += "| call | error | \(columns.joined(separator: " | ")) |\n"
    text += "|---|---|" + columns.map { _ in "---|" }.joined() + "\n"
    for row in rows {
        text += "| \(row) | \(columns.map { outcomes[row]?[$0] ?? "" }.joined(separator: " | ")) |\n"
    }
    return text
}
