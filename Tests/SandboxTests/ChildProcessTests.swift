// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// The other tests start and read processes with `ChildProcess`.
@Suite("Child processes of tests")
struct ChildProcessTests {
    @Test("Lines are read one by one, and the end of the output is not a timeout")
    func lines() throws {
        let process = try ChildProcess(
            ["bash", "-c", "printf 'one\\n\\ntwo\\npart'; read; echo ial; printf rest"], input: .pipe)
        #expect(process.read(within: .seconds(5)) == .line("one"))
        #expect(process.read(within: .seconds(5)) == .line(""))
        #expect(process.nextLine(within: .seconds(5), where: { $0.hasPrefix("t") }) == "two")
        #expect(process.read(within: .milliseconds(100)) == .timeout)
        #expect(process.read(within: .zero) == .timeout)
        process.write("\n")
        #expect(process.read(within: .seconds(5)) == .line("partial"))
        #expect(process.read(within: .seconds(5)) == .line("rest"))
        #expect(process.read(within: .seconds(5)) == .end)
        #expect(process.wait(within: .seconds(5)) == .exited(0))
        #expect(process.wait(within: .zero) == .exited(0))
    }

    @Test("A process blocks while its output is not read, and continues when it is read")
    func unreadOutput() throws {
        let process = try ChildProcess(["head", "-c", "300000", "/dev/zero"])
        #expect(process.wait(within: .milliseconds(200), draining: false) == nil)
        #expect(process.isRunning)
        #expect(process.wait(within: .seconds(5)) == .exited(0))
        #expect(process.readAll(within: .zero).count == 300_000)
    }

    @Test("Closing its output ends a process that writes")
    func closedOutput() throws {
        let process = try ChildProcess(["yes"])
        #expect(process.nextLine(within: .seconds(5)) == "y")
        process.closeOutput()
        #expect(process.wait(within: .seconds(5)) == .signaled(SIGPIPE))
    }

    @Test("Writing to a process that has ended fails without SIGPIPE")
    func brokenPipe() throws {
        let process = try ChildProcess(["true"], input: .pipe)
        #expect(process.wait(within: .seconds(5)) == .exited(0))
        #expect(!process.write("anything"))
    }

    @Test("Variables can be added to the environment and removed from it")
    func environment() throws {
        let result = try ChildProcess.run(
            ["bash", "-c", "echo \"$ADDED ${HOME-none} ${PATH:+path}\""], environment: ["ADDED": "yes", "HOME": nil])
        #expect(result.lines == ["yes none path"])
    }

    @Test("Standard streams can be files, other descriptors, or closed")
    func streams() throws {
        let closed = try ChildProcess.run(["bash", "-c", "exec 3>&1 && echo open"])
        #expect(closed.output == "open\n")
        let process = try ChildProcess(["bash", "-c", "exec 3>&1"], output: .closed)
        #expect(process.wait(within: .seconds(5)) == .exited(1))
        let both = try ChildProcess(["bash", "-c", "echo out; echo err >&2"], errors: .descriptor(1)).finish()
        #expect(both.output == "out\nerr\n")
        let file = try ChildProcess(["cat"], input: .file("/etc/hostname"), errors: .null).finish()
        #expect(file.output.hasSuffix("\n"))
    }

    @Test("A process that does not end in time is killed")
    func timeout() throws {
        let result = try ChildProcess.run(["sleep", "60"], within: .milliseconds(100))
        #expect(result.termination == nil && result.status == nil)
    }

    @Test("A command that does not exist is an error")
    func missingCommand() {
        #expect(throws: ChildProcess.LaunchError.self) { try ChildProcess(["/nowhere"]) }
    }

    @Test("A process is killed when its object is released")
    func release() throws {
        var process: ChildProcess? = try ChildProcess(["sleep", "60"])
        let id = try #require(process?.processID)
        #expect(kill(id, 0) == 0)
        process = nil
        #expect(kill(id, 0) == -1)
    }

    @Test("Waiting for a condition ends at its time limit")
    func condition() {
        var count = 0
        let held = eventually(within: .seconds(5), every: .milliseconds(1)) {
            count += 1
            return count == 3
        }
        #expect(held)
        #expect(!eventually(within: .milliseconds(50)) { false })
    }
}
