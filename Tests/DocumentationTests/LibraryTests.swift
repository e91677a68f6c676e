// SPDX-License-Identifier: MIT

internal import TestSupport
internal import Testing

@Suite("The documentation of the library", .timeLimit(.minutes(1)))
struct LibraryTests {
    /// Where the compiler left the modules that the tests were built with.
    static let modules = String(Repository.program.dropLast("vqwatch".count)) + "Modules"

    @Test("has a comment for every public symbol")
    func symbols() throws {
        let folder = try #require(try ChildProcess.run(["mktemp", "-dt", "vqwatch-symbols-XXXXXX"]).lines.first)
        defer { _ = try? ChildProcess.run(["rm", "-r", folder]) }
        let result = try ChildProcess.run(["\(Repository.root)/Scripts/symbol-graph", Self.modules, folder])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("Corosync: "))
    }

    @Test("follows quorum from Swift with code that compiles, and does what it says on a real cluster")
    func article() throws {
        let article = try Repository.text(of: "Sources/Corosync/Corosync.docc/Following-quorum-from-Swift.md")
        let code = article.split(separator: "```swift\n").dropFirst().map { block in
            block[..<(block.firstRange(of: "\n```")?.lowerBound ?? block.endIndex)]
        }.joined(separator: "\n\n")
        try #require(code.contains("trackStart"))

        let sandbox = try Sandbox(nodes: 2)
        defer { sandbox.close() }
        let program = "\(sandbox.folder)/article"
        let source = "\(program).swift"
        #expect(try ChildProcess.run(["tee", source], input: code + "\n").status == 0)
        let objects = try ChildProcess.run(
            ["find", String(Self.modules.dropLast("Modules".count)) + "Corosync.build", "-name", "*.o"]
        ).lines
        try #require(!objects.isEmpty)
        let compiled = try ChildProcess.run(
            [
                "swiftc", "-swift-version", "6", "-warnings-as-errors", "-I", Self.modules, "-I",
                "\(Repository.root)/Sources/CCorosync", source, "-o", program,
            ] + objects, within: .seconds(50))
        try #require(compiled.status == 0, "\(compiled.errors) \(compiled.output)")

        let follower = try sandbox.spawn(on: 1, [program])
        func next() -> String? { follower.nextLine(within: .seconds(20)) }
        #expect(next() == "cluster sandbox")
        #expect(next()?.hasSuffix(": [1, 2]") == true)
        #expect(next() == "quorate: 2 votes, quorum 2")
        try sandbox.cut(2)
        #expect(next()?.hasSuffix(": [1]") == true)
        #expect(next() == "not quorate: 1 votes, quorum 2")
        try sandbox.kill(1)
        #expect(next()?.contains("CS_ERR_LIBRARY") == true)
        #expect(follower.wait(within: .seconds(5)) == .exited(0))
    }
}
