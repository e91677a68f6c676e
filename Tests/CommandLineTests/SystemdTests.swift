// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// The notifications to the service manager, and the installed units.
@Suite("systemd", .serialized)
struct SystemdTests {
    @Test("is notified of the start, every change, every keep-alive and the end")
    func notifications() throws {
        let sandbox = try Sandbox()
        let socket = try NotifySocket("\(sandbox.folder).notify")
        let watch = try sandbox.spawn(
            on: 1, [vqwatch, "-f", "--refresh", "0"],
            environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "400000", "WATCHDOG_PID": nil])
        // Keep-alives begin before the first status.
        #expect(
            socket.next { $0 != "WATCHDOG=1" } == "READY=1\nSTATUS=QUORATE: 3 of 3 votes, quorum 2, can lose 1 vote")
        // A keep-alive is sent after half of the timeout. A busy machine delays some.
        let pauses = (1...9).map { _ in
            let start = ContinuousClock.now
            #expect(socket.next() == "WATCHDOG=1")
            return ContinuousClock.now - start
        }
        #expect(pauses.sorted()[4] < .milliseconds(400))
        try sandbox.partition([1], [2, 3])
        let lost = "STATUS=NOT QUORATE: 1 of 3 votes, quorum 2, needs 1 more vote: node2 or node3 would give it"
        #expect(socket.next { $0 != "WATCHDOG=1" } == lost)
        try sandbox.kill(1)
        // This is skipped if the next status comes before it is sent.
        let gone = "STATUS=corosync is gone or does not answer"
        let waiting = socket.next { $0 != "WATCHDOG=1" && $0 != gone }
        #expect(
            waiting?.hasPrefix("STATUS=waiting for corosync: cannot connect to corosync") == true, "\(waiting ?? "")")
        watch.signal(SIGTERM)
        #expect(socket.next { $0 != "WATCHDOG=1" } == "STOPPING=1")
        #expect(watch.wait(within: .aMoment) == .signaled(SIGTERM))
        #expect(watch.errors.split(separator: "\n").count == 1, "\(watch.errors)")
    }

    @Test("gets no keep-alive for another process, and is notified of readiness while corosync does not run")
    func waiting() throws {
        let sandbox = try Sandbox(nodes: 1, starting: false)
        let socket = try NotifySocket("\(sandbox.folder).notify")
        let watch = try sandbox.spawn(
            on: 1, [vqwatch, "-f"],
            environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"])
        #expect(socket.next()?.hasPrefix("READY=1\nSTATUS=waiting for corosync: ") == true)
        try sandbox.start(1)
        var messages: [String] = []
        while messages.last?.hasPrefix("STATUS=QUORATE: 1 of 1 votes") != true {
            messages.append(try #require(socket.next()))
        }
        #expect(!messages.contains("WATCHDOG=1"))
        watch.signal(SIGTERM)
        #expect(socket.next() == "STOPPING=1")
    }

    @Test("is notified through an abstract socket; a missing or invalid socket is ignored")
    func sockets() throws {
        let socket = try NotifySocket("@vqwatch-test-\(getpid())")
        func follow(_ name: String) throws -> ChildProcess.Result {
            try StandIn("nodes 3\n").run(
                [vqwatch, "-fj", "-n", "1"], environment: ["NOTIFY_SOCKET": name], within: .seconds(10))
        }
        #expect(try follow(socket.name).status == 0)
        #expect(socket.next { $0 == "STOPPING=1" } != nil)
        for name in ["/nonexistent/socket", "@nobody-listens", "vsock:2:1", "@", String(repeating: "/x", count: 200)] {
            let result = try follow(name)
            #expect(result.status == 0 && result.errors == "" && result.lines.count == 1, "\(name)")
        }
    }

    @Test(
        "can start it as an ordinary user, to whom corosync gives access by root's group",
        .enabled(if: isRoot, "only root can act as another user"))
    func user() throws {
        let sandbox = try Sandbox(nodes: 1)
        let result = try sandbox.run(on: 1, [vqwatch, "-fj", "-n", "1"], as: .init(user: 64015, group: 0))
        #expect(result.status == 0 && result.errors == "")
        #expect(try EventLine(#require(result.lines.first)).isQuorate == true)
        // Without the group, access is denied.
        let other = try sandbox.run(on: 1, [vqwatch, "-f", "--no-reconnect"], as: .init(user: 64015, group: 64015))
        #expect(other.status == 1 && other.errors.contains("CS_ERR_ACCESS"))
    }

    @Test("gets at most a hundred keep-alives per second, however short the watchdog timeout")
    func watchdogRange() throws {
        let sandbox = try Sandbox(nodes: 1)
        for (interval, isShort) in [("1", true), ("\(Int64.max)", false), ("18446744073709551615", false)] {
            let socket = try NotifySocket("\(sandbox.folder).notify")
            let watch = try sandbox.spawn(
                on: 1, [vqwatch, "-f", "--refresh", "0"],
                environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": interval, "WATCHDOG_PID": nil])
            #expect(socket.next { $0.hasPrefix("READY=1") } != nil)
            // Without a lower bound, there would be tens of thousands per second.
            let start = ContinuousClock.now
            var messages = 0
            let patience: Duration = isShort ? .aMoment : .milliseconds(300)
            while messages < 200, socket.next(within: patience) == "WATCHDOG=1" { messages += 1 }
            #expect(
                isShort ? messages == 200 && ContinuousClock.now - start > .seconds(1) : messages == 0, "\(interval)")
            watch.signal(SIGTERM)
            #expect(watch.wait(within: .aMoment) == .signaled(SIGTERM))
        }
    }

    @Test("accepts the units, and rates their exposure as low")
    func units() throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path
        let packaging = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/packaging/systemd"
        let unit = "\(folder)/vqwatch.service"
        let install = #"sed "s|/usr/bin/vqwatch|$1|" "$2" >"$3""#
        func put(_ source: String, at target: String) throws {
            let result = try ChildProcess.run(["sh", "-c", install, "sh", vqwatch, "\(packaging)/\(source)", target])
            #expect(result.status == 0)
        }
        func check() throws {
            let verify = try ChildProcess.run(["systemd-analyze", "verify", "--man=no", unit])
            #expect(verify.status == 0 && verify.output + verify.errors == "")
            let security = try ChildProcess.run(
                ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", unit])
            #expect(security.status == 0, "\(security.output)")
        }
        try put("vqwatch.service", at: unit)
        try check()
        let text = try ChildProcess.run(["cat", unit]).lines
        #expect(text.contains("After=corosync.service"))
        #expect(text.contains("MemoryMax=256M"))
        #expect(!text.contains { $0.hasPrefix("Requires=") || $0.hasPrefix("BindsTo=") || $0.hasPrefix("PartOf=") })
        // Each example is a section of comments that shows a drop-in.
        let options = try ChildProcess.run(["cat", "\(packaging)/vqwatch.default"]).lines
        #expect(options.filter { $0.hasPrefix("VQWATCH_OPTIONS") } == ["VQWATCH_OPTIONS="])
        let examples = options.split { $0.isEmpty }.map { section in
            section.filter { $0.hasPrefix("#   ") }.map { $0.dropFirst(4) }.joined(separator: "\n")
        }.filter { !$0.isEmpty }
        #expect(examples.count == 2 && examples.allSatisfy { $0.hasPrefix("[Service]\n") }, "\(examples)")
        _ = try ChildProcess.run(["mkdir", "\(unit).d"])
        for example in examples + [examples.joined(separator: "\n")] {
            _ = try ChildProcess.run(["tee", "\(unit).d/override.conf"], input: example + "\n")
            try check()
        }
    }
}
