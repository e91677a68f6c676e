// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// A program that uses the library in one way after the other, and prints what it finds.
enum Exercise {
    static let program = Sandbox.builtProduct(named: "corosync-exercise")

    /// The results on node 1 of a cluster, by name.
    static func findings(_ part: String, on sandbox: Sandbox) throws -> [String: String] {
        findings(in: try sandbox.run(on: 1, [program, part]))
    }

    /// The results with the stand-in in place of the C libraries, by name.
    static func findings(_ part: String, script: String) throws -> [String: String] {
        findings(in: try StandIn(script).run([program, part]))
    }

    private static func findings(in result: ChildProcess.Result) -> [String: String] {
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        return Dictionary(
            result.lines.map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return (String(parts[0]), parts.count == 2 ? String(parts[1].dropFirst()) : "")
            }, uniquingKeysWith: { $1 })
    }
}
