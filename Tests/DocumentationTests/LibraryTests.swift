// SPDX-License-Identifier: MIT

internal import Glibc
internal import TestSupport
internal import Testing

@Suite("The documentation of the library", .serialized, .timeLimit(.minutes(10)))
struct LibraryTests {
    /// The folder of the programs in the articles, which are a package of their own, as any user's would be.
    private static let examples = Result {
        let scratch = Sandbox.builtProduct(named: "examples")
        let result = try ChildProcess.run(
            [
                "swift", "build", "--package-path", "\(Repository.root)/Tests/CorosyncExamples", "--scratch-path",
                scratch,
            ], within: .seconds(540))
        try #require(result.status == 0, "\(result.output)\(result.errors)")
        return "\(scratch)/debug"
    }

    @Test("has a comment for every public symbol")
    func symbols() throws {
        let modules = Sandbox.builtProduct(named: "Modules")
        let folder = try #require(try ChildProcess.run(["mktemp", "-dt", "vqwatch-symbols-XXXXXX"]).lines.first)
        defer { _ = try? ChildProcess.run(["rm", "-r", folder]) }
        let result = try ChildProcess.run(["\(Repository.root)/Scripts/symbol-graph", modules, folder])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("Corosync: "))
    }

    @Test(
        "shows the very programs that are built and run by the tests",
        arguments: [
            ("Following-quorum-from-Swift", "FollowQuorum"),
            ("Following-quorum-with-async-await", "FollowQuorumAsync"),
        ])
    func articles(_ article: String, _ example: String) throws {
        let text = try Repository.text(of: "Sources/Corosync/Corosync.docc/\(article).md")
        let shown = text.split(separator: "```swift\n").dropFirst().map { block in
            block[..<(block.firstRange(of: "\n```")?.lowerBound ?? block.endIndex)]
        }.joined(separator: "\n\n")
        let source = try Repository.text(of: "Tests/CorosyncExamples/\(example)/main.swift")
        #expect("// SPDX-License-Identifier: MIT\n\n\(shown)\n" == source)
    }

    @Test("shows the very manifest of these programs")
    func manifest() throws {
        let text = try Repository.text(of: "Sources/Corosync/Corosync.docc/Following-quorum-from-Swift.md")
        let manifest = try Repository.text(of: "Tests/CorosyncExamples/Package.swift")
        #expect(text.contains("```\n\(manifest.replacing("// SPDX-License-Identifier: MIT\n", with: ""))```\n"))
    }

    @Test("follows quorum from Swift with a program that does what it says on a real cluster")
    func follow() throws {
        let sandbox = try Sandbox(nodes: 2)
        let follower = try sandbox.spawn(on: 1, ["\(try Self.examples.get())/follow-quorum"])
        func next(_ isWanted: (String) -> Bool) -> String? { follower.nextLine(within: .seconds(20), where: isWanted) }
        #expect(follower.nextLine(within: .seconds(20)) == "cluster sandbox")
        // A busy machine can form additional rings.
        #expect(next { $0.hasSuffix(": [1, 2]") } != nil)
        #expect(next { $0.hasPrefix("quorate") } == "quorate: 2 votes, quorum 2")
        try sandbox.cut(2)
        #expect(next { $0.hasSuffix(": [1]") } != nil)
        #expect(next { $0.hasPrefix("not quorate") } == "not quorate: 1 votes, quorum 2")
        try sandbox.kill(1)
        #expect(next { $0.contains("CS_ERR_LIBRARY") } != nil)
        #expect(follower.wait(within: .seconds(5)) == .exited(0))
    }

    @Test("follows quorum with async/await with a program that does what it says on a real cluster")
    func followAsynchronously() throws {
        let sandbox = try Sandbox(nodes: 2)
        let follower = try sandbox.spawn(on: 1, ["\(try Self.examples.get())/follow-quorum-async"])
        func next() -> String? { follower.nextLine(within: .seconds(20)) }
        #expect(next() == "quorate: 2 votes, quorum 2")
        try sandbox.kill(2)
        #expect(next() == "not quorate: 1 votes, quorum 2")
        try sandbox.kill(1)
        #expect(next() == "the connection to corosync is lost (CS_ERR_LIBRARY from votequorum_dispatch)")
        #expect(next() == "corosync is not running (CS_ERR_LIBRARY from votequorum_initialize)")
        try sandbox.start(1)
        var lines: [String] = []
        while let line = next() {
            lines.append(line)
            if line == "not quorate: 1 votes, quorum 2" { break }
        }
        #expect(lines.last == "not quorate: 1 votes, quorum 2", "it connects again: \(lines)")
        follower.signal(SIGTERM)
        #expect(next() == "terminated")
        #expect(follower.wait(within: .seconds(5)) == .exited(0))
    }
}
