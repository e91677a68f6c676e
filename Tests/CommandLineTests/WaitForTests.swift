// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// `--wait-for` on real clusters.
@Suite("Waiting", .serialized)
struct WaitForTests {
    private func wait(
        on node: Int = 1, of sandbox: Sandbox, _ conditions: [String], _ options: [String] = []
    ) throws -> ChildProcess {
        try sandbox.spawn(on: node, [vqwatch] + conditions.flatMap { ["--wait-for", $0] } + options)
    }

    /// Waits until a process has printed the reason why it waits.
    private func reason(of process: ChildProcess) -> String {
        #expect(eventually(within: .seconds(10)) { process.errors.hasSuffix("\n") })
        return process.errors
    }

    /// The output of a successful wait: one status in JSON.
    private func status(_ process: ChildProcess, within limit: Duration = .seconds(20)) throws -> EventLine {
        let result = process.finish(within: limit)
        #expect(result.status == 0, "\(result.errors)")
        let line = try EventLine(try #require(result.lines.first))
        #expect(result.lines.count == 1 && line.event == "status" && line.changedFields == [])
        return line
    }

    @Test("starts before corosync runs, continues through restarts, and ends when every condition holds")
    func throughRestarts() throws {
        let sandbox = try Sandbox(nodes: 3, starting: false)
        let complete = try wait(of: sandbox, ["complete", "quorate", "member=node3"], ["-j"])
        let quorate = try wait(of: sandbox, ["quorate"])
        let quiet = try wait(of: sandbox, ["member=2"], ["-q"])
        let strict = try wait(of: sandbox, ["quorate"], ["--no-reconnect"]).finish()
        #expect(strict.status == 1 && strict.output == "" && strict.errors.contains("corosync is not running"))
        for process in [complete, quorate, quiet] {
            #expect(reason(of: process).hasSuffix("; waiting for it\n"))
        }
        // One node of three.
        try sandbox.start(1)
        let alone = try sandbox.run(on: 1, [vqwatch, "-w", "inquorate", "-w", "absent=2", "-w", "absent=node3", "-j"])
        #expect(alone.status == 0)
        #expect(try EventLine(alone.lines[0]).isQuorate == false)
        try sandbox.stop(1)
        try sandbox.start(1)
        #expect(complete.isRunning && quorate.isRunning && quiet.isRunning)

        // Two nodes of three. The status is the page that `vqwatch` prints.
        try sandbox.start(2)
        let page = quorate.finish(within: .seconds(20))
        #expect(page.status == 0 && page.lines.first == "Cluster sandbox: QUORATE", "\(page.output)")
        #expect(page.lines.contains { $0.contains("node3") && $0.contains("absent") })
        #expect(quiet.finish(within: .seconds(20)).termination == .exited(0))
        #expect(quiet.readAll(within: .zero).isEmpty)
        #expect(complete.isRunning)

        let timedOut = try wait(of: sandbox, ["quorate", "complete", "member=3"], ["-t", "3s"]).finish()
        #expect(timedOut.status == 124 && timedOut.output == "")
        #expect(
            timedOut.errors == "vqwatch: timed out waiting for quorate, complete, member=3: node3 is not a member; "
                + "allow more time with --timeout\n")

        try sandbox.start(3)
        let all = try status(complete)
        #expect(all.isQuorate == true && all.json["nodes"].elements.allSatisfy { $0["state"] == "member" })
        #expect(all.json["votes"]["total"] == 3)
    }

    @Test("ends as soon as the condition holds, without polling")
    func eventDriven() throws {
        let sandbox = try Sandbox(nodes: 3)
        #expect(try status(wait(of: sandbox, ["complete"], ["-j"])).isQuorate == true)
        let lost = try wait(on: 3, of: sandbox, ["inquorate", "absent=1"], ["-j", "--refresh", "0"])
        let left = try wait(of: sandbox, ["absent=node3"], ["-j", "--refresh", "0"])
        try sandbox.waitUntilTracked(on: 1)
        try sandbox.cut(3)
        let atNode3 = try status(lost)
        #expect(atNode3.isQuorate == false && atNode3.json["votes"]["total"] == 1 && atNode3.node(1)["state"] == "dead")
        #expect(try status(left).node(3)["state"] == "dead")

        // The state of a frozen corosync is unknown, even if it was known before.
        try sandbox.freeze(3)
        let frozen = try wait(on: 3, of: sandbox, ["inquorate"], ["-t", "500ms"]).finish()
        #expect(frozen.status == 124 && frozen.output == "")
        #expect(frozen.errors.hasPrefix("vqwatch: timed out waiting for inquorate: corosync does not answer"))
        try sandbox.thaw(3)

        // A name that is configured later. Node 3 has to be back, or it would miss the reload.
        try sandbox.heal(3)
        try sandbox.wait(node: 1, members: [1, 2, 3])
        let named = try wait(of: sandbox, ["member=gamma", "quorate"], ["-j", "--refresh", "0"])
        #expect(
            reason(of: named)
                == "vqwatch: member=gamma: no node has this name or address; waiting for it to be configured\n")
        for (nobody, kinds) in [("gamma", "name or address"), ("9", "ID, name or address")] {
            let missing = try wait(of: sandbox, ["absent=\(nobody)"], ["-q", "-t", "10s"]).finish()
            #expect(
                missing.status == 0
                    && missing.errors == "vqwatch: absent=\(nobody): no node has this \(kinds); taken as absent\n")
        }
        try sandbox.editConfiguration { $0.replacing("node3", by: "gamma") }
        try sandbox.reload()
        #expect(try status(named).node(3)["name"] == "gamma")
        #expect(named.errors.split(separator: "\n").count == 1, "one remark")
    }

    @Test("ends on a signal, and fails when its output is closed")
    func signalsAndPipes() throws {
        let process = try ChildProcess([vqwatch, "--wait-for", "quorate", "-q"])
        #expect(reason(of: process).hasSuffix("; waiting for it\n"))
        process.signal(SIGINT)
        #expect(process.wait(within: .aMoment) == .signaled(SIGINT))
        let unread = try ChildProcess([vqwatch, "--wait-for", "quorate"])
        _ = reason(of: unread)
        unread.closeOutput()
        #expect(unread.wait(within: .aMoment) == .exited(1))
    }
}

/// Option combinations that `--check` and `--wait-for` refuse.
@Suite("The command line of checks and waits")
struct CheckOptionTests {
    static let refused: [(arguments: [String], option: String)] = [
        (["-c", "--follow"], "--follow"),
        (["-c", "--if-down", "1"], "--if-down"),
        (["-c", "--live"], "--live"),
        (["-c", "-w", "quorate"], "--wait-for"),
        (["-c", "--color", "always"], "--color"),
        (["-c", "--events", "quorum"], "--events"),
        (["-c", "--dispatch", "one"], "--dispatch one"),
        (["-c", "--dispatch", "blocking"], "--dispatch blocking"),
        (["-c", "--changes-only"], "--changes-only"),
        (["-c", "--count", "1"], "--count"),
        (["-c", "--refresh", "1s"], "--refresh"),
        (["-c", "--no-reconnect"], "--no-reconnect"),
        (["-c", "--timeout", "0"], "--timeout"),
        (["-w", "quorate", "--warn-margin", "1"], "--warn-margin"),
        (["-c", "--warn-margin", "-1"], "--warn-margin"),
        (["-c", "--warn-margin", "1.5"], "--warn-margin"),
        (["-c", "--warn-margin", "4294967296"], "--warn-margin"),
        (["-w", "quorate", "--follow"], "--follow"),
        (["-w", "quorate", "--events", "quorum"], "--events"),
        (["-w", "quorate", "--dispatch", "one"], "--dispatch one"),
        (["-w", "quorate", "--changes-only"], "--changes-only"),
        (["-w", "quorate", "-n", "2"], "--count"),
        (["-w", "quorate", "-w", "inquorate"], "--wait-for inquorate"),
        (["-w", "absent=a", "-w", "quorate", "-w", "member=a"], "--wait-for member=a"),
        (["--wait-for", "quorum"], "'quorum' is invalid for '--wait-for <CONDITION>': write quorate, inquorate"),
        (["--wait-for", "member="], "'member=' is invalid for '--wait-for <CONDITION>': write the ID, the name or"),
        (["--wait-for", "absent=0"], "'absent=0' is invalid for '--wait-for <CONDITION>'"),
        (["--wait-for"], "--wait-for"),
    ]

    @Test("refuses invalid combinations with status 64, a check with 3, and the name of the option", arguments: refused)
    func refuses(_ example: (arguments: [String], option: String)) throws {
        let result = try ChildProcess.run([vqwatch] + example.arguments)
        if example.arguments.first == "-c" {
            #expect(result.status == 3 && result.errors == "", "\(result.errors)")
            #expect(try PluginLine(result.outputBytes).text.contains(example.option), "\(result.output)")
        } else {
            #expect(result.status == 64 && result.output == "")
            #expect(result.errors.hasPrefix("vqwatch: ") && result.errors.contains(example.option), "\(result.errors)")
        }
    }
}
