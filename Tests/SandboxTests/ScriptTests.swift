// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// The command line of the script.
@Suite("The sandbox script")
struct ScriptTests {
    @Test(
        "Invalid input is refused with one line",
        arguments: [
            ([], 64, "no command"),
            (["frobnicate"], 64, "frobnicate"),
            (["start"], 64, "no folder"),
            (["start", "FOLDER", "--nodes", "0"], 64, "--nodes"),
            (["start", "FOLDER", "--nodes", "255"], 64, "--nodes"),
            (["start", "FOLDER", "--nodes"], 64, "--nodes"),
            (["start", "FOLDER", "--votes", "1,,2"], 64, "--votes"),
            (["start", "FOLDER", "--votes", "1,1,1,1"], 64, "--votes"),
            (["start", "FOLDER", "--quorum", "wait_for_all"], 64, "--quorum"),
            (["start", "FOLDER", "--quorum", "a: 1 }"], 64, "--quorum"),
            (["start", "FOLDER", "--config", "/nowhere"], 64, "--config"),
            (["start", "FOLDER", "--uidgid", "root"], 64, "--uidgid"),
            (["start", "FOLDER", "--qnetd", "2nodelms"], 64, "--qnetd"),
            (["start", "FOLDER", "--qnetd", "lms", "--quorum", "none"], 64, "--quorum"),
            (["start", "FOLDER", "--links", "9"], 64, "--links"),
            (["start", "FOLDER", "--frobnicate"], 64, "--frobnicate"),
            (["cut", "/nowhere", "1"], 1, "no sandbox runs there"),
            (["cut", "/nowhere"], 64, "DIR NODE"),
            (["degrade", "/nowhere", "1", "101"], 64, "1 to 100"),
            (["block", "/nowhere", "1"], 64, "DIR FROM TO"),
        ] as [([String], Int32, String)])
    func invalidInput(arguments: [String], status: Int32, why: String) throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.file("sandbox")
        let result = try ChildProcess.run([Sandbox.script] + arguments.map { $0 == "FOLDER" ? folder : $0 })
        #expect(result.status == status)
        #expect(result.output.isEmpty)
        #expect(result.errors.hasPrefix("sandbox: "))
        #expect(result.errors.contains(why))
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(access(folder, F_OK) == -1)
    }

    @Test("A folder that has a file is refused, and the file stays")
    func notEmpty() throws {
        let temporary = try TemporaryFolder()
        let file = temporary.file("file")
        close(creat(file, 0o600))
        let result = try ChildProcess.run([Sandbox.script, "start", temporary.path])
        #expect(result.status == 1 && result.errors.contains("is not empty"), "\(result.errors)")
        #expect(access(file, F_OK) == 0)
    }

    @Test("setup-check prints nothing if nothing is missing")
    func setupCheck() throws {
        let result = try ChildProcess.run([Sandbox.script, "setup-check"])
        #expect(result.status == 0)
        #expect(result.output.isEmpty && result.errors.isEmpty)
    }

    @Test("A missing program is reported with its package")
    func missingTools() throws {
        // This hides /usr/sbin, where corosync is.
        let hidden = "mount -t tmpfs tmpfs /usr/sbin && PATH=/usr/bin:/bin exec \"$@\""
        let namespaces = isRoot ? "-m" : "-Urm"
        let temporary = try TemporaryFolder()
        let folder = temporary.file("sandbox")
        for arguments in [["setup-check"], ["start", folder]] {
            let result = try ChildProcess.run(
                ["unshare", namespaces, "bash", "-c", hidden, "bash", Sandbox.script] + arguments)
            #expect(result.status == 69)
            #expect(result.errors.hasPrefix("sandbox: "))
            #expect(result.errors.contains("corosync-cmapctl (Debian package corosync)"))
            #expect(access(folder, F_OK) == -1)
        }
    }

    @Test("--help names every command")
    func help() throws {
        let result = try ChildProcess.run([Sandbox.script, "--help"])
        #expect(result.status == 0)
        for verb in [
            "start", "exec", "cut", "heal", "degrade", "restore", "block", "partition", "join", "wait", "config",
            "reload", "log", "pid",
        ] {
            #expect(result.output.contains(verb))
        }
    }
}
