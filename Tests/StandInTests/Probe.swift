// SPDX-License-Identifier: MIT

import TestSupport

/// One run of `standin-probe` with the stand-in: a script, the calls to make, and their results.
struct Probe {
    /// The lines the probe printed, one for each call and, beginning with `- `, one for each callback.
    let lines: [String]
    /// The text on standard error.
    let diagnostics: String
    /// The counters of the report, by name.
    let report: [String: Int]

    init(script: String, _ actions: String) throws {
        let standIn = try StandIn(script)
        let result = try standIn.run(
            [Sandbox.builtProduct(named: "standin-probe")] + actions.split(separator: " ").map(String.init))
        lines = result.lines
        diagnostics = result.errors
        report = standIn.report
    }
}
