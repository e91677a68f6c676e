// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// `--check` on real clusters; its line is parsed by the grammar of the monitoring plugins.
@Suite("The check", .serialized)
struct CheckTests {
    private func check(
        on node: Int = 1, of sandbox: Sandbox, _ options: [String] = [], status: Int32
    ) throws -> PluginLine {
        let result = try sandbox.run(on: node, [vqwatch, "--check"] + options)
        #expect(result.status == status && result.errors == "", "\(result.output)\(result.errors)")
        let line = try PluginLine(result.outputBytes)
        #expect(line.service == "QUORUM")
        #expect(line.status == ["OK", "WARNING", "CRITICAL", "UNKNOWN"][Int(status)])
        return line
    }

    @Test("prints the line of JSON with --format json, too, and its own line with --format text")
    func formats() throws {
        let sandbox = try Sandbox(nodes: 1)
        let json = try sandbox.run(on: 1, [vqwatch, "--check", "--format", "json"])
        #expect(try EventLine(json.lines.first ?? "").event == "check" && json.status == 0)
        let text = try sandbox.run(on: 1, [vqwatch, "--check", "--format", "text"])
        #expect(text.output.hasPrefix("QUORUM OK - ") && text.status == 0)
    }

    @Test("is OK, WARNING, CRITICAL and UNKNOWN when it should be, in the shells and under negate too")
    func states() throws {
        let sandbox = try Sandbox(nodes: 3)
        let good = try sandbox.run(on: 1, [vqwatch, "-c"])
        #expect(good.output.hasPrefix("QUORUM OK - quorate: 3 of 3 votes, quorum 2, can lose 1"))
        #expect(good.output.contains(" | votes=3;;;0;3 quorum=2 margin=1 nodes=3;;;0;3"))
        var line = try check(of: sandbox, ["--warn-margin", "1"], status: 0)
        #expect(line.data["votes"] == .init(value: 3, minimum: 0, maximum: 3))
        #expect(line.data["margin"] == .init(value: 1, warning: 1...(.infinity)))
        #expect(line.data["quorum"] == .init(value: 2) && line.data["nodes"]?.maximum == 3)
        line = try check(of: sandbox, ["--warn-margin", "2"], status: 1)
        #expect(line.problems == ["fewer than 2 more votes can be lost"])
        #expect(try sandbox.run(on: 1, [vqwatch, "-cq", "--warn-margin", "2"]).outputBytes.isEmpty)
        try shells(sandbox, quorate: true)
        try negate(sandbox, warns: false)

        try sandbox.cut(3)
        try sandbox.wait(node: 1, members: [1, 2])
        try sandbox.wait(node: 3, members: [3])
        // Knet finds later than totem that a node is not reachable.
        for node in [1, 3] {
            let isFound = try eventually(within: .aMoment) {
                try !sandbox.run(on: node, [vqwatch, "-c"]).output.contains(" connected (MTU ")
            }
            #expect(isFound)
        }
        line = try check(of: sandbox, status: 1)
        #expect(line.text.hasPrefix("quorate: 2 of 3 votes, quorum 2, can lose 0"))
        #expect(line.problems == ["node3 is not a member"])
        #expect(line.data["votes"] == .init(value: 2, minimum: 0, maximum: 3) && line.data["nodes"]?.value == 2)
        #expect(try sandbox.run(on: 1, [vqwatch, "--check", "--quiet"]).status == 1)
        line = try check(on: 3, of: sandbox, status: 2)
        #expect(line.text.hasPrefix("not quorate: 1 of 3 votes, quorum 2, "))
        #expect(line.problems == ["node1 and node2 are not members"])
        #expect(line.data["margin"]?.value == -1)
        try shells(sandbox, on: 3, quorate: false)
        try negate(sandbox, warns: true)

        // Corosync is frozen: the library waits for ever, the check does not.
        try sandbox.freeze(3)
        let start = ContinuousClock.now
        line = try check(on: 3, of: sandbox, ["--timeout", "1s"], status: 3)
        #expect(ContinuousClock.now - start < .seconds(8))
        #expect(line.data.isEmpty)
        let byDefault = ContinuousClock.now
        line = try check(on: 3, of: sandbox, status: 3)
        #expect((.seconds(9.5)...(.seconds(25))).contains(ContinuousClock.now - byDefault))
        try sandbox.thaw(3)

        try sandbox.stop(2)
        line = try check(on: 2, of: sandbox, status: 3)
        #expect(line.text.hasPrefix("cannot connect to corosync: corosync is not running"))
        let quiet = try sandbox.run(on: 2, [vqwatch, "-cq"])
        #expect(quiet.status == 3 && quiet.output == "" && quiet.errors.hasPrefix("vqwatch: cannot connect"))
    }

    /// `if vqwatch -q; then …` in scripts that end at the first failure.
    private func shells(_ sandbox: Sandbox, on node: Int = 1, quorate: Bool) throws {
        for shell in ["sh", "bash", "zsh"] {
            let script = "set -e; if '\(vqwatch)' -q; then echo yes; else echo no $?; fi; echo on"
            let result = try sandbox.run(on: node, [shell, "-c", script])
            #expect(result.status == 0 && result.errors == "")
            #expect(result.lines == [quorate ? "yes" : "no 2", "on"], "\(shell)")
        }
    }

    /// The program negate of the monitoring plugins, which runs a plugin and inverts its result.
    private func negate(_ sandbox: Sandbox, warns: Bool) throws {
        let negate = ["/usr/lib/nagios/plugins/negate", "-s", "-w", "CRITICAL", "-o", "UNKNOWN"]
        let result = try sandbox.run(on: 1, negate + [vqwatch, "--check"])
        let word = warns ? "CRITICAL" : "UNKNOWN"
        #expect(result.status == (warns ? 2 : 3))
        #expect(result.output.hasPrefix("QUORUM \(word) - quorate: "), "\(result.output)")
    }

    @Test("warns of a quorum device that is not registered, casts no vote, or does not poll, on any node")
    func device() throws {
        let sandbox = try Sandbox(nodes: 2, device: "model: net; votes: 1; timeout: 5000; sync_timeout: 5000")
        func comesToWarn(_ words: String, on node: Int = 1) throws -> Bool {
            try eventually(within: .seconds(30)) {
                try sandbox.run(on: node, [vqwatch, "-c"]).output.contains("; quorum device \(words) | ")
            }
        }
        // The device is not registered, so its vote is missing.
        #expect(
            try check(of: sandbox, status: 1).problems
                == ["quorum device net is not registered on node1 and node2"]
        )
        let devices = try (1...2).map { node in
            let device = try sandbox.spawn(
                on: node, [Sandbox.builtProduct(named: "quorum-device"), "Test"], input: .pipe)
            #expect(device.nextLine(within: .seconds(10)) == "ok")
            return device
        }
        func tell(_ command: String, _ node: Int) {
            devices[node - 1].write(command + "\n")
            #expect(devices[node - 1].nextLine(within: .seconds(10)) == "ok")
        }
        tell("vote", 1)
        tell("unregister", 2)
        // If this node has a device, the line names it.
        #expect(try comesToWarn("Test is not registered on node2"))
        #expect(try comesToWarn("net is not registered on node2", on: 2))
        tell("register", 2)
        tell("novote", 2)
        #expect(try comesToWarn("Test casts no vote on node2"))
        tell("vote", 2)
        #expect(try eventually(within: .seconds(30)) { try sandbox.run(on: 1, [vqwatch, "-cq"]).status == 0 })
        #expect(try check(of: sandbox, status: 0).text.hasPrefix("quorate: 3 of 3 votes, quorum 2, can lose 1"))
        devices[1].write("silent\n")
        #expect(try comesToWarn("Test is not alive on node2"))
        #expect(try check(of: sandbox, status: 1).text.hasPrefix("quorate: 3 of 3 votes"))
        #expect(try check(on: 2, of: sandbox, status: 1).text.hasPrefix("quorate: 2 of 3 votes"))
    }

    /// Stops corosync on a node, and waits until node 1 finds that it is not a member, and that no link to it is connected.
    private func stopAndUnlink(_ node: Int, of sandbox: Sandbox) throws {
        try sandbox.stop(node)
        let isFound = try eventually(within: .seconds(20)) {
            try sandbox.run(on: 1, [vqwatch, "-c"]).output.contains(/node\d is not a member(;| \|)/)
        }
        #expect(isFound)
    }

    @Test("is OK without the nodes that may be absent, and UNKNOWN if no node has the given ID or name")
    func allowedAbsence() throws {
        let sandbox = try Sandbox()
        #expect(try check(of: sandbox, ["--allow-absent", "node3"], status: 0).text.hasPrefix("quorate: 3 of 3 votes"))
        for (nobody, kinds) in [
            ("node4", "name or address"), ("4", "ID, name or address"), ("10.77.0.4", "name or address"),
        ] {
            #expect(
                try check(of: sandbox, ["--allow-absent", "node3", "--allow-absent", nobody], status: 3).text
                    == "--allow-absent \(nobody): no node has this \(kinds); ’vqwatch’ lists the nodes")
        }
        let quiet = try sandbox.run(on: 1, [vqwatch, "-cq", "--allow-absent", "node4"])
        #expect(quiet.status == 3 && quiet.output == "")
        let reason = "vqwatch: --allow-absent node4: no node has this name or address; 'vqwatch' lists the nodes\n"
        let json = try sandbox.run(on: 1, [vqwatch, "-cj", "--allow-absent", "node4"])
        #expect(json.status == 3 && json.errors == reason && json.lines.count == 1)
        for options in [[], ["--follow", "-n", "1"], ["--format", "prometheus"]] {
            let told = try sandbox.run(on: 1, [vqwatch, "--allow-absent", "node4"] + options)
            #expect(told.status == 0 && told.errors == reason && told.output != "", "\(options)")
        }

        try stopAndUnlink(3, of: sandbox)
        for node in ["node3", "3", "10.77.0.3"] {
            #expect(
                try check(of: sandbox, ["--allow-absent", node], status: 0).text.hasPrefix("quorate: 2 of 3 votes"))
        }
        #expect(
            try check(of: sandbox, ["--allow-absent", "node2"], status: 1).problems == ["node3 is not a member"])
        // The margin is checked nevertheless.
        #expect(
            try check(of: sandbox, ["--allow-absent", "3", "--warn-margin", "1"], status: 1).problems
                == ["fewer than 1 more vote can be lost"])
        try sandbox.stop(2)
        try sandbox.wait(node: 1, members: [1])
        let lost = try check(of: sandbox, ["--allow-absent", "3", "--allow-absent", "2"], status: 2)
        #expect(lost.text.hasPrefix("not quorate: 1 of 3 votes, quorum 2, ") && lost.problems == [])
    }

    @Test("warns of expected votes that a user lowered, also on a node that never saw the others")
    func loweredByHand() throws {
        // The nodes are stopped in order, so the timeout of the token matters only for a machine that is too busy for it.
        let sandbox = try Sandbox(totem: "token: 5000")
        try stopAndUnlink(3, of: sandbox)
        try sandbox.setExpectedVotes(2)
        let isLowered = try eventually(within: .seconds(5)) {
            try sandbox.run(on: 1, [vqwatch, "-c"]).output.contains(" 2 of 2 votes")
        }
        #expect(isLowered)
        let lowered = "expected votes are 2, but would be 3 after a start of all nodes"
        #expect(try check(of: sandbox, status: 1).problems == ["node3 is not a member", lowered])
        #expect(try check(of: sandbox, ["--allow-absent", "3"], status: 1).problems == [lowered])

        // Restarted alone, votequorum knows of no node but this one.
        for node in 1...2 { try sandbox.stop(node) }
        try sandbox.start(1)
        #expect(try check(of: sandbox, status: 2).problems == ["node2 and node3 are not members"])
        try sandbox.setExpectedVotes(1)
        #expect(try eventually(within: .seconds(5)) { try sandbox.run(on: 1, [vqwatch, "-q"]).status == 0 })
        #expect(
            try check(of: sandbox, status: 1).problems == [
                "node2 and node3 are not members",
                "expected votes are 1, but would be 3 after a start of all nodes",
            ])
    }

    @Test("warns of expected votes that last_man_standing lowered")
    func lastManStanding() throws {
        let sandbox = try Sandbox(
            nodes: 4, quorum: "last_man_standing: 1; last_man_standing_window: 1000; wait_for_all: 1")
        #expect(try check(of: sandbox, status: 0).text.hasPrefix("quorate: 4 of 4 votes, quorum 3, can lose 1"))
        for (node, left) in [(4, "3 of 3 votes, quorum 2, can lose 1"), (3, "2 of 2 votes, quorum 2, can lose 0")] {
            try sandbox.kill(node)
            let isLowered = try eventually(within: .seconds(15), every: .milliseconds(100)) {
                try sandbox.run(on: 1, [vqwatch, "-c"]).output.contains(left)
            }
            #expect(isLowered)
        }
        let lowered = "expected votes are 2, but would be 4 after a start of all nodes"
        #expect(try check(of: sandbox, status: 1).problems == ["node3 and node4 are not members", lowered])
        #expect(
            try check(of: sandbox, ["--allow-absent", "4"], status: 1).problems == ["node3 is not a member", lowered])
        _ = try check(of: sandbox, ["--allow-absent", "3", "--allow-absent", "4"], status: 0)
        #expect(try sandbox.run(on: 1, [vqwatch, "-cq"]).status == 1)
    }

    @Test("compares with quorum.expected_votes where that is set")
    func configuredVotes() throws {
        let sandbox = try Sandbox(quorum: "expected_votes: 5")
        #expect(
            try check(of: sandbox, status: 1).problems
                == ["2 of 5 expected votes are absent, and no absent node accounts for them"])
        try sandbox.setExpectedVotes(3)
        let isLowered = try eventually(within: .seconds(5)) {
            try check(of: sandbox, status: 1).problems
                == ["expected votes are 3, but would be 5 after a start of all nodes"]
        }
        #expect(isLowered)
    }

    @Test("is CRITICAL while the cluster waits for all nodes, and UNKNOWN without the right to connect")
    func waitingAndDenied() throws {
        let sandbox = try Sandbox(nodes: 2, quorum: "two_node: 1", starting: false)
        try sandbox.start(1)
        let line = try check(of: sandbox, status: 2)
        #expect(line.text.hasPrefix("not quorate: 1 of 2 votes, quorum 1, waiting for all nodes"))
        #expect(line.problems == ["node2 is not a member"])
        guard getuid() == 0 else { return }
        let denied = try sandbox.run(on: 1, [vqwatch, "-c"], as: .init(user: 4712, group: 4712))
        #expect(denied.status == 3 && denied.errors == "")
        #expect(try PluginLine(denied.outputBytes).text.contains("CS_ERR_ACCESS"))
    }
}

/// Connections and faults, which a real cluster cannot show.
@Suite("The check, in trouble")
struct CheckTroubleTests {
    /// Runs a check of the cluster that a script of the stand-in describes.
    private func run(
        _ script: String, _ options: [String] = [], output: ChildProcess.Stream = .pipe
    ) throws -> ChildProcess.Result {
        try StandIn(script).run([vqwatch, "--check"] + options, output: output)
    }

    @Test(
        "is UNKNOWN, not OK or WARNING, when the configuration cannot be read, but still CRITICAL",
        arguments: [
            "fail cmap_initialize* 1 CS_ERR_ACCESS forever", "fail cmap_get 1 CS_ERR_ACCESS key=totem.cluster_name",
            "key quorum.expected_votes uint32 3\nfail cmap_get 1 CS_ERR_ACCESS key=quorum.expected_votes",
            "fail cmap_get 1 CS_ERR_NO_MEMORY key=totem.config_version", "fail cmap_iter_next 3 CS_ERR_INVALID_PARAM",
            "fail cmap_* 1 CS_ERR_TRY_AGAIN forever", "hang cmap_initialize* 1",
        ])
    func unknownConfiguration(_ fault: String) throws {
        let complete = try run("nodes 3\n\(fault)\n")
        #expect(complete.status == 3, "\(String(describing: complete.termination)): \(complete.errors)")
        let line = try PluginLine(complete.outputBytes)
        #expect(line.text.hasPrefix("quorate: 3 of 3 votes, quorum 2, can lose 1"))
        let unread =
            fault.contains(" cmap_* ") || fault.contains(" cmap_initialize* ")
            ? "the configuration and the statistics of corosync cannot be read, so the state of the links and of totem is "
                + "not known" : "the configuration of corosync cannot be read"
        #expect(line.problems == [unread])
        #expect(complete.errors.hasPrefix("vqwatch: cannot read the configuration: "), "\(complete.errors)")
        let allowed = try run("nodes 3\n\(fault)\n", ["--quiet", "--allow-absent", "3"])
        #expect(allowed.status == 3 && allowed.output == "")
        let degraded = try run("nodes 3\nnode 3 state=dead\n\(fault)\n")
        #expect(degraded.status == 3)
        if fault.hasPrefix("hang") {
            // As while corosync synchronises its services, after which the cluster may not be quorate.
            #expect(
                degraded.output.hasPrefix("QUORUM UNKNOWN - corosync has not completed a change of the membership: "))
        } else {
            #expect(try PluginLine(degraded.outputBytes).problems == [unread, "3 is not a member"])
        }
        let lost = try run("nodes 3\nnode 2 state=dead\nnode 3 state=dead\n\(fault)\n", ["--allow-absent", "node3"])
        #expect(lost.status == 2)
    }

    @Test("compares votes that change while it is made when the reload has ended, in two seconds")
    func reload() throws {
        let start = ContinuousClock.now
        let changed = try run("nodes 3\ndelay cmap_get 1 500\ntimeline\nwait 200\nexpected-votes 5\n")
        #expect(
            changed.status == 1 && changed.output.contains("expected votes are 5, but would be 3"), "\(changed.output)")
        #expect(ContinuousClock.now - start >= .seconds(2), "\(changed.output)")
    }

    @Test("has one short line for 384 nodes with long and hostile names")
    func large() throws {
        var script = "nodes 384\n"
        for id in 2...384 {
            let name = "|\"'\\x1b[2J\(String(repeating: "n", count: 100))"
            script += "node \(id) state=dead\nkey nodelist.node.\(id - 1).name string \(name)\n"
        }
        let result = try run(script)
        #expect(result.status == 2)
        let line = try PluginLine(result.outputBytes)
        #expect(line.problems.count == 1 && line.problems[0].hasSuffix(" are not members"))
        #expect(!result.output.contains { "\"'".contains($0) })
        #expect(line.data["nodes"] == .init(value: 1, minimum: 0, maximum: 384))
    }

    @Test("waits for the notification that a reading belongs to")
    func betweenTwoMoments() throws {
        // The cluster is notified as inquorate, but is quorate when the answer arrives.
        let result = try run(
            """
            nodes 3
            quorate 0
            delay votequorum_getinfo 1 3000
            timeline
            wait 500
            quorate auto
            wait 500
            nodelist next 1,2,3
            quorum auto

            """)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }

    @Test(
        "is UNKNOWN when corosync answers with an error, hangs up or never answers",
        arguments: [
            "fail votequorum_initialize 1 CS_ERR_NO_MEMORY", "fail votequorum_trackstart 1 CS_ERR_BAD_HANDLE",
            "fail votequorum_getinfo 1 CS_ERR_LIBRARY", "fail votequorum_dispatch 1 CS_ERR_LIBRARY",
            "hang votequorum_initialize 1", "hang votequorum_trackstart 1", "hang votequorum_getinfo 1",
            "fail votequorum_* 1 CS_ERR_TRY_AGAIN forever", "node 3 state=dead\nhang cmap_* 1",
        ])
    func faults(_ fault: String) throws {
        let start = ContinuousClock.now
        let result = try run("nodes 3\n\(fault)\n", ["--timeout", "500ms"])
        #expect(ContinuousClock.now - start < .seconds(8))
        #expect(result.status == 3 && result.errors == "")
        let line = try PluginLine(result.outputBytes)
        #expect(line.status == "UNKNOWN" && line.data.isEmpty)
    }

    @Test("is UNKNOWN if a node that may be absent is ambiguous, which is an error of the other tasks")
    func ambiguous() throws {
        let script = "nodes 3\nkey nodelist.node.2.name string 2\n"
        let text = "--allow-absent 2: 2 is the ID of one node and the name of node 3; give an address of the node"
        func run(_ options: String...) throws -> ChildProcess.Result {
            try self.run(script, options + ["--allow-absent", "2"])
        }
        let check = try run()
        #expect(check.status == 3 && check.output.contains("UNKNOWN - \(text)") && check.errors == "")
        let json = try run("-j")
        #expect(json.status == 3 && json.output.contains(#""status":"UNKNOWN""#) && json.errors == "vqwatch: \(text)\n")
        for options in [[], ["--follow"], ["--format", "prometheus"], ["-j"]] {
            let other = try StandIn(script).run([vqwatch, "--allow-absent", "2"] + options)
            #expect(other.status == 1 && other.errors == "vqwatch: \(text)\n", "\(options)")
            #expect(!other.output.contains("quorate"), "\(options)")
        }
    }

    @Test("is UNKNOWN when it cannot write its line")
    func output() throws {
        let full = try run("nodes 3\n", output: .file("/dev/full"))
        #expect(full.status == 3 && full.errors.hasPrefix("vqwatch: cannot write to standard output: "))
        let closed = try run("nodes 3\n", output: .closed)
        #expect(closed.status == 3 && closed.errors.hasPrefix("vqwatch: cannot write to standard output: "))
        #expect(try run("nodes 3\n", ["--quiet"], output: .closed).status == 0)
    }

    @Test("ends by a signal that asks it to")
    func signal() throws {
        let standIn = try StandIn("hang votequorum_initialize 1\n")
        let process = try standIn.spawn([vqwatch, "-c"])
        #expect(eventually(within: .seconds(10)) { standIn.report["call.votequorum_initialize"] == 1 })
        process.signal(SIGTERM)
        #expect(process.wait(within: .aMoment) == .signaled(SIGTERM))
        #expect(process.readAll(within: .aMoment).isEmpty)
    }
}
