// SPDX-License-Identifier: MIT

internal import Glibc
internal import TestSupport
internal import Testing

/// A shell, and how to start it with only the completions that are installed in a folder.
enum Shell: String, CaseIterable, CustomTestStringConvertible {
    case bash, zsh, fish

    var testDescription: String { rawValue }

    var committed: String {
        switch self {
        case .bash: "completions/vqwatch.bash"
        case .zsh: "completions/_vqwatch"
        case .fish: "completions/vqwatch.fish"
        }
    }

    /// The command that starts the shell without the user's own files, and the first line to type.
    func command(installed: String) -> (command: [String], setup: String) {
        switch self {
        case .bash:
            // By default, bash lists the words only at the second Tab.
            (
                ["bash", "--norc"],
                "bind 'set show-all-if-ambiguous on'; . /usr/share/bash-completion/bash_completion"
            )
        case .zsh:
            (
                ["zsh", "-f"],
                "fpath=(\(installed)/share/zsh/site-functions $fpath); autoload -U compinit; compinit -D -u; "
                    // By default, zsh lists the words only at the second Tab if they have a prefix in common.
                    + "unsetopt list_ambiguous"
            )
        case .fish: (["fish", "--private"], "set -g fish_autosuggestion_enabled 0; function fish_greeting; end")
        }
    }
}

@Suite("Shell completions", .timeLimit(.minutes(2)))
struct CompletionTests {
    @Test("are up to date; otherwise run make completions")
    func fresh() throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path
        let result = try ChildProcess.run(
            ["\(Repository.root)/Scripts/generate-completions", vqwatch, folder])
        #expect(result.status == 0, "\(result.errors)")
        for shell in Shell.allCases {
            let comparison = try ChildProcess.run(
                ["diff", "-u", shell.committed, folder + shell.committed.dropFirst("completions".count)].enumerated()
                    .map { $0.offset == 2 ? "\(Repository.root)/\($0.element)" : $0.element })
            #expect(comparison.status == 0, "\(comparison.output)")
        }
    }

    @Test("offer the right words in a real shell", arguments: Shell.allCases)
    func words(shell: Shell) throws {
        let sandbox = try Sandbox(nodes: 2)
        defer { sandbox.close() }
        let installed = "\(sandbox.folder)/installed"
        let make = try ChildProcess.run([
            "make", "-s", "-C", Repository.root, "install", "BUILT=\(vqwatch)", "PREFIX=\(installed)",
        ])
        try #require(make.status == 0, "\(make.errors)")
        /// Whether the last line is a prompt with nothing after it.
        func waits(_ screen: [String]) -> Bool { screen.last?.last.map { "#$>%".contains($0) } == true }

        let (command, setup) = shell.command(installed: installed)
        let terminal = try Terminal(
            on: sandbox, running: command,
            environment: [
                "PATH": "\(installed)/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": installed, "PS1": "$ ",
                "XDG_DATA_DIRS": "\(installed)/share:/usr/share", "LANG": "C.UTF-8", "TERM": "screen", "TMUX": nil,
            ])
        try terminal.type("\(setup); clear; echo re''ady", then: "Enter")
        try #require(terminal.shows(within: .seconds(20)) { $0.contains("ready") }, "\(terminal)")
        // A shell that is still starting up does not read typed text as a command.
        try #require(terminal.shows(within: .seconds(30)) { waits($0) }, "\(terminal)")

        /// Types a line at an empty prompt, presses Tab, and waits for the wanted screen.
        func complete(_ line: String, to what: String, _ isWanted: ([String]) -> Bool) throws {
            var isShown = false
            // Names are missing if corosync does not answer within a second, as on a busy machine.
            for _ in 1...3 where !isShown {
                // Not C-c: fish shows no prompt if it is interrupted while it makes one.
                try terminal.type("", then: "C-u")
                try terminal.type("clear", then: "Enter")
                try #require(terminal.shows(within: .seconds(30)) { $0.count == 1 && waits($0) }, "\(terminal)")
                try terminal.type("vqwatch \(line)", then: "Tab")
                isShown = try terminal.shows(within: .seconds(15), isWanted)
            }
            #expect(isShown, "\(shell): \(line)<Tab> does not give \(what): \n\(terminal)")
        }
        func completes(_ line: String, to whole: String) throws {
            try complete(line, to: whole) { $0.contains { $0.hasSuffix("vqwatch \(whole)") } }
        }
        func lists(_ line: String, _ words: String...) throws {
            // The words are below the typed line, or above it in bash, which prints the line again.
            try complete(line, to: "\(words)") { screen in
                let shown = Set(screen.filter { !$0.contains("vqwatch") }.joined(separator: " ").split(separator: " "))
                return shown.isSuperset(of: words.map { Substring($0) }) && !shown.contains("help")
            }
        }

        try completes("--di", to: "--dispatch")
        try lists("--dispatch ", "all", "one", "blocking", "one-nonblocking")
        try completes("--dispatch one-", to: "--dispatch one-nonblocking")
        try completes("--wait-for inq", to: "--wait-for inquorate")
        // Bash lists only the part after "=", and fish abbreviates the typed part.
        let prefix = [.bash: "", .zsh: "member=", .fish: "…mber="][shell] ?? ""
        try lists("--wait-for member=", prefix + "node1", prefix + "node2")
        try lists("--wait-for ", "quorate", "inquorate", "complete", "member=node1", "absent=node2")
        try lists("--check --allow-absent ", "node1", "node2")
        try lists("--if-down ", "node1", "node2", "qdevice")
        try completes("--events status,inf", to: "--events status,info")
        try lists("--events status,", "status,nodelist", "status,quorum", "status,info", "status,dropped")
        try completes("--metrics-file \(installed)/share/ma", to: "--metrics-file \(installed)/share/man/")
        // When corosync is not running, there are no names.
        try sandbox.kill(1)
        try completes("--wait-for mem", to: "--wait-for member=")
    }
}
