// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// Recalculations that do not end, and memberships that are never completed. In each ring, votequorum waits up to `sync_timeout` for a quorum device that no longer
/// polls; if new rings are formed more often than that, it never stops recalculating.
@Suite("A recalculation that does not end", .serialized)
struct UnsettledTests {
    /// The events that can come between one that a test waits for and the next.
    private static let passing: Set = ["nodelist", "info", "link", "evidence"]

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
                !["info", "link", "evidence"].contains($0.event)
                    && ($0.event != "nodelist" || $0.json["members"].elements.count == (isWhole ? 3 : 2))
            }
        }
        let first = try changeRing()
        #expect(first?.event == "nodelist" && first?.isQuorate == nil)
        #expect(try eventually(within: .aMoment) { try samples()["vqwatch_recalculating"] == "1" })
        #expect(try samples()["ha_cluster_corosync_quorate"] == "1")

        let late = try sandbox.spawn(on: 1, [vqwatch, "-fj"])
        // A snapshot at this time has the old flags, and includes the vote of a device that may no longer vote.
        // The next ring must follow within the sync_timeout.
        let checking = try sandbox.spawn(on: 1, [vqwatch, "-c", "--allow-absent", "node3", "-t", "2s"])
        let quiet = try sandbox.run(on: 1, [vqwatch, "-q", "-t", "2s"])
        #expect(quiet.status == 124 && quiet.errors.contains("corosync has not completed a change of the membership: "))
        let check = checking.finish()
        #expect(check.status == 3)
        #expect(
            try PluginLine(check.outputBytes).text.hasPrefix("corosync has not completed a change of the membership: "))
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
        #expect(unsettled.json["reason"] == "recalculation")
        #expect((20_000...60_000).contains(unsettled.json["elapsed_ms"].number ?? 0))
        for follower in followers.dropFirst() + [late] {
            #expect(try follower.nextEvent { !Self.passing.contains($0.event) }?.event == "unsettled")
        }
        let isUnknown = try eventually(within: .aMoment) { try samples()["ha_cluster_corosync_quorate"] == nil }
        #expect(isUnknown)
        let left = try samples()
        #expect(left["vqwatch_connected"] == "1" && left["vqwatch_recalculating"] == "1")
        #expect(left[#"vqwatch_events_total{event="unsettled"}"#] == "1")
        let outdated = [
            "ha_cluster_corosync_quorate", "ha_cluster_corosync_quorum_votes", "ha_cluster_corosync_member_votes",
            "vqwatch_quorum_", "vqwatch_if_down_quorate",
        ]
        #expect(!left.keys.contains { key in outdated.contains { key.hasPrefix($0) } }, "\(left.keys)")
        let unknown = "STATUS=QUORUM UNKNOWN: corosync has not completed a change of the membership: "
        #expect(socket.next { $0.hasPrefix(unknown) } != nil)
        #expect(status.isRunning && waiter.isRunning)

        try sandbox.qdevice(on: 1).thaw()
        for follower in followers + [late] {
            let end = try follower.nextEvent(within: .seconds(60)) { !Self.passing.contains($0.event) }
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
            "fail cmap_iter_init 1 CS_ERR_TRY_AGAIN forever",
            "fail cmap_get 1 CS_ERR_NOT_EXIST key=stats.ipcs.service0.7.0x1.flow_control",
            "key stats.ipcs.service5.7.0x2.flow_control uint32 2",
        ])
    func unknownStatistics(fault: String) throws {
        let held = "nodes 3\nqdevice Qdevice\nkey stats.ipcs.service0.7.0x1.flow_control uint32 2\n"
        func status(_ script: String, within timeout: String = "10s") throws -> ChildProcess.Result {
            try StandIn(script).run([vqwatch, "-q", "-t", timeout])
        }
        let recalculating = try status(held, within: "3s")
        #expect(
            recalculating.status == 124
                && recalculating.errors.contains(" has not completed a change of the membership: "))
        // The end of the recalculation is notified.
        #expect(try status(held + "timeline\nwait 200\nquorum 0 1=member,2=member,3=member\n").status == 2)
        #expect(try status(held + fault + "\n").status == 0)
    }

    @Test(
        "is assumed when corosync does not answer at once whether it synchronises, as while it does so",
        arguments: [
            "fail cmap_iter_init 1 CS_ERR_TRY_AGAIN times=3", "delay cmap_initialize_map 1 2500",
            "delay cmap_iter_init 1 2500", "hang cmap_iter_init 1",
        ])
    func lateAnswer(fault: String) throws {
        let script = "nodes 3\nqdevice Qdevice\nkey stats.ipcs.service0.7.0x1.flow_control uint32 2\n" + fault
        let result = try StandIn(script).run([vqwatch, "-q", "-t", "5s"])
        #expect(result.status == 124)
        #expect(result.errors.contains("has not completed a change of the membership"))
    }

    @Test("is assumed while the maps do not answer, and no longer when they do", arguments: ["all", "one", "blocking"])
    func lateMaps(mode: String) throws {
        let cluster = "nodes 3\nnode 3 state=dead\n"
        let late = try StandIn(cluster + "hang cmap_iter_init 1\n")
        let once = mode == "blocking" ? "one-nonblocking" : mode
        let status = try late.run([vqwatch, "-j", "-t", "3s", "--dispatch", once])
        let line = try EventLine(try #require(status.lines.first))
        #expect(status.status == 124 && line.isQuorate == nil && line.node(3)["state"] == "dead")
        #expect(
            line.json["local_node_id"] == 1 && line.json["problems"].elements.contains { $0["code"] == "unsettled" })
        let slow = try StandIn(cluster + "delay cmap_iter_init 1 2500\n")
        #expect(try slow.run([vqwatch, "-q", "--dispatch", once]).status == 0)
        let follower = try slow.run([vqwatch, "-f", "-j", "-n", "2", "--events", "status,info", "--dispatch", mode])
        #expect(try EventLine.parse(follower.lines).map(\.isQuorate) == [nil, true])
    }

    @Test("does not hide a corosync that hangs meanwhile, nor a change")
    func eventsWhileMapsAreLate() throws {
        let cluster = "nodes 3\nnode 3 state=dead\n"
        let hanging = try StandIn(
            cluster + "hang cmap_iter_init 1\ntimeline\nwait 3000\nhang votequorum_getinfo 1\n")
        let follower = try hanging.run([vqwatch, "-f", "-j", "-n", "2", "-t", "30s"])
        #expect(try EventLine.parse(follower.lines).map(\.event) == ["status", "unresponsive"])
        let late = "delay cmap_iter_init 1 2500\n"
        let change = "timeline\nwait 4000\nnodelist next all\nquorum auto 1=member,2=member,3=member\n"
        for synchronizing in ["", "key stats.ipcs.service0.7.0x1.flow_control uint32 2\n"] {
            let script = cluster + synchronizing + late + change
            let once = try StandIn(script).run(
                [vqwatch, "-j", "--changes-only", "--dispatch", "one", "-t", "10s"])
            #expect(try EventLine.parse(once.lines).map(\.event) == ["nodelist"])
        }
    }

    @Test("does not make the statistics unknown that were read before it was asked for")
    func lateQuestion() throws {
        // Only the question whether corosync synchronises has no answer in time.
        let script = "nodes 3\nnode 3 state=dead\ndelay cmap_iter_init 3 2500\n"
        let check = try StandIn(script).run([vqwatch, "--check", "--allow-absent", "3"])
        #expect(check.status == 0 && check.errors == "", "\(check.output)\(check.errors)")
    }

    @Test("does not survive a connection that is lost while the maps are read")
    func lossDuringReading() throws {
        let outdated = "key runtime.config.totem.token uint32 1000\n"
        let key = "key stats.srp.time_since_token_last_received uint64 5000\n"
        let waiting = try StandIn(
            "nodes 3\n" + outdated + key + "delay cmap_initialize_map 1 700\ntimeline\nwait 300\nhangup\n")
        let waiter = try waiting.run([vqwatch, "--wait-for", "quorate", "-t", "5s"])
        #expect(waiter.status == 124 && waiter.errors.contains("corosync has completed no membership"))
        // The new connection reads everything anew, also where the survey includes the synchronisation.
        let following = try StandIn(
            "nodes 3\nnode 3 state=dead\n" + outdated + "timeline\nwait 1200\n" + key + "hangup\n")
        for _ in 1...4 {
            let follower = try following.run([vqwatch, "-f", "-j", "-n", "3", "-t", "6s"])
            let events = try EventLine.parse(follower.lines)
            #expect(events.map(\.event) == ["status", "disconnected", "status"])
            #expect(events.map(\.isQuorate) == [true, nil, nil])
        }
    }

    @Test("is found by a task that is reading the maps when totem forms a ring", arguments: ["all", "one", "blocking"])
    func ringDuringReading(mode: String) throws {
        // Until corosync looks at the token again, the first state is not known.
        let standIn = try StandIn(
            """
            nodes 3
            key runtime.config.totem.token uint32 1000
            key stats.srp.time_since_token_last_received uint64 5000
            timeline
            wait 400
            node 2 state=dead
            node 3 state=dead
            quorate 0
            key stats.srp.operational_entered uint64 2
            key stats.srp.time_since_token_last_received uint64 0
            nodelist next 1
            quorum 0 1=member,2=dead,3=dead
            """)
        func run(_ options: String...) throws -> ChildProcess.Result {
            try standIn.run([vqwatch, "-t", "5s"] + options)
        }
        if mode != "blocking" {
            #expect(try run("--dispatch", mode).status == 2)
            #expect(try run("-q", "--dispatch", mode).status == 2)
        }
        if mode == "all" {
            #expect(try run("--if-down", "2").status == 2)
            #expect(try run("--wait-for", "complete").status == 124)
            #expect(try run("--check").status == 2)
        }
        let follower = try run("-f", "-j", "-n", "3", "--dispatch", mode)
        #expect(try EventLine.parse(follower.lines).map(\.isQuorate) == [nil, nil, false])
    }

    @Test("is found by a task that begins before the loss of quorum and ends after it", arguments: ["udpu", "knet"])
    func acrossTheLoss(transport: String) throws {
        let sandbox = try Sandbox(nodes: 3, totem: "transport: \(transport); token: 1000")
        let follower = try sandbox.follow(on: 1, ["--events", "status,quorum"])
        try sandbox.kill(2)
        try sandbox.kill(3)
        // Spread over the time in which totem forms the next ring. The time of a status is not before its last reading of
        // the maps.
        let results = inParallel(Array(0..<40), by: 40) { index in
            usleep(UInt32(index) * 60_000)
            return Result { try sandbox.run(on: 1, [vqwatch, "-j"]) }
        }
        let lost = try #require(try follower.nextEvent { $0.isQuorate == false }?.json["time"].string)
        var late = 0
        for result in results {
            let event = try EventLine(try #require(try result.get().lines.first))
            let time = try #require(event.json["time"].string)
            if time > lost { late += 1 }
            #expect(event.isQuorate != true || time <= lost, "quorum was lost at \(lost): \(event)")
        }
        #expect(late > 0)
    }

    @Test("is the reason for an unknown status whose timeout ends before corosync looks at the token again")
    func shortTimeout() throws {
        let standIn = try StandIn(
            """
            nodes 3
            key runtime.config.totem.token uint32 1000
            key stats.srp.time_since_token_last_received uint64 5000
            """)
        let status = try standIn.run([vqwatch, "-j", "-t", "700ms"])
        #expect(status.status == 124 && status.errors.contains("corosync has completed no membership"))
        let line = try EventLine(try #require(status.lines.first))
        #expect(line.isQuorate == nil && line.json["nodes"].elements.count == 3)
        for options in [["--if-down", "2"], ["--wait-for", "complete"], ["--check"]] {
            let result = try standIn.run([vqwatch, "-t", "700ms"] + options)
            #expect((result.output + result.errors).contains("corosync has completed no membership"), "\(options)")
        }
        #expect(
            try standIn.run([vqwatch, "-t", "700ms", "--format", "prometheus"]).output.contains("vqwatch_connected 1"))
    }

    /// Drops the messages of a node in both directions, with a message to the sender, so that corosync notices.
    private static let firewall = """
        table inet firewall {
            chain incoming { type filter hook input priority 0; meta l4proto udp reject; }
            chain outgoing { type filter hook output priority 0; meta l4proto udp reject; }
        }

        """

    @Test("is reported, and found by each task, on a node that only some hear: totem gathers and commits in turns")
    func heardBySome() throws {
        let sandbox = try Sandbox(nodes: 3, totem: "transport: udpu; token: 1000")
        let follower = try sandbox.follow(on: 1)
        try sandbox.block(from: 1, to: 2)
        let unsettled = try follower.nextEvent(within: .seconds(30)) { !Self.passing.contains($0.event) }
        #expect(unsettled?.event == "unsettled" && unsettled?.json["reason"] == "membership")
        func run(_ options: String...) throws -> CInt? {
            try sandbox.run(on: 1, [vqwatch, "-t", "2s"] + options).status
        }
        #expect(try run("--check") == 3)
        #expect(try run() == 124)
        #expect(try run("-q") == 124)
        #expect(try run("--if-down", "3") == 124)
        #expect(try run("--wait-for", "complete") == 124)
        let second = try sandbox.follow(on: 1)
        #expect(try second.nextEvent(within: .seconds(5))?.isQuorate == nil)
        try sandbox.unblock(from: 1, to: 2)
        for follower in [follower, second] {
            let end = try follower.nextEvent(within: .seconds(60)) { $0.event == "quorum" && $0.isQuorate == true }
            #expect(end != nil)
        }
        #expect(try eventually(within: .seconds(30)) { try run("--check") == 0 })
    }

    @Test("is reported, with its reason, on a node whose firewall blocks the messages of corosync")
    func firewall() throws {
        let sandbox = try Sandbox(nodes: 3, totem: "transport: udpu; token: 1000")
        let followers = try dispatchModes.map { try sandbox.follow(on: 3, ["--dispatch", $0]) }
        let block = try sandbox.run(on: 3, ["nft", "-f", "-"], input: Self.firewall)
        try #require(block.status == 0, "\(block.errors)")
        for follower in followers {
            // The token and the consensus timeout are 2.2 s together; 5 s more, and up to 1.5 s until corosync looks.
            let unsettled = try follower.nextEvent(within: .seconds(20)) { !Self.passing.contains($0.event) }
            #expect(unsettled?.event == "unsettled" && unsettled?.isQuorate == nil, "\(String(describing: unsettled))")
            // Corosync finds the reason after more attempts than vqwatch waits for.
            #expect(["network", "membership"].contains(unsettled?.json["reason"].string))
            #expect((5_000...15_000).contains(unsettled?.json["elapsed_ms"].number ?? 0))
        }
        let isFound = try eventually(within: .seconds(30)) {
            let statistics = try sandbox.run(on: 3, ["corosync-cmapctl", "-m", "stats"]).output
            return statistics.contains("firewall_enabled_or_nic_failure (u8) = 1")
        }
        try #require(isFound)
        func run(_ options: [String]) throws -> ChildProcess.Result { try sandbox.run(on: 3, [vqwatch] + options) }
        let check = try run(["--check", "-t", "2s"])
        #expect(check.status == 3)
        let text = try PluginLine(check.outputBytes).text
        #expect(text.hasPrefix("corosync finds that a firewall or a failed interface "), "\(text)")
        let checked = try run(["--check", "-j", "-t", "2s"])
        #expect(checked.status == 3 && checked.lines.count == 1)
        let checkLine = try EventLine(try #require(checked.lines.first))
        #expect(
            checkLine.json["status"] == "UNKNOWN"
                && checkLine.json["problems"].elements.map { $0["code"] }.contains("unsettled"))
        let status = try run(["-j", "-t", "2s"])
        #expect(status.status == 124)
        let line = try EventLine(try #require(status.lines.first))
        #expect(line.isQuorate == nil && line.json["votes"]["total"] == .null && line.json["nodes"].elements.count == 3)
        #expect(line.json["problems"].elements.contains { $0["code"] == "unsettled" && $0["severity"] == "unknown" })
        #expect(try run(["-q", "-t", "2s", "--wait-for", "complete"]).status == 124)
        #expect(try sandbox.run(on: 3, ["nft", "delete", "table", "inet", "firewall"]).status == 0)
        for follower in followers {
            let end = try follower.nextEvent(within: .seconds(30)) { $0.event == "quorum" }
            #expect(end?.isQuorate != nil)
        }
    }

    @Test("is reported while rings are formed without end, and votequorum hears of none")
    func ringsWithoutEnd() throws {
        let sandbox = try Sandbox(nodes: 3, totem: "token: 3000")
        let options = dispatchModes.map { ["--dispatch", $0] } + [["--refresh", "500ms"]]
        let followers = try options.map { try sandbox.follow(on: 3, $0) }
        // Node 3 hears both others, which do not hear each other.
        try sandbox.block(from: 1, to: 2)
        try sandbox.block(from: 2, to: 1)
        // A few of the rings last until they are completed, more of them on a busy machine.
        for follower in followers {
            let unsettled = try follower.nextEvent(within: .seconds(180)) { event in
                // The votes of a ring that is not completed must not be printed as a change of the cluster.
                let isInfo = event.event == "info"
                #expect(
                    !isInfo || !event.json["changes"].elements.contains { $0["field"] == "votes.total" }, "\(event)")
                return event.event == "unsettled"
            }
            #expect(unsettled?.event == "unsettled" && unsettled?.isQuorate == nil)
            // A ring that lasts until its nodelist, but no longer, makes it a recalculation.
            #expect(["membership", "recalculation"].contains(unsettled?.json["reason"].string))
        }
        let isUnknown = try eventually(within: .seconds(90)) {
            let check = try sandbox.run(on: 3, [vqwatch, "--check", "-t", "3s"])
            // Whether votequorum has heard of the ring is not known.
            return check.status == 3 && check.output.hasPrefix("QUORUM UNKNOWN - corosync has ")
                && check.output.contains("see the links (corosync-cfgtool -n) and the log of corosync")
        }
        #expect(isUnknown)
        try sandbox.unblock(from: 1, to: 2)
        try sandbox.unblock(from: 2, to: 1)
        for follower in followers {
            let end = try follower.nextEvent(within: .seconds(60)) { $0.event == "quorum" }
            #expect(end?.isQuorate == true)
        }
    }
}
