// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// A copy of a built file without debug information, which valgrind cannot read from this compiler.
func stripped(_ file: String, in folder: TemporaryFolder) throws -> String {
    let path = "\(folder.path)/\(file.split(separator: "/").last!)"
    let result = try ChildProcess.run(["strip", "--strip-debug", "-o", path, file])
    guard result.status == 0 else { throw TestFailure("strip: \(result.errors)") }
    return path
}

/// The program under valgrind(1), on a real cluster with the real libraries.
@Suite("Memory", .serialized)
struct MemoryTests {
    @Test("valgrind finds no invalid access and no leak, in a status and across reconnects")
    func valgrind() throws {
        let folder = try TemporaryFolder(isShared: true)
        let program = try stripped(vqwatch, in: folder)
        let suppressions = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/valgrind.supp"
        let sandbox = try Sandbox(nodes: 2)
        func command(_ name: String) -> [String] {
            [
                "valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect",
                "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99", "--suppressions=\(suppressions)",
                "--log-file=\(folder.path)/\(name)", program,
            ]
        }
        /// The errors in the log of valgrind, which also reports the signal.
        func findings(_ name: String) -> String {
            let log = textOfFile("\(folder.path)/\(name)") ?? "no log of valgrind"
            return ["lost in loss record", "Invalid", "ninitialised", "Mismatched", "overlap", "no log"]
                .contains(where: log[...].has) ? log : ""
        }

        let status = try sandbox.run(on: 1, command("status"), within: .seconds(60))
        #expect(status.status == 0 && findings("status").isEmpty, "\(status.errors)\(findings("status"))")
        for mode in ["all", "one-nonblocking"] {
            let follower = try sandbox.spawn(
                on: 1, command(mode) + ["-fj", "--refresh", "100ms", "--dispatch", mode])
            #expect(try follower.nextEvent(within: .seconds(90))?.event == "status")
            try sandbox.cut(2)
            #expect(try follower.nextEvent(within: .seconds(90)) { $0.event == "quorum" } != nil)
            try sandbox.kill(1)
            #expect(try follower.nextEvent(within: .seconds(90)) { $0.event == "disconnected" } != nil)
            try sandbox.start(1)
            #expect(try follower.nextEvent(within: .seconds(90)) { $0.event == "status" } != nil)
            try sandbox.heal(2)
            #expect(try follower.nextEvent(within: .seconds(90)) { $0.node(2)["state"] == "member" } != nil)
            // Wait until it is idle, because valgrind cannot follow the tagged pointers of Swift.
            let isIdle = try eventually(within: .seconds(90)) {
                try follower.nextEvent(within: .milliseconds(500)) == nil
            }
            #expect(isIdle)
            follower.signal(SIGTERM)
            #expect(follower.wait(within: .seconds(90)) == .signaled(SIGTERM))
            #expect(findings(mode).isEmpty, "\(findings(mode))")
        }
    }
}
