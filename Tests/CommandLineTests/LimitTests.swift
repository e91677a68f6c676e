// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// Limits of the system, and the ends of the ranges of the options.
@Suite("Limits", .serialized)
struct LimitTests {
    /// The prefix that runs a command as a user without another process, since root has no limit of processes.
    private static let ordinaryUser =
        isRoot ? ["setpriv", "--reuid=64123", "--regid=64123", "--clear-groups"] : []

    private static func isSaid(_ call: String, _ advice: String, in errors: String) -> Bool {
        errors.hasPrefix("vqwatch: cannot start: \(call)") && errors.hasSuffix("; \(advice)\n")
    }

    @Test("Without another thread, the program fails with a diagnosis, and a check is UNKNOWN")
    func noThreads() throws {
        let advice = "allow more processes (ulimit -u, or TasksMax= of the unit)"
        func run(_ options: [String]) throws -> ChildProcess.Result {
            try ChildProcess.run(Self.ordinaryUser + ["prlimit", "--nproc=1", vqwatch] + options)
        }
        for options in [[], ["-q"], ["-f"], ["-f", "--exec", "true"], ["-w", "quorate"], ["-f", "--no-reconnect"]] {
            let result = try run(options)
            #expect(result.status == 1 && result.output == "", "\(options)")
            #expect(Self.isSaid("the ", advice, in: result.errors), "\(options): \(result.errors)")
        }
        let check = try run(["-c"])
        #expect(check.status == 3 && check.errors == "")
        #expect(check.output.hasPrefix("QUORUM UNKNOWN - cannot start: the ") && check.lines.count == 1)
        let quiet = try run(["-cq"])
        #expect(quiet.status == 3 && quiet.output == "")
        #expect(Self.isSaid("the ", advice, in: quiet.errors), "\(quiet.errors)")
    }

    @Test("With few descriptors, the program works or says that there are too few, and a signal ends it")
    func fewDescriptors() throws {
        let sandbox = try Sandbox(nodes: 1)
        let advice = "allow more open files (ulimit -n)"
        var failures = 0
        var statuses = 0
        // The last descriptor is that of the folder.
        let inherited = try sandbox.run(on: 1, ["ls", "/proc/self/fd"]).lines
        #expect(inherited == ["0", "1", "2", "3"], "what a test leaves open would count")
        // With fewer than five, its libraries cannot be loaded.
        for limit in 5...40 {
            func start(_ options: [String]) throws -> ChildProcess {
                try sandbox.spawn(on: 1, ["prlimit", "--nofile=\(limit)", vqwatch] + options)
            }
            let check = try start(["-c", "-t", "20s"]).finish()
            if check.status == 0 {
                #expect(check.output.hasPrefix("QUORUM OK - ") && check.errors == "", "\(limit): \(check.errors)")
            } else {
                #expect(check.status == 3 && check.output.hasPrefix("QUORUM UNKNOWN - "), "\(limit)")
                #expect((check.output + check.errors).contains(advice), "\(limit): \(check.output)\(check.errors)")
            }
            let follower = try start(["-fjl"])
            var line: String?
            let isSettled = eventually(within: .seconds(20)) {
                line = line ?? follower.nextLine(within: .zero)
                return line != nil || follower.errors.hasSuffix("\n") || !follower.isRunning
            }
            #expect(isSettled, "\(limit)")
            follower.signal(SIGTERM)
            let end = follower.wait(within: .aMoment)
            statuses += line == nil ? 0 : 1
            if end == .exited(1) {
                failures += 1
                #expect(Self.isSaid("", advice, in: follower.errors), "\(limit): \(follower.errors)")
            } else {
                #expect(end == .signaled(SIGTERM), "\(limit): \(follower.errors)")
                let diagnoses = follower.errors.split(separator: "\n")
                #expect(line != nil || !diagnoses.isEmpty, "\(limit)")
                #expect(diagnoses.allSatisfy { $0.contains(advice) }, "\(limit): \(diagnoses)")
            }
        }
        #expect(failures > 2 && statuses > 2, "\(failures) failures, \(statuses) statuses")
    }

    @Test("The program gets its arguments without /proc")
    func withoutProc() throws {
        let sandbox = try Sandbox(nodes: 1)
        func run(_ options: [String]) throws -> ChildProcess.Result {
            let hide = "mount -t tmpfs none /proc && exec \"$@\""
            return try sandbox.run(
                on: 1, ["unshare", "--mount", "--propagation=private", "sh", "-c", hide, "sh", vqwatch] + options)
        }
        let check = try run(["--check"])
        #expect(check.status == 0 && check.output.hasPrefix("QUORUM OK - "), "\(check.output)\(check.errors)")
        #expect(try run(["--version"]).output.hasPrefix("vqwatch "))
        let follower = try run(["-fj", "-n", "1", "--exec", "echo", "runs"])
        #expect(follower.status == 0 && follower.errors == "runs\n")
        #expect(try follower.lines.map { try EventLine($0).event } == ["status"])
        #expect(try run(["--nonsense"]).status == 64)
    }

    @Test(
        "The longest and the shortest durations disturb nothing")
    func durations() throws {
        let sandbox = try Sandbox(nodes: 2)
        for (timeout, refresh) in [("8760h", "8760h"), ("8760h", "0.000001ms"), ("525600m", "0")] {
            let follower = try sandbox.follow([
                "-t", timeout, "--refresh", refresh, "-n", "\(Int.max)", "--events", "status,expected_votes",
            ])
            for votes in [3, 2] {
                try sandbox.setExpectedVotes(votes)
                #expect(try follower.nextEvent()?.json["votes"]["expected"] == .number(Int64(votes)))
            }
            if refresh != "0.000001ms" {
                let words = (textOfFile("/proc/\(follower.processID)/stat") ?? "").split(separator: " ")
                #expect(words.count > 14 && Int(words[13])! + Int(words[14])! < 50, "half a second of processor time")
            }
            follower.signal(SIGTERM)
            #expect(follower.wait(within: .aMoment) == .signaled(SIGTERM))
        }
        let check = try sandbox.run(on: 1, [vqwatch, "-c", "--warn-margin", "4294967295"])
        #expect(check.status == 1 && check.output.hasPrefix("QUORUM WARNING"))
    }
}
