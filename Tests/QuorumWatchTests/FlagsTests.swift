// SPDX-License-Identifier: MIT

import ArgumentParser
import QuorumWatch
import Testing

@testable import vqwatch

/// The command lines that are not given to ArgumentParser.
@Suite("Flags")
struct FlagsTests {
    private static let words = [
        "-f", "--follow", "-c", "--check", "-j", "--json", "-q", "--quiet", "-fj", "-qf", "-cq", "-jfj", "-cf",
    ]
    private static let pairs = words.flatMap { first in words.map { [first, $0] } }
    private static let commandLines =
        [[]] + words.map { [$0] } + pairs
        + words.filter { $0.hasPrefix("--") }.flatMap { word in pairs.map { $0 + [word] } }

    @Test("mean what ArgumentParser makes of them, and are left to it where it refuses them")
    func agree() throws {
        let output = StandardOutput()
        var taken = 0
        for arguments in Self.commandLines {
            let parsed = try? Command.parse(arguments).plan(for: output)
            let plan = Flags(arguments)?.plan(text: output.text(in: .auto))
            #expect(plan == parsed, "\(arguments)")
            taken += plan == nil ? 0 : 1
        }
        #expect(taken > 100 && taken < Self.commandLines.count, "some are taken, some refused")
    }

    @Test(
        "are nothing else",
        arguments: ["", "-", "--", "f", "-h", "--help", "--version", "-n1", "-fn1", "-ƒ", "--follow=1", "---f", "--f"])
    func nothingElse(_ argument: String) {
        #expect(Flags([argument]) == nil)
        #expect(Flags(["-f", argument]) == nil)
    }
}
