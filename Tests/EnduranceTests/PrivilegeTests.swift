// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// Checks every system call of a run with strace(1).
@Suite("Least privilege", .serialized)
struct PrivilegeTests {
    /// The forbidden action in a line of strace; nil for a call that is allowed.
    private func offence(_ line: Substring, writing allowed: String?) -> String? {
        // `1234 openat(AT_FDCWD, "…", …) = 3`, or the rest of a call that another thread interrupted.
        guard let open = line.firstIndex(of: "("), !line.contains("resumed>") else { return nil }
        let call = line[..<open].split(separator: " ").last ?? ""
        switch call {
        case "socket", "socketpair": return line.contains("AF_UNIX") ? nil : "a socket that is not local"
        case "connect", "bind", "sendto":
            return line.contains("AF_INET") || line.contains("AF_NETLINK") ? "a network address" : nil
        case "open", "openat", "openat2", "creat":
            let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].contains { line.contains($0) }
            guard writes || call == "creat" else { return nil }
            let path = line.split(separator: "\"").dropFirst().first.map(String.init) ?? ""
            // The ring buffers of a connection, which corosync's own library opens.
            if path.hasPrefix("/dev/shm/qb-") || path == "/dev/null" || allowed.map(path.hasPrefix) == true {
                return nil
            }
            return "a file opened for writing"
        case "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "chmod", "fchmodat",
            "chown", "truncate", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat", "setxattr":
            let paths = line.split(separator: "\"").dropFirst()
            if paths.first?.hasPrefix("/dev/shm/qb-") == true { return nil }
            if let allowed, paths.first?.hasPrefix(allowed) == true { return nil }
            return "a change in the file system"
        case "setuid", "setgid", "setresuid", "setresgid", "capset", "mlock", "mlockall", "sched_setscheduler",
            "ptrace",
            "kill", "tgkill", "execve", "execveat":
            // strace starts the program with execve, and the program ends by raising the signal.
            if call == "execve" || call == "tgkill" || call == "kill" { return nil }
            return "a privilege"
        default: return nil
        }
    }

    @Test("an ordinary user with a uidgid entry can use status and --follow, which change no file and use no network")
    func ordinaryUser() throws {
        // Only root can change to another user. Otherwise the test already runs as an ordinary user.
        let user = isRoot ? Sandbox.User(user: 4242, group: 4242) : nil
        let sandbox = try Sandbox(nodes: 2, allowed: user.map { [$0] } ?? [])
        let temporary = try TemporaryFolder(isShared: true)
        let folder = temporary.path
        func offences(in trace: String, writing allowed: String? = nil) -> [String] {
            (textOfFile(trace) ?? "").split(separator: "\n").compactMap { line in
                offence(line, writing: allowed).map { "\($0): \(line)" }
            }
        }
        func calls(in trace: String, writing allowed: String? = nil) -> Int {
            let lines = (textOfFile(trace) ?? "").split(separator: "\n")
            for offence in offences(in: trace, writing: allowed) { Issue.record("\(offence)") }
            #expect(lines.contains { $0.contains("socket(AF_UNIX") }, "the trace shows the connection")
            return lines.count
        }
        var seen = 0
        for options in [
            ["--format", "text"], ["--json"], ["--check"], ["--format", "prometheus"], ["--wait-for", "quorate"],
        ] {
            let trace = "\(folder)/\(options.joined())"
            let result = try sandbox.run(
                on: 1, ["strace", "-f", "-qq", "-s", "256", "-o", trace, vqwatch] + options, as: user)
            #expect(result.status == 0, "\(options): \(result.errors)")
            #expect(!result.output.isEmpty)
            seen += calls(in: trace)
        }
        let metrics = "\(folder)/metrics"
        mkdir(metrics, 0o777)
        chmod(metrics, 0o777)
        let trace = "\(folder)/follow"
        let follower = try sandbox.spawn(
            on: 1,
            [
                "strace", "-f", "-qq", "-s", "256", "-o", trace, vqwatch, "-fj", "--metrics-file",
                "\(metrics)/vqwatch.prom",
            ],
            as: user)
        #expect(try follower.nextEvent()?.event == "status")
        try sandbox.kill(2)
        #expect(try follower.nextEvent { $0.event == "quorum" && $0.node(2)["state"] == "dead" } != nil)
        try sandbox.stop(1)
        #expect(try follower.nextEvent { $0.event == "disconnected" } != nil)
        try sandbox.start(1)
        #expect(try follower.nextEvent { $0.event == "status" } != nil)
        // strace ends in the same way as its child.
        kill(try #require(follower.onlyChild), SIGTERM)
        #expect(follower.wait(within: .seconds(10)) != nil)
        seen += calls(in: trace, writing: metrics)
        #expect(namesInFolder(metrics) == ["vqwatch.prom"])

        // The check finds forbidden calls when there are some.
        let unasked = offences(in: trace)
        #expect(unasked.contains { $0.hasPrefix("a file opened for writing") })
        #expect(unasked.contains { $0.hasPrefix("a change in the file system") })
        let other = "\(folder)/other"
        let script = "exec 3<>/dev/tcp/127.0.0.1/1"
        _ = try sandbox.run(on: 1, ["strace", "-f", "-qq", "-s", "256", "-o", other, "bash", "-c", script], as: user)
        #expect(offences(in: other).contains { $0.hasPrefix("a socket that is not local") })
        print("least privilege: \(seen) lines of system calls as \(user == nil ? "an ordinary user" : "user 4242")")
    }
}
