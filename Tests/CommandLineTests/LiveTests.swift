// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// `--live` in a real terminal.
@Suite("--live", .serialized, .timeLimit(.minutes(3)))
struct LiveTests {
    static let environment: [String: String?] = [
        "LANG": "C.UTF-8", "LC_ALL": nil, "LC_CTYPE": nil, "TERM": "screen-256color", "PS1": "$ ", "NO_COLOR": nil,
        "TZ": "UTC",
    ]

    /// A cluster of one node with 50 votes, and one of three nodes with two links. Between two tests, they are whole.
    static let single = Result { try Sandbox(nodes: 1, votes: [50]) }
    private static let three = Result { try Sandbox(links: 2) }

    /// Opens a terminal with a shell that has printed something, starts the page in it, and waits until the page shows a
    /// state, or that corosync does not run.
    private func open(
        _ options: String = "", on sandbox: Sandbox, shell: [String] = ["bash", "--norc"], width: Int = 100,
        height: Int = 24, environment: [String: String?] = [:]
    ) throws -> Terminal {
        let terminal = try Terminal(
            on: sandbox, running: shell, width: width, height: height,
            environment: Self.environment.merging(environment) { $1 })
        let notes = "stty -g > \(sandbox.folder)/before; echo $$ > \(sandbox.folder)/shell"
        try terminal.type("PS1='$ '; clear; \(notes); echo be''fore", then: "Enter")
        try #require(terminal.shows { $0.first == "before" }, "\(terminal)")
        try terminal.type("\(vqwatch) --live \(options)", then: "Enter")
        let isShown = try terminal.shows { screen in
            screen.last?.hasSuffix("? keys") == true && screen.last?.hasPrefix("connecting") == false
        }
        try #require(isShown, "\(terminal)")
        return terminal
    }

    /// The process ID of the program that the shell has started.
    private func program(in sandbox: Sandbox) throws -> Int32 {
        let shell = try #require(textOfFile("\(sandbox.folder)/shell")?.dropLast())
        let children = textOfFile("/proc/\(shell)/task/\(shell)/children")?.split(separator: " ") ?? []
        return try #require(children.count == 1 ? Int32(children[0]) : nil, "\(children)")
    }

    /// Whether the terminal is in the same state as before the page, and the shell reads lines from it.
    private func isRestored(_ terminal: Terminal, _ sandbox: Sandbox) throws -> Bool {
        let isShown = try terminal.shows { screen in screen.first == "before" && screen.last?.hasPrefix("$") == true }
        guard isShown, try !terminal.isOnAlternateScreen, try terminal.showsCursor else { return false }
        let path = "\(sandbox.folder)/after"
        unlink(path)
        try terminal.type("stty -g > \(path)", then: "Enter")
        guard eventually(within: .seconds(20), { textOfFile(path)?.hasSuffix("\n") == true }) else { return false }
        let before = textOfFile("\(sandbox.folder)/before")
        return before?.isEmpty == false && before == textOfFile(path)
    }

    @Test("shows a node lost, quorum lost and regained, and corosync that is killed and is started again, at any size")
    func showsWhatHappens() throws {
        let sandbox = try Self.three.get()
        let terminal = try open(on: sandbox)
        func shows(_ title: String, _ words: String...) throws {
            let isShown = try terminal.shows { screen in
                screen.first?.hasPrefix(title) == true
                    && words.allSatisfy { word in screen.contains { $0.contains(word) } }
            }
            #expect(isShown, "\(title), \(words): \n\(terminal)")
        }
        try shows(
            "sandbox: QUORATE", "[■■│■] 3 of 3 votes, quorum 2, can lose 1 vote", "*  1  node1  member",
            "connected, membership")
        #expect(try terminal.isOnAlternateScreen && !terminal.showsCursor)
        #expect(try terminal.styledScreen.contains("\u{1b}[1m\u{1b}[32mQUORATE"), "in colour")
        try sandbox.cut(3)
        try shows("sandbox: QUORATE", "3  node3  lost", "2 of 3 votes, quorum 2, can lose 0 votes", "left: ")
        try sandbox.cut(2)
        try shows(
            "sandbox: NOT QUORATE for ", "[■□│□] 1 of 3 votes, quorum 2, needs 1 more vote",
            "quorum: NOT QUORATE, 1 of 3")
        try sandbox.heal(2)
        try sandbox.heal(3)
        try shows("sandbox: QUORATE for ", "3 of 3 votes", "joined: ", "node2  member", "node3  member")
        try sandbox.kill(1)
        try shows("sandbox: QUORUM UNKNOWN for ", "cannot connect to corosync", "connection lost: ", "no connection")
        #expect(try !terminal.screen.contains { $0.contains("3 of 3 votes, quorum 2") && $0.hasPrefix("[") })
        for (width, height) in [(40, 8), (20, 4), (200, 50), (80, 24)] {
            try terminal.resize(width: width, height: height)
            let isDrawn = try terminal.shows { screen in
                screen.first?.hasPrefix("sandbox: QUORUM") == true && screen.last?.hasPrefix("no connection") == true
            }
            #expect(isDrawn, "\(width) × \(height): \n\(terminal)")
        }
        try sandbox.start(1)
        try sandbox.wait(node: 1, members: [1, 2, 3])
        try shows("sandbox: QUORATE", "3 of 3 votes", "node3  member", "connected, membership")
        try terminal.resize(width: 40, height: 8)
        try shows("sandbox: QUORATE", "3 of 3 votes", "*  1  node1  member", "3  node3  member")
        try terminal.type("q")
        #expect(try terminal.shows { $0.last?.hasPrefix("$") == true }, "\(terminal)")
    }

    @Test("shows the links of each node, and a link that fails, without a further option")
    func showsLinks() throws {
        let sandbox = try Self.three.get()
        let terminal = try open("--events link", on: sandbox)
        func shows(_ links: String, _ event: String? = nil) throws {
            let isShown = try terminal.shows { screen in
                screen.contains { $0.contains("3  node3  member") && $0.contains(links) }
                    && event.map { event in screen.contains { $0.hasSuffix(event) } } != false
            }
            #expect(isShown, "\(links), \(event ?? "no event"): \n\(terminal)")
        }
        try shows("2 of 2")
        try sandbox.cut(3, link: 1)
        try shows("1 of 2", "link 1 to node3 is down")
        try sandbox.heal(3, link: 1)
        try shows("2 of 2", "link 1 to node3 is connected again")
    }

    @Test("has no column for links if the transport has none, and no diagnostic about it")
    func hasNoLinks() throws {
        let sandbox = try Sandbox(nodes: 2, starting: false)
        try sandbox.editConfiguration { $0.replacing("transport: knet", by: "transport: udpu") }
        for node in 1...2 { try sandbox.start(node) }
        try sandbox.wait(node: 1, members: [1, 2])
        let terminal = try open(on: sandbox)
        // The links are read by then: they are read at the start, and this event comes from a later membership.
        try sandbox.kill(2)
        try #require(terminal.shows { screen in screen.contains { $0.contains("left: node2") } }, "\(terminal)")
        let screen = try terminal.screen
        #expect(!screen.contains { $0.contains("LINKS") || $0.contains("links") || $0.contains("knet") }, "\(terminal)")
    }

    @Test(
        "restores the terminal when it ends: with q, and by a signal", arguments: [0, SIGINT, SIGQUIT, SIGTERM, SIGHUP])
    func restores(_ signal: Int32) throws {
        let sandbox = try Sandbox(nodes: 1)
        let terminal = try open(on: sandbox)
        switch signal {
        case 0: try terminal.type("q")
        case SIGINT: try terminal.type("", then: "C-c")
        case SIGQUIT: try terminal.type("", then: "C-\\")
        default: kill(try program(in: sandbox), signal)
        }
        // The shell prints its message about the signal before the next prompt.
        try terminal.type("", then: "Enter")
        let isBack = try terminal.shows { $0.first == "before" && $0.last?.hasPrefix("$") == true }
        try #require(isBack, "\(terminal)")
        #expect(try isRestored(terminal, sandbox), "\(terminal)")
        let screen = try terminal.screen
        #expect(screen.count < 8 && !screen.contains { $0.contains("QUORATE") }, "\(terminal)")
    }

    @Test(
        "waits for fg if it is started in the background, and leaves the terminal to the shell until then",
        arguments: ["\(vqwatch) --live &", "(trap '' TTOU; exec \(vqwatch) --live) &"])
    func background(_ command: String) throws {
        let sandbox = try Self.single.get()
        let terminal = try Terminal(
            on: sandbox, running: ["bash", "--norc"], width: 100, height: 24, environment: Self.environment)
        try terminal.type("PS1='$ '; clear; stty -g > \(sandbox.folder)/before; echo be''fore", then: "Enter")
        try #require(terminal.shows { $0.first == "before" }, "\(terminal)")
        try terminal.type(command, then: "Enter")
        // The shell tells of it before a prompt.
        let isStopped = try eventually(within: .seconds(20), every: .milliseconds(200)) {
            try terminal.type("", then: "Enter")
            return try terminal.screen.contains { $0.contains("Stopped") }
        }
        #expect(isStopped, "\(terminal)")
        #expect(try isRestored(terminal, sandbox), "\(terminal)")
        try terminal.type("fg", then: "Enter")
        #expect(try terminal.shows { $0.first?.contains(": QUORATE") == true }, "\(terminal)")
        try terminal.type("q")
        #expect(try isRestored(terminal, sandbox), "\(terminal)")
        try terminal.type("\(command) kill %1", then: "Enter")
        try terminal.type("wait; echo ended", then: "Enter")
        #expect(try terminal.shows { $0.contains("ended") }, "\(terminal)")
        #expect(try isRestored(terminal, sandbox), "\(terminal)")
    }

    @Test("restores the terminal after it was stopped by another process, and continued in the background")
    func stoppedByAnother() throws {
        let sandbox = try Sandbox(nodes: 1)
        // This shell leaves the modes of the terminal as they are.
        let terminal = try open(on: sandbox, shell: ["dash", "-i"])
        let process = try program(in: sandbox)
        func isStopped() -> Bool {
            eventually(within: .seconds(5)) { textOfFile("/proc/\(process)/stat")?.contains(") T ") == true }
        }
        kill(process, SIGSTOP)
        #expect(isStopped())
        try terminal.type("bg; echo be''hind", then: "Enter")
        try #require(terminal.shows { screen in screen.contains { $0.contains("behind") } }, "\(terminal)")
        #expect(isStopped(), "it needs the terminal")
        try terminal.type("fg", then: "Enter")
        let isBack = try terminal.shows { screen in
            screen.first?.contains(": QUORATE") == true && !screen.contains { $0.contains("behind") }
        }
        #expect(isBack, "\(terminal)")
        try terminal.type("q")
        #expect(try isRestored(terminal, sandbox), "\(terminal)")
    }

    @Test("has an exit status that tells how it ended", arguments: [("q", 0), ("C-c", 130)])
    func status(_ key: String, _ status: Int) throws {
        let sandbox = try Self.single.get()
        let terminal = try open(on: sandbox)
        try terminal.type("", then: key)
        try #require(terminal.shows { $0.last?.hasPrefix("$") == true }, "\(terminal)")
        try terminal.type("echo status=$?", then: "Enter")
        #expect(try terminal.shows { $0.contains("status=\(status)") }, "\(terminal)")
    }

    @Test("is suspended with Ctrl-Z, leaves the terminal to the shell, and resumes with fg")
    func suspends() throws {
        let sandbox = try Self.three.get()
        defer { try? sandbox.join() }
        let terminal = try open(on: sandbox)
        let process = try program(in: sandbox)
        try terminal.type("", then: "C-z")
        #expect(try terminal.shows { screen in screen.contains { $0.contains("Stopped") } }, "\(terminal)")
        #expect(try isRestored(terminal, sandbox), "\(terminal)")
        // The page shows what happened meanwhile, at the new size of the terminal.
        try sandbox.partition([1], [2, 3])
        try sandbox.wait(node: 1, members: [1])
        try terminal.resize(width: 90, height: 20)
        try terminal.type("fg", then: "Enter")
        let isBack = try terminal.shows { screen in
            screen.first?.contains("NOT QUORATE") == true && screen.last?.hasSuffix("? keys") == true
                && screen.last?.count == 90
        }
        #expect(isBack, "\(terminal)")
        // In the background it stops again, as any program that needs the terminal does; signals still end it.
        try terminal.type("", then: "C-z")
        #expect(try terminal.shows { $0.last?.hasPrefix("$") == true }, "\(terminal)")
        try terminal.type("bg", then: "Enter")
        let isStopped = eventually(within: .seconds(5)) {
            textOfFile("/proc/\(process)/stat")?.contains(") T ") == true
        }
        #expect(isStopped)
        try terminal.type("clear; kill %1; wait; echo do''ne", then: "Enter")
        #expect(try terminal.shows { $0.contains("done") }, "\(terminal)")
        // The shell waits for the job, not for every process in it.
        #expect(eventually(within: .seconds(5)) { !exists(process) })
    }

    @Test("scrolls the events with keys, and shows the keys")
    func keys() throws {
        let sandbox = try Self.single.get()
        let terminal = try open(on: sandbox, height: 12)
        for votes in Array(51...61) + [50] { try sandbox.setExpectedVotes(votes) }
        func shows(_ word: String) throws {
            #expect(try terminal.shows { screen in screen.contains { $0.contains(word) } }, "\(word): \n\(terminal)")
        }
        try shows("expected votes 61 -> 50")
        for key in ["k", "Up"] { try terminal.type("", then: key) }
        try shows("2 newer below")
        #expect(try !terminal.screen.contains { $0.contains("expected votes 61 -> 50") })
        for key in ["j", "Down"] { try terminal.type("", then: key) }
        try shows("expected votes 61 -> 50")
        try terminal.type("g")
        try shows("status: QUORATE")
        try terminal.type("?")
        try shows("scroll the events")
        try terminal.type("?G")
        try shows("expected votes 61 -> 50")
        try terminal.type("q")
        #expect(try terminal.shows { $0.last?.hasPrefix("$") == true }, "\(terminal)")
    }

    @Test("shows no colour with NO_COLOR, and plain characters without UTF-8")
    func plain() throws {
        let sandbox = try Sandbox(nodes: 1)
        let terminal = try open(on: sandbox, environment: ["NO_COLOR": "1", "LANG": "C"])
        #expect(try terminal.screen.contains { $0.hasPrefix("[#|] 1 of 1 votes") }, "\(terminal)")
        #expect(try !terminal.styledScreen.contains("\u{1b}"))
        #expect(try terminal.screen.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } })
    }

    @Test("shows diagnostics on the page, and writes nothing else to the screen")
    func diagnostics() throws {
        let sandbox = try Self.single.get()
        try sandbox.stop(1)
        defer { try? sandbox.start(1) }
        let terminal = try open("2>&1", on: sandbox)
        let isShown = try terminal.shows { screen in
            screen.first?.hasPrefix("QUORUM UNKNOWN for") == true && screen[1].hasPrefix("cannot connect to corosync")
                && screen.last?.hasPrefix("no connection") == true && !screen.contains { $0.contains("vqwatch:") }
        }
        #expect(isShown, "\(terminal)")
        try terminal.type("q")
        #expect(try isRestored(terminal, sandbox), "\(terminal)")
    }

    @Test("ends when its terminal is closed")
    func hangsUp() throws {
        let sandbox = try Self.single.get()
        let terminal = try open(on: sandbox)
        let process = try program(in: sandbox)
        try terminal.close()
        #expect(eventually(within: .seconds(20)) { !exists(process) })
    }

    @Test("wakes up once per second while it shows seconds")
    func rests() throws {
        let sandbox = try Sandbox(nodes: 2)
        let terminal = try open("--refresh 0", on: sandbox)
        let process = try program(in: sandbox)
        try sandbox.cut(2)
        // The last events of this change come from the statistics.
        let isOver = try terminal.shows { screen in
            ["evidence for membership ", "link 0 to node2"].allSatisfy { event in screen.contains { $0.contains(event) }
            }
        }
        try #require(isOver, "\(terminal)")
        // After a minute, the durations are shown in minutes.
        var last = (count: 0, seconds: 0.0)
        let isSteady = eventually(within: .seconds(30)) {
            let (before, start) = (wakeUps(of: process), ContinuousClock.now)
            usleep(5_000_000)
            last = (wakeUps(of: process) - before, (ContinuousClock.now - start) / .seconds(1))
            return (last.seconds - 2...last.seconds + 1).contains(Double(last.count))
        }
        #expect(isSteady, "\(last)")
        withExtendedLifetime(terminal) {}
    }

    @Test("ends after its timeout, and prints an error after the terminal is restored")
    func ends() throws {
        let sandbox = try Self.single.get()
        let terminal = try open("--no-reconnect; echo status=$?", on: sandbox)
        try sandbox.stop(1)
        defer { try? sandbox.start(1) }
        let isTold = try terminal.shows { screen in
            screen.first == "before" && screen.contains { $0.hasPrefix("vqwatch: lost the connection to corosync") }
                && screen.contains("status=1")
        }
        #expect(isTold, "\(terminal)")
        try terminal.type("clear; \(vqwatch) --live --timeout 500ms; echo status=$?", then: "Enter")
        #expect(try terminal.shows { $0.contains("status=124") }, "\(terminal)")
    }
}

private func exists(_ process: Int32) -> Bool { kill(process, 0) == 0 }
