// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// How a command on a node is connected with its caller; uses one node without corosync.
@Suite("Commands on a node", .serialized)
struct ExecTests {
    let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox(nodes: 1, starting: false)
    }

    @Test("The caller gets the exit status of the command, or the signal that ended it")
    func termination() throws {
        #expect(try sandbox.run(on: 1, ["bash", "-c", "exit 7"]).termination == .exited(7))
        #expect(try sandbox.run(on: 1, ["bash", "-c", "kill -TERM $$"]).termination == .signaled(SIGTERM))
        #expect(try sandbox.run(on: 1, ["/nowhere"]).status == 127)
    }

    @Test("The started process is the command itself")
    func process() throws {
        let process = try sandbox.spawn(
            on: 1, ["bash", "-c", "trap 'echo got it; exit 3' HUP; echo $$; while :; do read -rt 1; done"], input: .pipe
        )
        #expect(process.nextLine(within: .seconds(5)) == "\(process.processID)")
        process.signal(SIGHUP)
        #expect(process.nextLine(within: .seconds(5)) == "got it")
        #expect(process.wait(within: .seconds(5)) == .exited(3))
    }

    @Test("A command can be stopped and continued")
    func stopping() throws {
        let process = try sandbox.spawn(on: 1, ["cat"], input: .pipe)
        process.write("one\n")
        #expect(process.nextLine(within: .seconds(5)) == "one")
        process.signal(SIGSTOP)
        process.write("two\n")
        #expect(process.read(within: .milliseconds(300)) == .timeout)
        process.signal(SIGCONT)
        #expect(process.nextLine(within: .seconds(5)) == "two")
        process.closeInput()
        #expect(process.read(within: .seconds(5)) == .end)
        #expect(process.wait(within: .seconds(5)) == .exited(0))
    }

    @Test("A command that the node can see and its parent process end together")
    func visibleProcess() throws {
        let process = try sandbox.spawn(on: 1, ["bash", "-c", "echo $$; exec cat"], isVisible: true, input: .pipe)
        let number = try #require(process.nextLine(within: .seconds(5)))
        let child = try #require(process.onlyChild)
        #expect(textOfFile("/proc/\(child)/status")?.contains("NSpid:\t\(child)\t\(number)\n") == true)
        kill(child, SIGTERM)
        #expect(process.wait(within: .seconds(5)) == .signaled(SIGTERM))

        let other = try sandbox.spawn(on: 1, ["cat"], isVisible: true, input: .pipe)
        other.write("one\n")
        #expect(other.nextLine(within: .seconds(5)) == "one")
        let orphan = try #require(other.onlyChild)
        other.signal(SIGKILL)
        #expect(eventually(within: .seconds(5)) { kill(orphan, 0) != 0 })
    }

    @Test("The command gets the descriptors of the caller")
    func descriptors() throws {
        // If the descriptors were copied in between, they would be pipes.
        let process = try sandbox.spawn(
            on: 1, ["bash", "-c", "readlink /proc/self/fd/0; readlink /proc/self/fd/2 | tee /dev/stderr"],
            errors: .file("/dev/null"))
        #expect(process.nextLine(within: .seconds(5)) == "/dev/null")
        #expect(process.nextLine(within: .seconds(5)) == "/dev/null")
        #expect(process.wait(within: .seconds(5)) == .exited(0))
    }

    @Test("Output and errors that are larger than a pipe arrive completely")
    func largeOutput() throws {
        let result = try sandbox.run(
            on: 1, ["bash", "-c", "head -c 300000 /dev/zero >&2 & head -c 300000 /dev/zero; wait"])
        #expect(result.status == 0)
        #expect(result.outputBytes.count == 300_000)
        #expect(result.errors.utf8.count == 300_000)
    }

    @Test("A node has its own network and folders")
    func namespaces() throws {
        let addresses = try sandbox.run(on: 1, ["ip", "-o", "-4", "addr"]).output
        #expect(addresses.contains("10.77.0.1/16"))
        #expect(try sandbox.run(on: 1, ["ls", "/dev/shm"]).output.isEmpty)
        let here = try #require(realpath(".", nil))
        defer { free(here) }
        #expect(try sandbox.run(on: 1, ["pwd"]).output == String(cString: here) + "\n")
    }
}
