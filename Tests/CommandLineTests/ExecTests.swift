// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// `--exec` on a real cluster of two nodes with changes of the expected votes; floods use the stand-in.
@Suite("--exec", .serialized)
struct ExecTests {
    /// The cluster of these tests. Between two of them, it has two expected votes.
    private static let cluster = Result { try Sandbox(nodes: 2) }

    @Test("runs the command for every event, with the event as input and in variables; its output goes to stderr")
    func whatItGets() throws {
        let sandbox = try Self.cluster.get()
        defer { try? sandbox.setExpectedVotes(2) }
        let script =
            #"printf '%s|' "$VQWATCH_EVENT" "$VQWATCH_QUORATE" "$VQWATCH_CLUSTER_NAME" "$VQWATCH_LOCAL_NODE_ID" "$@"; cat"#
        let follower = try sandbox.follow([
            "--count", "2", "--exec", "sh", "-c", script, "sh", "--json", "-n", "a b", "--",
        ])
        try sandbox.setExpectedVotes(3)
        let printed = try #require(try follower.nextEvent())
        #expect(follower.wait(within: .seconds(5)) == .exited(0))
        let lines = follower.errors.split(separator: "\n").map(String.init)
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("status|yes|sandbox|1|--json|-n|a b|--|{") == true, "\(lines)")
        let line = try #require(lines.last)
        #expect(try EventLine(String(line.drop { $0 != "{" })) == printed, "\(line)")
    }

    @Test("gives the command three descriptors, no blocked signal, no ignored SIGPIPE and no service manager")
    func whatItInherits() throws {
        let sandbox = try Self.cluster.get()
        let script = #"ls /proc/self/fd | tr '\n' ' '; grep -E 'SigBlk|SigIgn' /proc/self/status; env"#
        let result = try sandbox.run(
            on: 1, [vqwatch, "-qf", "-n", "1", "--exec", "sh", "-c", script],
            environment: ["NOTIFY_SOCKET": "/nonexistent", "WATCHDOG_USEC": "1000000", "VQWATCH_QUORATE": "mine"])
        #expect(result.status == 0 && result.output == "")
        #expect(result.errors.hasPrefix("0 1 2 3 SigBlk:\t0000000000000000\n"), "\(result.errors)")
        let ignored = result.errors.split(separator: "\n").first { $0.hasPrefix("SigIgn") }?.dropFirst(8) ?? ""
        #expect(Int(ignored, radix: 16).map { $0 & 1 << (SIGPIPE - 1) } == 0)
        #expect(!result.errors.contains("NOTIFY_SOCKET") && !result.errors.contains("WATCHDOG"))
        #expect(!result.errors.contains("=mine"))
    }

    @Test(
        "passes the rest of the line to the command, even if it looks like an option",
        arguments: [
            ["--help"], ["-h"], ["--version"], ["--generate-completion-script", "bash"], ["--exec", "date"],
            ["--experimental-dump-help"], ["-f", "--count", "nonsense", "--", "--follow"], ["", "a  b", "--timeout"],
        ])
    func restOfTheLine(_ rest: [String]) throws {
        let sandbox = try Self.cluster.get()
        let result = try sandbox.run(on: 1, [vqwatch, "-qf", "-n", "1", "--exec", "printf", "<%s>"] + rest)
        #expect(result.status == 0 && result.output == "")
        #expect(result.errors == rest.map { "<\($0)>" }.joined())
    }

    @Test("passes arguments and the environment to the command as they are, also if they are not UTF-8")
    func bytes() throws {
        let sandbox = try Self.cluster.get()
        let script = #"""
            export NAME=$'n\xfe'
            cp "$(type -P printf)" "/run/p"$'\xff'
            for exec in "--exec /run/p"$'\xff' "--exec=/run/p"$'\xff'; do
                "$1" -qf -n 1 $exec '<%s>' $'a\xff\xfeb' 2>&1 | od -A n -t x1
            done
            "$1" -qf -n 1 --exec bash -c 'printf "<%s>" "$NAME"' 2>&1 | od -A n -t x1
            """#
        let result = try sandbox.run(on: 1, ["bash", "-c", script, "bash", vqwatch])
        #expect(result.output == " 3c 61 ff fe 62 3e\n 3c 61 ff fe 62 3e\n 3c 6e fe 3e\n")
        // A combining character, which is one character with the one before it.
        let combining = try sandbox.run(on: 1, [vqwatch, "-qf", "-n", "1", "--exec=\u{301}"])
        #expect(combining.errors.hasPrefix("vqwatch: cannot run --exec \u{301}: No such file"), "\(combining.errors)")
        let path = try sandbox.run(on: 1, ["bash", "-c", #""$1" -f --metrics-file "/run/m"$'\xff'"#, "bash", vqwatch])
        #expect(path.status == 64 && path.errors.contains("write a path in UTF-8"))
    }

    @Test("without a command is a usage error")
    func withoutCommand() throws {
        for rest in [["--exec"], ["--exec", ""], ["--exec", "", "true"], ["--exec="], ["--exec=", "true"]] {
            let result = try ChildProcess.run([vqwatch, "-f"] + rest)
            #expect(result.status == 64 && result.errors.contains("--exec"), "\(rest): \(result.errors)")
        }
        // After the end of the options it is an argument, and there are none.
        #expect(try ChildProcess.run([vqwatch, "-f", "--", "--exec", "true"]).status == 64)
    }

    @Test("with a missing command, a file that is no program, or a missing interpreter fails at the start")
    func missing() throws {
        let sandbox = try Self.cluster.get()
        let folder = try TemporaryFolder()
        let script = folder.file("script")
        _ = try ChildProcess.run(["sh", "-c", "echo '#!/nonexistent/sh' >\(script); chmod +x \(script)"])
        for (command, why) in [
            ("no-such-command", "No such file"), ("/etc/passwd", "Permission denied"), ("/tmp", "Permission denied"),
            (script, "No such file"),
        ] {
            for options in [["-q"], ["-q", "-n", "1"]] {
                let result = try sandbox.run(on: 1, [vqwatch, "-f"] + options + ["--exec", command])
                let start = "vqwatch: cannot run --exec \(command): \(why)"
                #expect(result.status == 1 && result.errors.hasPrefix(start), "\(result.errors)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            }
        }
    }

    @Test("reports a command that fails, and the next event is not affected")
    func failing() throws {
        let sandbox = try Self.cluster.get()
        defer { try? sandbox.setExpectedVotes(2) }
        let script = #"[ "$VQWATCH_EVENT" = status ] && exit 7; kill -KILL $$"#
        let follower = try sandbox.follow(["-n", "2", "--exec", "sh", "-c", script])
        try sandbox.setExpectedVotes(3)
        #expect(follower.wait(within: .seconds(5)) == .exited(0))
        #expect(
            follower.errors.split(separator: "\n") == [
                "vqwatch: the command of --exec failed on 'status': sh returned 7; see what it wrote",
                "vqwatch: the command of --exec failed on 'expected_votes': sh was ended by signal 9; see who sent it",
            ])
    }

    @Test("with a slow command delays no event, passes all of them, and ends after the last one")
    func slow() throws {
        let sandbox = try Self.cluster.get()
        defer { try? sandbox.setExpectedVotes(2) }
        let folder = try TemporaryFolder()
        let script = "until [ -e '\(folder.file("gate"))' ]; do sleep 0.02; done; cat >>'\(folder.file("seen"))'"
        let follower = try sandbox.follow(["-n", "4", "--exec", "sh", "-c", script])
        var printed: [EventLine] = []
        for votes in [3, 2, 3] {
            try sandbox.setExpectedVotes(votes)
            printed.append(try #require(try follower.nextEvent()))
        }
        #expect(follower.wait(within: .milliseconds(300)) == nil)
        #expect(folder.lines(of: "seen").isEmpty)
        _ = try ChildProcess.run(["touch", folder.file("gate")])
        #expect(follower.wait(within: .seconds(5)) == .exited(0))
        #expect(try EventLine.parse(folder.lines(of: "seen").dropFirst()) == printed)
    }

    @Test("with a command that writes a lot, or ignores its input, is not blocked")
    func flooding() throws {
        let sandbox = try Self.cluster.get()
        let flood = try sandbox.spawn(
            on: 1, [vqwatch, "-fj", "-n", "1", "--exec", "sh", "-c", "yes | head -c 20000000"], errors: .null)
        #expect(flood.finish(within: .seconds(10)).status == 0)
        // The line is larger than a pipe, and is not read.
        let ignored = try StandIn("nodes 900\n").run(
            [vqwatch, "-fq", "-n", "1", "--exec", "true"], within: .seconds(10))
        #expect(ignored.status == 0)
    }

    @Test("passes a thousand events in order and without loss, even while the output is not read")
    func thousand() throws {
        let folder = try TemporaryFolder()
        let watch = try StandIn("nodes 3\ntimeline\nflood 1000 expected\n").spawn(
            [vqwatch, "-fj", "-n", "1001", "--exec", "tee", "-a", folder.file("seen")], errors: .null)
        #expect(
            eventually(within: .seconds(120), every: .milliseconds(100)) { folder.lines(of: "seen").count == 1001 })
        let printed = watch.finish()
        #expect(printed.status == 0 && printed.lines.count == 1001)
        #expect(folder.lines(of: "seen") == printed.lines)
    }

    @Test("waits for less than a second for the command after a signal, and reports the events that it did not get")
    func signals() throws {
        let sandbox = try Self.cluster.get()
        defer { try? sandbox.setExpectedVotes(2) }
        let folder = try TemporaryFolder()
        // This command ends in time, unless the machine is too busy for it.
        let isAwaited = try (1...3).contains { attempt in
            let (started, gate) = (folder.file("started\(attempt)"), folder.file("gate\(attempt)"))
            let script = "touch '\(started)'; until [ -e '\(gate)' ]; do sleep 0.01; done; echo done"
            let short = try sandbox.follow(["--exec", "sh", "-c", script])
            try #require(eventually(within: .seconds(20)) { access(started, F_OK) == 0 })
            short.signal(SIGTERM)
            let waits = short.wait(within: .milliseconds(100)) == nil
            close(creat(gate, 0o600))
            return waits && short.wait(within: .aMoment) == .signaled(SIGTERM) && short.errors == "done\n"
        }
        #expect(isAwaited)
        // This command does not end in time.
        let long = try sandbox.follow(["--exec", "sh", "-c", "echo $$; exec sleep 60"])
        #expect(eventually(within: .seconds(20)) { long.errors.hasSuffix("\n") })
        let pid = Int32(long.errors.dropLast())
        defer { if let pid { kill(pid, SIGKILL) } }
        try sandbox.setExpectedVotes(3)
        _ = try long.nextEvent()
        long.signal(SIGINT)
        #expect(long.wait(within: .aMoment) == .signaled(SIGINT))
        #expect(
            long.errors.hasSuffix(
                "vqwatch: the command of --exec was cut short: sh still runs and is not stopped, and it was not run "
                    + "for the last 1 event; make it faster if it has to be run for every event\n"),
            "\(long.errors)")
    }
}

extension TemporaryFolder {
    /// The lines of a file; none if it is not there.
    fileprivate func lines(of name: String) -> [String] {
        (textOfFile(file(name)) ?? "").split(separator: "\n").map(String.init)
    }
}
