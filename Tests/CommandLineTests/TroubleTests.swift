// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// Corosync does not run, has no votequorum, denies access, or does not answer: in the status, and in every mode.
@Suite("Trouble with corosync", .serialized)
struct TroubleTests {
    /// Runs the status in the modes that end by themselves.
    private func statuses(
        on node: Int, of sandbox: Sandbox, as user: Sandbox.User? = nil, _ options: [String] = []
    ) throws -> [ChildProcess.Result] {
        try ["all", "one", "one-nonblocking"].map {
            try sandbox.run(on: node, [vqwatch, "--dispatch", $0] + options, as: user)
        }
    }

    /// Starts a follower in every mode, and takes the first line of its standard error.
    private func followers(
        on node: Int, of sandbox: Sandbox, as user: Sandbox.User? = nil
    ) throws -> [(process: ChildProcess, error: String)] {
        try dispatchModes.map { mode in
            let process = try sandbox.spawn(on: node, [vqwatch, "-f", "-j", "--dispatch", mode], as: user)
            #expect(eventually(within: .seconds(10)) { process.errors.hasSuffix("\n") })
            return (process, process.errors)
        }
    }

    private func end(_ process: ChildProcess, by signal: Int32 = SIGTERM) {
        process.signal(signal)
        #expect(process.wait(within: .aMoment) == .signaled(signal))
    }

    @Test("is not caused by a follower when an administrator unblocks quorum (quorum.cancel_wait_for_all)")
    func unblocked() throws {
        let sandbox = try Sandbox(nodes: 1)
        let corosync = try sandbox.processID(of: 1)
        let follower = try sandbox.spawn(on: 1, [vqwatch, "-f", "-j"])
        #expect(try follower.nextEvent()?.event == "status")
        for _ in 0..<20 {
            let result = try sandbox.run(on: 1, ["corosync-cmapctl", "-s", "quorum.cancel_wait_for_all", "u8", "1"])
            #expect(result.status == 0, "\(result.errors)")
        }
        #expect(try sandbox.processID(of: 1) == corosync)
    }

    @Test("that does not run: the status fails with the reason, a follower waits, or fails with --no-reconnect")
    func notRunning() throws {
        let sandbox = try Sandbox(nodes: 1, starting: false)
        for result in try statuses(on: 1, of: sandbox) + [sandbox.run(on: 1, [vqwatch, "-q"])] {
            #expect(result.status == 1 && result.output == "")
            #expect(
                result.errors.hasPrefix("vqwatch: cannot connect to corosync: corosync is not running (CS_ERR_LIBRARY"))
            #expect(
                result.errors.contains(
                    "; see its state, and why it stopped if it was running (systemctl status corosync)"))
        }
        for mode in dispatchModes {
            let result = try sandbox.run(on: 1, [vqwatch, "-f", "--no-reconnect", "--dispatch", mode])
            #expect(result.status == 1 && result.output == "" && result.lines.count == 0)
        }
        let waiting = try followers(on: 1, of: sandbox)
        for (_, error) in waiting { #expect(error.hasSuffix("; waiting for it\n")) }
        try sandbox.start(1)
        for (process, error) in waiting {
            #expect(try process.nextEvent()?.event == "status")
            // A corosync that is busy while it starts is reported as well.
            let others = process.errors.split(separator: "\n").filter { !$0.hasSuffix("; trying again") }
            #expect(others.count == 1 && process.errors.hasPrefix(error), "the reason is told once")
        }
        // With --no-reconnect, a lost connection is an event and then an error.
        let strict = try sandbox.spawn(on: 1, [vqwatch, "-fj", "--no-reconnect"])
        #expect(try strict.nextEvent()?.event == "status")
        try sandbox.stop(1)
        let result = strict.finish()
        #expect(result.status == 1)
        #expect(try EventLine.parse(result.lines).last?.event == "disconnected")
        #expect(result.errors.hasPrefix("vqwatch: lost the connection to corosync: "))
        for (process, _) in waiting { end(process, by: SIGHUP) }
    }

    @Test("without votequorum: the message names its provider, or says that it has none")
    func anotherProvider() throws {
        let sandbox = try Sandbox(nodes: 1, quorum: "none", waiting: false)
        for result in try statuses(on: 1, of: sandbox) {
            #expect(result.status == 1 && result.output == "")
            #expect(result.errors.contains("corosync runs without a quorum provider"), "\(result.errors)")
            #expect(result.errors.contains("set provider: corosync_votequorum"))
        }
        for (process, error) in try followers(on: 1, of: sandbox) {
            #expect(error.contains("corosync runs without a quorum provider"))
            end(process)
        }
    }

    @Test(
        "that denies access: the message has the reason and what to do",
        .enabled(if: isRoot, "only root can act as another user"))
    func noAccess() throws {
        let allowed = Sandbox.User(user: 4242, group: 4242)
        let sandbox = try Sandbox(nodes: 1, allowed: [allowed])
        let nobody = Sandbox.User(user: 65534, group: 65534)
        for result in try statuses(on: 1, of: sandbox, as: nobody) {
            #expect(result.status == 1 && result.output == "")
            #expect(result.errors.contains("this user may not connect to corosync (CS_ERR_ACCESS"), "\(result.errors)")
            #expect(result.errors.contains("uidgid"))
        }
        for (process, error) in try followers(on: 1, of: sandbox, as: nobody) {
            #expect(error.contains("CS_ERR_ACCESS"))
            end(process)
        }
        for result in try statuses(on: 1, of: sandbox, as: allowed) {
            #expect(result.status == 0 && result.errors == "")
        }
    }

    @Test("that is frozen before connecting: the status ends at its timeout, a follower continues when it thaws")
    func frozenBefore() throws {
        let sandbox = try Sandbox(nodes: 1)
        try sandbox.freeze(1)
        for result in try statuses(on: 1, of: sandbox, ["-t", "300ms"]) {
            #expect(result.status == 124 && result.output == "")
            #expect(result.errors.hasPrefix("vqwatch: no status that is up to date: "))
        }
        let start = ContinuousClock.now
        for process in try [[], ["-q"]].map({ try sandbox.spawn(on: 1, [vqwatch] + $0) }) {
            #expect(process.finish(within: .seconds(40)).status == 124)
            #expect((.seconds(9.5)...(.seconds(25))).contains(ContinuousClock.now - start), "10 s are the default")
        }
        let waiting = try dispatchModes.map { try sandbox.spawn(on: 1, [vqwatch, "-fj", "--dispatch", $0]) }
        // Once its connection waits to be accepted, a follower has sent a request without an answer.
        #expect(eventually(within: .seconds(10)) { waiting.allSatisfy { isBlocked($0) } })
        for mode in dispatchModes {
            let time = try duration(aimingFor: .seconds(1)) {
                let ended = try sandbox.spawn(on: 1, [vqwatch, "-fj", "--dispatch", mode])
                try #require(eventually(within: .seconds(10)) { isBlocked(ended) })
                let start = ContinuousClock.now
                end(ended)
                return ContinuousClock.now - start
            }
            #expect(time < .seconds(1), "\(mode)")
        }
        try sandbox.thaw(1)
        for process in waiting {
            #expect(try process.nextEvent { $0.event != "unresponsive" }?.event == "status")
            end(process)
        }
    }

    @Test("that is frozen while following: the silence and its end are reported")
    func frozenWhileFollowing() throws {
        let sandbox = try Sandbox(nodes: 1)
        let asking = try sandbox.follow(["--refresh", "200ms"])
        let rest = try dispatchModes.dropFirst().map { try sandbox.follow(["--dispatch", $0]) }
        try sandbox.freeze(1)
        let silent = try #require(try asking.nextEvent(within: .seconds(14)))
        #expect(silent.event == "unresponsive" && silent.isQuorate == nil)
        #expect((silent.json["silent_ms"].number ?? 0) >= 10_000)
        let stuck = try sandbox.spawn(on: 1, [vqwatch, "-fj"])
        #expect(eventually(within: .seconds(10)) { isBlocked(stuck) })
        end(stuck)
        try sandbox.thaw(1)
        // The token is lost meanwhile: a reading can come before the next ring or after it.
        let again = try #require(try asking.nextEvent { !["nodelist", "evidence"].contains($0.event) })
        #expect(["info", "quorum"].contains(again.event) && again.isQuorate == true)
        #expect(again.event == "info" ? again.changedFields == ["quorate"] : again.changedFields.contains("quorate"))
        for process in [asking] + rest { end(process) }
    }

    /// Whether the thread is connected to corosync and waits in the library for an answer.
    private func isBlocked(_ process: ChildProcess) -> Bool {
        guard let descriptors = opendir("/proc/\(process.processID)/fd") else { return false }
        defer { closedir(descriptors) }
        var sockets = 0
        while let entry = readdir(descriptors) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            var target = [CChar](repeating: 0, count: 256)
            readlink("/proc/\(process.processID)/fd/\(name)", &target, 255)
            if String(decoding: target.map { UInt8(bitPattern: $0) }, as: UTF8.self).hasPrefix("socket:") {
                sockets += 1
            }
        }
        return sockets > 0
    }
}
