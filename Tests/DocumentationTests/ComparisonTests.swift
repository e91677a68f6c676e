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

        #expect(try sandbox.run(on: 1, ["corosync-quorumtool", "-e", "5"]).status == 0)
        #expect(try sandbox.run(on: 2, ["corosync-quorumtool", "-v", "2"]).status == 0)
        #expect(next("Expected votes:", within: .seconds(3)) == nil)

        try sandbox.cut(3)
        #expect(next("Expected votes:", within: .seconds(20))?.contains("5") == true)
        try sandbox.kill(1)
        #expect(tool.wait(within: .seconds(10)) == .exited(1))
    }
}
