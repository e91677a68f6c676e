// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// Recalculations that do not end. In each ring, votequorum waits up to `sync_timeout` for a quorum device that no longer
/// polls; if new rings are formed more often than that, it never stops recalculating.
@Suite("A recalculation that does not end", .serialized)
struct UnsettledTests {
    @Test("is reported in every dispatch mode, and until it ends, no output shows the old state as current")
    func ringAfterRing() throws {
        let sandbox = try Sandbox(qnetd: .ffsplit, device: "timeout: 20000; sync_timeout: 15000")
        let metrics = "\(sandbox.folder).prom"
        defer { unlink(metrics) }
        func samples() throws -> [String: String] { values(try ChildProcess.run(["cat", metrics])) }
        let socket = try NotifySocket("\(sandbox.folder).notify")
        let followers = try dispatchModes.map { mode in
            try sandbox.follow(["--dispatch", mode] + (mode == "all" ? ["--metrics-file", metrics] : []))
        }
        let service = try sandbox.spawn(
            on: 1, [vqwatch, "-f", "--events", "unresponsive"],
            environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": nil])
        #expect(socket.next()?.hasPrefix("READY=1\nSTATUS=QUORATE: 4 of 4 votes") == true)

        try sandbox.qdevice(on: 1).freeze()
        var isWhole = true
        /// Changes the ring; returns the next event of the follower.
        func changeRing() throws -> EventLine? {
            isWhole.toggle()
            if isWhole { try sandbox.heal(3) } else { try sandbox.cut(3) }
            // A ring may be formed again with the same members before the change.
            return try followers[0].nextEvent {
                $0.event != "info"
                    && ($0.event != "nodelist" || $0.json["members"].elements.count == (isWhole ? 3 : 2))
            }
        }
        let first = try changeRing()
        #expect(first?.event == "nodelist" && first?.isQuorate == true)
        #expect(try eventually(within: .aMoment) { try samples()["vqwatch_recalculating"] == "1" })
        #expect(try samples()["ha_cluster_corosync_quorate"] == "1")

        let late = try sandbox.spawn(on: 1, [vqwatch, "-fj"])
        // A snapshot at this time has the old flags, and includes the vote of a device that may no longer vote.
        // The next ring must follow within the sync_timeout.
        let checking = try sandbox.spawn(on: 1, [vqwatch, "-c", "--allow-absent", "node3", "-t", "2s"])
        let quiet = try sandbox.run(on: 1, [vqwatch, "-q", "-t", "2s"])
        #expect(quiet.status == 124 && quiet.errors.contains("votequorum has not finished recalculating; see "))
        let check = checking.finish()
        #expect(check.status == 3)
        #expect(try PluginLine(check.outputBytes).text.hasPrefix("votequorum has not finished recalculating; see "))
        let status = try sandbox.spawn(on: 1, [vqwatch, "-j", "-t", "2m"])
        let waiter = try sandbox.spawn(on: 1, [vqwatch, "-j", "--wait-for", "member=2"])
        let snapshot = try late.nextEvent()
        #expect(snapshot?.event == "status" && snapshot?.isQuorate == nil && snapshot?.json["votes"]["total"] == .null)

        let start = ContinuousClock.now
        var event = first
        while event?.event == "nodelist", ContinuousClock.now - start < .seconds(120) { event = try changeRing() }
        let unsettled = try #require(event)
        try #require(unsettled.event == "unsettled", "\(unsettled)")
        #expect(unsettled.isQuorate == nil && unsettled.json["ring_id"].string != nil)
        #expect((20_000...60_000).contains(unsettled.json["elapsed_ms"].number ?? 0))
        for follower in followers.dropFirst() + [late] {
            #expect(try follower.nextEvent { $0.event != "nodelist" }?.event == "unsettled")
        }
        let isUnknown = try eventually(within: .aMoment) { try samples()["ha_cluster_corosync_quorate"] == nil }
        #expect(isUnknown)
        let left = try samples()
        #expect(left["vqwatch_connected"] == "1" && left["vqwatch_recalculating"] == "1")
        #expect(left[#"vqwatch_events_total{event="unsettled"}"#] == "1")
        #expect(
            left.keys.filter { !$0.hasPrefix("vqwatch_events_total") }.sorted() == [
                "vqwatch_connected", "vqwatch_last_change_timestamp_seconds", "vqwatch_recalculating",
                "vqwatch_reconnects_total",
            ])
        #expect(
            socket.next { $0.contains("UNKNOWN") } == "STATUS=QUORUM UNKNOWN: votequorum does not finish recalculating")
        #expect(status.isRunning && waiter.isRunning)

        try sandbox.qdevice(on: 1).thaw()
        for follower in followers + [late] {
            let end = try follower.nextEvent(within: .seconds(60)) { $0.event != "nodelist" }
            let isKnown = end?.isQuorate != nil && end?.json["votes"]["total"] != .null
            #expect(end?.event == "quorum" && isKnown, "\(String(describing: end))")
            #expect(end?.json["changes"].elements.first?["from"] == .null)
        }
        #expect(try eventually(within: .aMoment) { try samples()["vqwatch_recalculating"] == "0" })
        #expect(try samples()["ha_cluster_corosync_quorate"] != nil)
        #expect(socket.next()?.contains("QUORATE: ") == true)
        // Node 2 was a member all the time, but that was not known.
        for process in [waiter, status] {
            let result = process.finish(within: .seconds(10))
            #expect(result.lines.count == 1 && result.status != nil, "\(result.errors)")
            let line = try EventLine(result.lines[0])
            #expect(line.isQuorate != nil && line.node(2)["state"] == "member")
        }
        service.signal(SIGTERM)
    }

    @Test("is not reported while votequorum notifies of every change of the ring, however many there are")
    func storm() throws {
        let sandbox = try Sandbox(nodes: 5)
        let followers = try dispatchModes.map { try sandbox.follow(["--dispatch", $0]) }
        // Each change is seen before the next one, so that a slow machine does not merge them into one ring.
        let everyNode = [1, 2, 3, 4, 5]
        for node in 2...5 { try sandbox.kill(node) }
        try sandbox.wait(node: 1, members: [1])
        for node in 2...5 {
            try sandbox.start(node)
            try sandbox.wait(node: 1, members: Array(1...node))
        }
        for node in 2...5 {
            try sandbox.stop(node)
            try sandbox.wait(node: 1, members: everyNode.filter { $0 != node })
            try sandbox.start(node)
            try sandbox.wait(node: 1, members: everyNode)
        }
        // The last event of every follower.
        try sandbox.setExpectedVotes(6)
        for follower in followers {
            var kinds: [String] = []
            while kinds.last != "expected_votes" {
                guard let event = try follower.nextEvent() else { throw TestFailure("\(kinds)") }
                kinds.append(event.event)
            }
            #expect(kinds.count { $0 == "nodelist" } >= 13)
            #expect(!kinds.contains("unsettled"), "\(kinds)")
        }
    }

    @Test(
        "is not assumed when the statistics map cannot be read, or when corosync is only overloaded",
        arguments: [
            "fail cmap_initialize_map 1 CS_ERR_ACCESS", "fail cmap_iter_init 1 CS_ERR_LIBRARY",
            "fail cmap_get 1 CS_ERR_NOT_EXIST key=stats.ipcs.service0.7.0x1.flow_control",
            "key stats.ipcs.service5.7.0x2.flow_control uint32 2",
        ])
    func unknownStatistics(fault: String) throws {
        let held = "nodes 3\nqdevice Qdevice\nkey stats.ipcs.service0.7.0x1.flow_control uint32 2\n"
        func status(_ script: String, within timeout: String = "10s") throws -> ChildProcess.Result {
            try StandIn(script).run([vqwatch, "-q", "-t", timeout])
        }
        let recalculating = try status(held, within: "3s")
        #expect(recalculating.status == 124 && recalculating.errors.contains(" has not finished recalculating; "))
        // The end of the recalculation is notified.
        #expect(try status(held + "timeline\nwait 200\nquorum 0 1=member,2=member,3=member\n").status == 2)
        #expect(try status(held + fault + "\n").status == 0)
    }

    @Test("is reported when the membership has changed three times without a notification from votequorum")
    func untoldRings() throws {
        // Totem forms a new ring each time before corosync has synchronised its services in the last one.
        let script = """
            nodes 3
            key runtime.members.2.status string joined
            key runtime.members.2.join_count uint32 1
            timeline
            await
            \((2...12).map { "key runtime.members.2.join_count uint32 \($0)\nwait 500" }.joined(separator: "\n"))
            nodelist next 1,2,3
            quorum auto
            key runtime.members.2.join_count uint32 20
            wait 500
            expected 4
            """
        let standIns = try dispatchModes.map { _ in try StandIn(script) }
        let watchers = try zip(standIns, dispatchModes).map { standIn, mode in
            try standIn.spawn([vqwatch, "-fj", "--dispatch", mode, "-t", "1m"])
        }
        for watch in watchers { #expect(try watch.nextEvent()?.event == "status") }
        let start = ContinuousClock.now
        for standIn in standIns { standIn.allowStep() }
        for watch in watchers {
            let unsettled = try watch.nextEvent()
            #expect(unsettled?.event == "unsettled" && unsettled?.isQuorate == nil)
            let elapsed = Duration.milliseconds(unsettled?.json["elapsed_ms"].number ?? 0)
            #expect(elapsed > .zero && elapsed < ContinuousClock.now - start)
            // It is reported once, and ends with the quorum notification of the next ring.
            let nodelist = try watch.nextEvent()
            #expect(nodelist?.event == "nodelist" && nodelist?.isQuorate == nil)
            let end = try watch.nextEvent()
            #expect(end?.event == "quorum" && end?.isQuorate == true)
            #expect(try watch.nextEvent()?.event == "expected_votes")
            watch.signal(SIGTERM)
        }
    }

    @Test("is reported when each ring of a real cluster breaks before votequorum hears of it")
    func brokenRings() throws {
        // Without additional rings on a busy machine.
        let sandbox = try Sandbox(nodes: 5, totem: "token: 2000")
        let followers = try dispatchModes.map { try sandbox.follow(on: 4, ["--dispatch", $0]) }
        // After totem has formed a ring, corosync notifies the clients that track the membership, once for each node that
        // left, and only then begins to synchronise. In a ring, the node with the lowest ID is the last to do so. Node 1
        // freezes at its first notification, node 2 at its second, node 3 at its third: each in a ring of its own.
        let freezing = try (1...3).map { node in
            let client = try sandbox.follow(on: node)
            let daemon = try sandbox.processID(of: node)
            let tracer = try ChildProcess([
                "strace", "-qq", "-o", "/dev/null", "-p", "\(daemon)", "-e", "trace=sendto",
                "-e", "inject=sendto:signal=STOP:when=\(node)",
            ])
            let isTraced = eventually(within: .seconds(10)) {
                textOfFile("/proc/\(daemon)/status")?.contains("\nTracerPid:\t\(tracer.processID)\n") == true
            }
            try #require(isTraced, "\(tracer.errors)")
            return (client, tracer)
        }
        let start = ContinuousClock.now
        try sandbox.kill(5)
        // Votequorum has marked the nodes of the lost rings as dead, and has not decided what follows from that.
        var check: ChildProcess.Result?
        _ = try eventually(within: .seconds(60)) {
            check = try sandbox.run(
                on: 4, [vqwatch, "-c", "-t", "1s"] + [1, 2, 3, 5].flatMap { ["--allow-absent", "\($0)"] })
            return check?.output.contains("5 of 5 votes") == false
        }
        #expect(
            check?.status == 3 && check?.output.hasPrefix("QUORUM UNKNOWN") == true, "\(String(describing: check))")
        for follower in followers {
            let unsettled = try follower.nextEvent(within: .seconds(60)) { $0.event != "info" }
            #expect(unsettled?.event == "unsettled" && unsettled?.isQuorate == nil, "\(String(describing: unsettled))")
            let elapsed = Duration.milliseconds(unsettled?.json["elapsed_ms"].number ?? 0)
            // In this time, the token is lost twice.
            #expect(elapsed > .seconds(1) && elapsed < ContinuousClock.now - start)
            // Node 4 is left alone.
            let nodelist = try follower.nextEvent(within: .seconds(60))
            #expect(nodelist?.event == "nodelist" && nodelist?.json["members"].elements.count == 1)
            let end = try follower.nextEvent()
            #expect(end?.event == "quorum" && end?.isQuorate == false)
        }
        withExtendedLifetime(freezing) {}
    }
}
