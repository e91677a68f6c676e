// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// Output to the journal, which `JOURNAL_STREAM` announces; a pipe replaces the journal's socket.
@Suite("The journal", .serialized)
struct JournalTests {
    /// Runs vqwatch on node 1 with `JOURNAL_STREAM` naming its standard output.
    private func spawn(_ sandbox: Sandbox, _ options: [String] = []) throws -> ChildProcess {
        let script = #"JOURNAL_STREAM=$(stat -L -c %d:%i /proc/$$/fd/1) exec "$@""#
        return try sandbox.spawn(on: 1, ["sh", "-c", script, "sh", vqwatch] + options)
    }

    @Test("gets lines with priorities and without a time; any other output has no priorities")
    func priorities() throws {
        let sandbox = try Sandbox(nodes: 3)
        let page = try spawn(sandbox).finish()
        #expect(page.status == 0 && page.lines.first == "<6>Cluster sandbox: QUORATE")
        #expect(page.lines.allSatisfy { $0.hasPrefix("<6>") })
        // The other formats are unchanged.
        #expect(try EventLine(try spawn(sandbox, ["-j"]).finish().lines[0]).event == "status")
        #expect(try spawn(sandbox, ["-c"]).finish().output.hasPrefix("QUORUM OK - "))
        for stream in ["", "1:2", "x:y", "1:2:3"] {
            let result = try sandbox.run(on: 1, [vqwatch], environment: ["JOURNAL_STREAM": stream])
            #expect(result.lines.first == "Cluster sandbox: QUORATE")
        }

        let follower = try spawn(sandbox, ["--follow"])
        func next(_ starts: String...) -> Bool {
            follower.nextLine(within: .seconds(20)) { line in starts.contains { line.hasPrefix($0) } } != nil
        }
        #expect(next("<6>status: QUORATE, 3 of 3 votes"))
        try sandbox.cut(3)
        #expect(next("<6>membership "))
        // In capitals if a first attempt at the ring had no quorum.
        #expect(next("<4>quorum: quorate, 2 of 3 votes", "<4>quorum: QUORATE, 2 of 3 votes"))
        try sandbox.stop(2)
        #expect(next("<2>quorum: NOT QUORATE, 1 of 3 votes"))
        try sandbox.heal(3)
        #expect(next("<4>quorum: QUORATE, 2 of 3 votes"))
        try sandbox.kill(1)
        #expect(next("<3>connection lost: "))
        follower.signal(SIGTERM)
        #expect(follower.wait(within: .aMoment) == .signaled(SIGTERM))
    }
}
