// SPDX-License-Identifier: MIT

import Glibc
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
        let header = try #require(textOfFile("/usr/include/corosync/\(library).h"))
        let declared = Set(
            header.matches(of: /\b((?:votequorum|cmap)_\w+)\s*\(/).map { String($0.output.1) }
                .filter { $0.hasPrefix("\(library)_") })
        #expect(declared.count >= 16)
        #expect(try Self.exported(by: StandIn.library, of: library) == declared)
    }

    @Test("Only the functions that vqwatch and the library call are simulated; the others abort with their name")
    func othersAbort() throws {
        for function in StandIn.stubs {
            let standIn = try StandIn("nodes 1")
            let result = try standIn.run([Sandbox.builtProduct(named: "standin-probe"), "call=\(function)"])
            #expect(result.termination == .signaled(SIGABRT))
            #expect(result.errors.hasPrefix("stand-in: \(function) is not simulated\n"))
        }
        let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let sources = try ChildProcess.run(
            ["grep", "-rhoE", "\\b(votequorum|cmap)_\\w+", "/\(folder)/Sources/Corosync"])
        #expect(Set(StandIn.functions).subtracting(sources.lines).isEmpty)
        #expect(Set(StandIn.stubs).isDisjoint(with: sources.lines))
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
