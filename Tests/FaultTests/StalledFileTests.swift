// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// The output is a regular file on a frozen file system (with the stand-in).
@Suite("A stalled file")
struct StalledFileTests {
    /// A small file system that can be frozen (fsfreeze(8)), in a mount namespace that ends with its process.
    private final class FileSystem {
        let process: ChildProcess
        /// Its path outside the mount namespace.
        let path: String
        private let folder: TemporaryFolder

        init() throws {
            folder = try TemporaryFolder()
            let script = """
                cd "$1" && truncate -s 256M image && mkfs.ext4 -q image && mkdir mount &&
                mount -o loop image mount && rm image && echo ready || exit
                while read -r command; do
                    fsfreeze "--$command" mount && echo done || exit
                done
                fsfreeze --unfreeze mount
                exit 0
                """
            process = try ChildProcess(
                ["unshare", "--mount", "--propagation=private", "bash", "-c", script, "bash", folder.path], input: .pipe
            )
            path = "/proc/\(process.processID)/cwd/mount"
            guard process.nextLine(within: .seconds(20)) == "ready" else { throw TestFailure(process.errors) }
        }

        deinit {
            process.closeInput()
            _ = process.wait(within: .seconds(10))
        }

        func set(frozen: Bool) throws {
            process.write(frozen ? "freeze\n" : "unfreeze\n")
            guard process.nextLine(within: .seconds(20)) == "done" else { throw TestFailure(process.errors) }
        }
    }

    @Test(
        "A file system that hangs delays no dispatch; events are dropped and counted",
        .enabled(
            if: isRoot && access("/dev/loop-control", R_OK | W_OK) == 0, "only root can freeze a file system"))
    func frozen() throws {
        let fileSystem = try FileSystem()
        let file = "\(fileSystem.path)/events.json"
        // More than wait for the output at most.
        let count = 120_000
        writeFile("", to: file)
        let output = open(file, O_WRONLY | O_APPEND | O_CLOEXEC)
        try #require(output >= 0)
        defer { close(output) }
        try fileSystem.set(frozen: true)
        let watched = try Watched(
            "nodes 3\ntimeline\nflood \(count) quorum\nexpected same\n", ["--json", "--follow", "--refresh", "0"],
            output: .descriptor(output))
        let isTaken = eventually(within: .seconds(60)) { watched.report["callbacks", default: 0] >= count + 3 }
        #expect(isTaken, "\(watched.report["callbacks", default: 0]) were taken")
        try fileSystem.set(frozen: false)
        var lines: [Substring] = []
        let isWritten = eventually(within: .seconds(60), every: .milliseconds(200)) {
            lines = readFile(file).split(separator: "\n")
            return lines.last?.contains("\"event\":\"expected_votes\"") == true
        }
        try #require(isWritten, "\(lines.last ?? "nothing")")
        let dropped = try lines.filter { $0.contains("\"event\":\"dropped\"") }.map { line in
            Int(try EventLine(String(line)).json["count"].number ?? 0)
        }
        #expect(!dropped.isEmpty && lines.count - dropped.count + dropped.reduce(0, +) == count + 2)
        watched.process.signal(SIGTERM)
        #expect(watched.finish(within: .seconds(1)).termination == .signaled(SIGTERM))
        print("a file that stalls: \(lines.count - dropped.count) printed + \(dropped) dropped")
    }
}
