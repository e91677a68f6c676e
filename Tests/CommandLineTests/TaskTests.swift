// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// The tasks of the command line, and which option belongs to which.
@Suite("A task of the command line")
struct TaskTests {
    /// The options that ask for each task.
    static let tasks: [String: [String]] = [
        "status": [], "check": ["--check"], "wait-for": ["--wait-for", "quorate"], "if-down": ["--if-down", "1"],
        "follow": ["--follow"], "live": ["--live"],
    ]

    /// An option, and the tasks that refuse it.
    struct Rule: CustomTestStringConvertible {
        let option: [String]
        let refusedBy: Set<String>
        var testDescription: String { option.joined(separator: " ") }

        init(_ option: String..., refusedBy tasks: String...) {
            self.option = option
            refusedBy = Set(tasks)
        }
    }

    static let rules = [
        Rule("--links", refusedBy: "wait-for", "if-down"),
        Rule("--format", "text", refusedBy: "live"),
        Rule("--format", "prometheus", refusedBy: "check", "wait-for", "if-down", "follow", "live"),
        Rule("--json", refusedBy: "live"),
        Rule("--quiet", refusedBy: "live"),
        Rule("--color", "always", refusedBy: "check"),
        Rule("--events", "quorum", refusedBy: "status", "check", "wait-for", "if-down"),
        Rule("--dispatch", "one", refusedBy: "check", "wait-for", "if-down", "live"),
        Rule("--dispatch", "blocking", refusedBy: "check", "wait-for", "if-down", "live"),
        Rule("--changes-only", refusedBy: "status", "check", "wait-for", "if-down", "live"),
        Rule("--count", "1", refusedBy: "status", "check", "wait-for", "if-down", "live"),
        Rule("--refresh", "1s", refusedBy: "status", "check", "if-down"),
        Rule("--no-reconnect", refusedBy: "status", "check", "if-down"),
        Rule("--warn-margin", "1", refusedBy: "wait-for", "if-down"),
        Rule("--warn-links", "1", refusedBy: "wait-for", "if-down"),
        Rule("--allow-absent", "1", refusedBy: "wait-for", "if-down"),
        Rule("--metrics-file", "/dev/null/x", refusedBy: "status", "check", "wait-for", "if-down", "live"),
        Rule("--exec", "true", refusedBy: "status", "check", "wait-for", "if-down", "live"),
    ]

    @Test("takes the options that belong to it, and refuses every other by its name", arguments: rules)
    func options(_ rule: Rule) throws {
        for (task, options) in Self.tasks {
            let result = try ChildProcess.run([vqwatch] + options + ["--timeout", "100ms"] + rule.option)
            let isRefused = rule.refusedBy.contains(task)
            guard task == "check" || isRefused else {
                // There is no terminal for the page.
                let isTaken = result.status != 64 || task == "live" && result.errors.contains("--live needs a terminal")
                #expect(isTaken, "\(task): \(result.errors)")
                continue
            }
            if task == "check" {
                // Every error of a check is UNKNOWN.
                let saysSo = result.output.contains(rule.option[0])
                #expect(result.status == 3 && saysSo == isRefused, "\(result.output)\(result.errors)")
            } else {
                #expect(result.status == 64 && result.output == "", "\(task): \(result.errors)")
                #expect(result.errors.contains(rule.option[0]), "\(task): \(result.errors)")
            }
        }
    }

    @Test("is following with --dispatch blocking alone")
    func blocking() throws {
        let standIn = try StandIn("nodes 3\ntimeline\nawait\nexpected 4\n")
        let watch = try standIn.spawn([vqwatch, "-j", "--dispatch", "blocking"])
        #expect(try watch.nextEvent()?.event == "status")
        standIn.allowStep()
        #expect(try watch.nextEvent()?.event == "expected_votes" && watch.isRunning)
        watch.signal(SIGTERM)
        #expect(watch.wait(within: .aMoment) == .signaled(SIGTERM))
    }

    @Test("is ended by the timeout with what is known, and without what is not")
    func timeout() throws {
        let standIn = try StandIn("nodes 3\nhang votequorum_getinfo 1\n")
        let result = try standIn.run([vqwatch, "-j", "-t", "1s"])
        #expect(result.status == 124 && result.errors.hasPrefix("vqwatch: no status that is up to date: "))
        guard let text = result.lines.first else { return }
        let line = try EventLine(text)
        #expect(line.event == "status" && line.isQuorate == nil && line.json["votes"]["total"] == .null)
    }

    @Test("for people has local time, with its offset from UTC")
    func localTime() throws {
        let standIn = try StandIn("nodes 1\n")
        for (zone, offset) in [("UTC0", "+00:00"), ("XXX-5:30", "+05:30"), ("XXX+8", "-08:00")] {
            func clock() throws -> String {
                try ChildProcess.run(["date", "+%Y-%m-%dT%H:"], environment: ["TZ": zone]).lines[0]
            }
            let before = try clock()
            let line = try standIn.run([vqwatch, "-f", "-n", "1"], environment: ["TZ": zone]).output
            #expect(try line.hasPrefix(before) || line.hasPrefix(clock()), "\(zone): \(line)")
            #expect(line.split(separator: " ").first?.hasSuffix(offset) == true, "\(zone): \(line)")
        }
    }

    @Test("has colour on a terminal unless NO_COLOR has a value", arguments: [nil, "", "1"] as [String?])
    func colour(refused: String?) throws {
        let standIn = try StandIn("nodes 1\n")
        // Without arguments nothing is parsed.
        for options in [[], ["--color", "auto"]] {
            let terminal = try PseudoTerminal()
            let status = try standIn.spawn(
                [vqwatch] + options, environment: ["NO_COLOR": refused, "TERM": "xterm"],
                output: .descriptor(terminal.line))
            #expect(status.wait(within: .seconds(10), draining: false) == .exited(0))
            let text = terminal.readAll(quietFor: .milliseconds(300))
            #expect(text.contains("QUORATE") && text.contains("\u{1b}[") == (refused != "1"), "\(text)")
        }
    }

    @Test("that predicts exits 2 when the prediction is not known")
    func unknownPrediction() throws {
        let standIn = try StandIn("nodes 4\nflags auto_tie_breaker\nfail cmap_initialize* 1 CS_ERR_ACCESS forever\n")
        // Which half wins is not known without the configuration.
        let result = try standIn.run([vqwatch, "-j", "--if-down", "3", "--if-down", "4"])
        #expect(result.status == 2, "\(result.errors)")
        #expect(try EventLine(#require(result.lines.first)).json["prediction"]["quorate"] == .null)
    }
}

/// Options about nodes and links, on a real cluster.
@Suite("Nodes and links on the command line", .serialized)
struct NodeOptionTests {
    @Test("are warned of by --warn-links, and given by address; --check --json prints one line of the kind check")
    func linksAndAddresses() throws {
        let sandbox = try Sandbox(links: 2)
        func check(_ links: String) throws -> (status: Int32?, line: EventLine) {
            let result = try sandbox.run(on: 1, [vqwatch, "--check", "--json", "--warn-links", links])
            #expect(result.lines.count == 1 && result.errors == "")
            return (result.status, try EventLine(#require(result.lines.first)))
        }
        #expect(try eventually(within: .seconds(20)) { try check("2").status == 0 })
        let good = try check("2").line
        #expect(good.event == "check" && good.json["status"] == "OK" && good.json["problems"] == .array([]))
        let (status, few) = try check("3")
        #expect(status == 1 && few.json["status"] == "WARNING" && few.isQuorate == true)
        let problem = try #require(few.json["problems"].elements.first)
        #expect(few.json["problems"].elements.count == 1 && problem["code"] == "few_links")
        #expect(problem["nodes"].elements.map { $0["id"] } == [2, 3])
        for (links, codes) in [("2", [] as [JSON]), ("3", ["few_links"])] {
            let status = try sandbox.run(on: 1, [vqwatch, "-j", "--warn-links", links])
            let line = try EventLine(#require(status.lines.first))
            #expect(line.json["problems"].elements.map { $0["code"] } == codes, "a status with --warn-links \(links)")
        }
        let device = try sandbox.run(on: 1, [vqwatch, "--if-down", "qdevice"])
        #expect(device.output.contains("No quorum device is registered, so its failure changes nothing."))

        let byAddress = try sandbox.run(on: 1, [vqwatch, "--if-down", "10.77.0.2"])
        #expect(byAddress.status == 0 && byAddress.output.hasPrefix("If node2(2) goes down: QUORATE: 2 of 3 votes"))
    }

    @Test("include the quorum device, by the name qdevice")
    func device() throws {
        let sandbox = try Sandbox(nodes: 2, device: "model: net; votes: 1; timeout: 5000; sync_timeout: 5000")
        let devices = try sandbox.startVotingDevices(on: 1...2, named: "net")
        func ask(_ nodes: String...) throws -> ChildProcess.Result {
            try sandbox.run(on: 1, [vqwatch] + nodes.flatMap { ["--if-down", $0] })
        }
        #expect(try eventually(within: .seconds(10)) { try ask("node2").status == 0 })
        let alone = try ask("qdevice")
        #expect(alone.status == 0)
        let verdict = "If the quorum device goes down: QUORATE: 2 of 3 votes, quorum 2, can lose 0 votes\n"
        #expect(alone.output.hasPrefix(verdict), "\(alone.output)")
        let both = try ask("node2", "qdevice")
        #expect(both.status == 2 && both.output.contains("NOT QUORATE: 1 of 3 votes"), "\(both.output)")
        withExtendedLifetime(devices) {}
    }
}
