// SPDX-License-Identifier: MIT

internal import TestSupport
internal import Testing

@Suite("The README's claims about other tools", .timeLimit(.minutes(1)))
struct ComparisonTests {
    @Test("corosync-quorumtool -m reports changes of the members, not of votes, and ends when corosync ends")
    func quorumTool() throws {
        let sandbox = try Sandbox()
        defer { sandbox.close() }
        let tool = try sandbox.spawn(on: 1, ["stdbuf", "-oL", "corosync-quorumtool", "-m"])
        /// The value of the next line that begins with this field.
        func next(_ field: String, within limit: Duration) -> String? {
            tool.nextLine(within: limit) { $0.hasPrefix(field) }.map { String($0.dropFirst(field.count)) }
        }
        #expect(next("Expected votes:", within: .seconds(10))?.contains("3") == true)
        #expect(next("Membership information", within: .seconds(5)) != nil)

        // A busy machine can form an additional ring, which would be reported; hence several attempts.
        var expected = ""
        let isSilent = try [("5", "2"), ("4", "1"), ("5", "2")].contains { votes, own in
            expected = votes
            let settings = [
                try sandbox.run(on: 1, ["corosync-quorumtool", "-e", votes]),
                try sandbox.run(on: 2, ["corosync-quorumtool", "-v", own]),
            ]
            #expect(settings.allSatisfy { $0.status == 0 })
            return next("Expected votes:", within: .seconds(3)) == nil
        }
        #expect(isSilent)

        try sandbox.cut(3)
        #expect(next("Expected votes:", within: .seconds(20))?.contains(expected) == true)
        try sandbox.kill(1)
        #expect(tool.wait(within: .seconds(10)) == .exited(1))
    }
}
