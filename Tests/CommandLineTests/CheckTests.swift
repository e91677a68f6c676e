// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// `--check` on real clusters, with its line read by the grammar of the monitoring plugins.
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

    @Test("is OK, WARNING, CRITICAL and UNKNOWN when it should be, in the shells and under negate too")
    func states() throws {
        let sandbox = try Sandbox(nodes: 3)
        let good = try sandbox.run(on: 1, [vqwatch, "-c"])
        #expect(
            good.output
                == "QUORUM OK - quorate: 3 of 3 votes, quorum 2, can lose 1 | votes=3;;;0;3 quorum=2 margin=1 nodes=3;;;0;3\n"
        )
        var line = try check(of: sandbox, ["--warn-margin", "1"], status: 0)
        #expect(line.data["votes"] == .init(value: 3, minimum: 0, maximum: 3))
        #expect(line.data["margin"] == .init(value: 1, warning: 1...(.infinity)))
        #expect(line.data["quorum"] == .init(value: 2) && line.data["nodes"]?.maximum == 3)
        line = try check(of: sandbox, ["--warn-margin", "2"], status: 1)
        #expect(line.text == "quorate: 3 of 3 votes, quorum 2, can lose 1; margin below 2")
        #expect(try sandbox.run(on: 1, [vqwatch, "-cq", "--warn-margin", "2"]).outputBytes.isEmpty)
        try shells(sandbox, quorate: true)
        try negate(sandbox, warns: false)

        try sandbox.cut(3)
        try sandbox.wait(node: 1, members: [1, 2])
        try sandbox.wait(node: 3, members: [3])
        line = try check(of: sandbox, status: 1)
        #expect(line.text == "quorate: 2 of 3 votes, quorum 2, can lose 0; nodes missing: node3(3)")
        #expect(line.data["votes"] == .init(value: 2, minimum: 0, maximum: 3) && line.data["nodes"]?.value == 2)
        #expect(try sandbox.run(on: 1, [vqwatch, "--check", "--quiet"]).status == 1)
        line = try check(on: 3, of: sandbox, status: 2)
        #expect(line.text == "not quorate: 1 of 3 votes, quorum 2, 1 missing; nodes missing: node1(1) node2(2)")
        #expect(line.data["margin"]?.value == -1)
        try shells(sandbox, on: 3, quorate: false)
        try negate(sandbox, warns: true)

        // Frozen: the library waits for ever, the check does not.
        try sandbox.freeze(3)
        let start = ContinuousClock.now
        line = try check(on: 3, of: sandbox, ["--timeout", "1s"], status: 3)
        #expect(ContinuousClock.now - start < .seconds(2.5))
        #expect(line.data.isEmpty)
        let byDefault = ContinuousClock.now
        line = try check(on: 3, of: sandbox, status: 3)
        #expect((.seconds(9.5)...(.seconds(12))).contains(ContinuousClock.now - byDefault))
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

    /// The negate of the monitoring plugins, which runs plugins and turns their answers round.
    private func negate(_ sandbox: Sandbox, warns: Bool) throws {
        let negate = ["/usr/lib/nagios/plugins/negate", "-s", "-w", "CRITICAL", "-o", "UNKNOWN"]
        let result = try sandbox.run(on: 1, negate + [vqwatch, "--check"])
        let word = warns ? "CRITICAL" : "UNKNOWN"
        #expect(result.status == (warns ? 2 : 3))
        #expect(result.output.hasPrefix("QUORUM \(word) - quorate: "), "\(result.output)")
    }

    @Test("warns of a quorum device that casts no vote, or is silent")
    func device() throws {
        let sandbox = try Sandbox(nodes: 2, device: "model: net; votes: 1; timeout: 1000; sync_timeout: 1000")
        // Not there: its vote is missing.
        #expect(try check(of: sandbox, status: 1).text == "quorate: 2 of 3 votes, quorum 2, can lose 0")
        let device = try sandbox.spawn(on: 1, [Sandbox.builtProduct(named: "quorum-device"), "Test"], input: .pipe)
        #expect(device.nextLine(within: .seconds(10)) == "ok")
        func text(after command: String, status: Int32) throws -> String {
            device.write(command + "\n")
            #expect(device.nextLine(within: .seconds(10)) == "ok")
            _ = try eventually(within: .seconds(5)) {
                try sandbox.run(on: 1, [vqwatch, "-c"]).output.contains("Test") == (status != 0)
            }
            return try check(of: sandbox, status: status).text
        }
        #expect(try text(after: "novote", status: 1).hasSuffix("; quorum device Test casts no vote"))
        #expect(try text(after: "vote", status: 0) == "quorate: 3 of 3 votes, quorum 2, can lose 1")
        device.write("silent\n")
        let isNoticed = try eventually(within: .seconds(5)) {
            try sandbox.run(on: 1, [vqwatch, "-c"]).output.contains("; quorum device Test is not alive")
        }
        #expect(isNoticed)
        #expect(try check(of: sandbox, status: 1).text.hasPrefix("quorate: 2 of 3 votes"))
    }

    @Test("is CRITICAL while the cluster waits for all nodes, and UNKNOWN for who may not ask")
    func waitingAndDenied() throws {
        let sandbox = try Sandbox(nodes: 2, quorum: "two_node: 1", starting: false)
        try sandbox.start(1)
        #expect(
            try check(of: sandbox, status: 2).text
                == "not quorate: 1 of 2 votes, quorum 1, waiting for all nodes; nodes missing: node2(2)")
        guard getuid() == 0 else { return }
        let denied = try sandbox.run(on: 1, [vqwatch, "-c"], as: .init(user: 4712, group: 4712))
        #expect(denied.status == 3 && denied.errors == "")
        #expect(try PluginLine(denied.outputBytes).text.contains("CS_ERR_ACCESS"))
    }
}

/// What a real cluster cannot show: which connections are made, and faults.
@Suite("The check, in trouble")
struct CheckTroubleTests {
    /// Runs a check of the cluster that a script of the stand-in makes.
    private func run(
        _ script: String, _ options: [String] = [], output: ChildProcess.Stream = .pipe
    ) throws -> ChildProcess.Result {
        try StandIn(script).run([vqwatch, "--check"] + options, output: output)
    }

    @Test("asks nothing but votequorum of a healthy cluster, and names nodes as soon as it is not")
    func connections() throws {
        // With the configuration map out of reach.
        let noMap = "nodes 3\nfail cmap_initialize_map 1 CS_ERR_ACCESS forever\n"
        let healthy = try run(noMap + "hang cmap_initialize* 1\n")
        #expect(healthy.status == 0 && healthy.errors == "")
        let unnamed = try run(noMap + "node 3 state=dead\n")
        #expect(unnamed.status == 1 && unnamed.errors == "")
        #expect(try PluginLine(unnamed.outputBytes).text.hasSuffix("; nodes missing: 3"))
        let named = try run("nodes 3\nnode 3 state=absent\n")
        #expect(named.status == 1)
        #expect(try PluginLine(named.outputBytes).text.hasSuffix("; nodes missing: node3(3)"))
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
        #expect(line.text.firstMatch(of: #/ and \d+ more$/#) != nil)
        #expect(!result.output.contains { "\"'".contains($0) })
        #expect(line.data["nodes"] == .init(value: 1, minimum: 0, maximum: 384))
    }

    @Test("waits for the notification that a reading belongs to")
    func betweenTwoMoments() throws {
        // Notified as inquorate; quorate by the time that the answer comes.
        let result = try run(
            """
            nodes 3
            quorate 0
            delay votequorum_getinfo 1 300
            timeline
            wait 100
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
        #expect(ContinuousClock.now - start < .seconds(3))
        #expect(result.status == 3 && result.errors == "")
        let line = try PluginLine(result.outputBytes)
        #expect(line.status == "UNKNOWN" && line.data.isEmpty)
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
        let process = try StandIn("hang votequorum_initialize 1\n").spawn([vqwatch, "-c"])
        #expect(process.wait(within: .milliseconds(300)) == nil)
        process.signal(SIGTERM)
        #expect(process.wait(within: .seconds(1)) == .signaled(SIGTERM))
        #expect(process.readAll(within: .seconds(1)).isEmpty)
    }
}
