// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("The command for every event")
struct CommandRunnerTests {
    @Test("gets environment variables for the event, with harmless names, and with unknown values empty or `unknown`")
    func variables() throws {
        var cluster = Cluster.settled()
        var event = try #require(cluster.quorum(false).only)
        #expect(
            CommandRunner.variables(for: event) == [
                "VQWATCH_EVENT=quorum", "VQWATCH_QUORATE=no", "VQWATCH_CLUSTER_NAME=lab", "VQWATCH_LOCAL_NODE_ID=1",
            ])
        (event.clusterName, event.localNode, event.quorate) = ("a\nb\u{1b}", nil, nil)
        #expect(
            CommandRunner.variables(for: event) == [
                "VQWATCH_EVENT=quorum", "VQWATCH_QUORATE=unknown", "VQWATCH_CLUSTER_NAME=a\\u{a}b\\u{1b}",
                "VQWATCH_LOCAL_NODE_ID=",
            ])
    }

    @Test("gets its input and no other open descriptor, and its exit status or signal is reported")
    func spawn() {
        func run(_ arguments: String..., input: String = "") -> Spawn.Ending {
            Spawn(
                arguments: arguments.map { Array($0.utf8CString) },
                environment: [Array("PATH=/usr/bin:/bin".utf8CString)], input: Array(input.utf8)
            ).run()
        }
        #expect(run("sh", "-c", "test \"$(cat)\" = hello", input: "hello") == .exited(0))
        #expect(run("true", input: String(repeating: "more than a pipe holds", count: 10_000)) == .exited(0))
        #expect(run("sh", "-c", "exit 7") == .exited(7))
        #expect(run("sh", "-c", "kill -PIPE $$") == .signaled(13))
        // The three standard descriptors, and the one for reading the folder.
        #expect(run("sh", "-c", "set -- /proc/self/fd/*; test $# = 4") == .exited(0))
        #expect(run("/nonexistent/program") == .notStarted(2))
    }
}
