// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite("The stand-in's functions")
struct ExportTests {
    private static let libraries = ["votequorum", "cmap"]

    /// The functions that the library of this name exports.
    private static func exported(by path: String, of library: String) throws -> Set<String> {
        let result = try ChildProcess.run(["nm", "--dynamic", "--defined-only", "--format=just-symbols", path])
        try #require(result.status == 0, "\(result.errors)")
        // nm adds the version to a symbol of the real library.
        return Set(result.lines.map { String($0.prefix { $0 != "@" }) }.filter { $0.hasPrefix("\(library)_") })
    }

    @Test("The library exports exactly the functions that its header declares", arguments: libraries)
    func everyDeclaredFunctionIsExported(library: String) throws {
        let declared = Set(StandIn.functions.filter { $0.hasPrefix("\(library)_") })
        #expect(declared.count >= 16)
        #expect(try Self.exported(by: StandIn.library, of: library) == declared)
    }

    @Test("Every function fails with every error, known or unknown, at the call that the script names")
    func everyFunctionFails() throws {
        let codes = Array(2...31) + [77, 100]
        for function in StandIn.functions {
            let faults = codes.enumerated().map { "fail \(function) \($0.offset + 1) \($0.element)" }
            let probe = try Probe(
                script: "nodes 3\n" + faults.joined(separator: "\n"),
                codes.map { _ in "call=\(function)" }.joined(separator: " "))
            let isRight = probe.lines == codes.map { "\(function): \($0)" }
            #expect(isRight, "\(function): \(probe.lines) \(probe.diagnostics)")
        }
    }
}
