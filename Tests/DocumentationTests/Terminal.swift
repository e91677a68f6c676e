// SPDX-License-Identifier: MIT

internal import TestSupport

/// A terminal (tmux) on a node of a sandbox, with simulated typing. It ends with the sandbox.
struct Terminal: CustomStringConvertible {
    private let sandbox: Sandbox
    private let socket: String

    /// Opens a terminal that runs a command.
    init(on sandbox: Sandbox, named name: String, running command: [String], environment: [String: String?]) throws {
        self.sandbox = sandbox
        socket = "\(sandbox.folder)/\(name)"
        let result = try sandbox.run(
            on: 1, ["tmux", "-f/dev/null", "-S", socket, "new-session", "-d", "-x", "160", "-y", "40"] + command,
            environment: environment)
        guard result.status == 0 else { throw Failure(description: result.errors) }
    }

    struct Failure: Error, CustomStringConvertible { let description: String }

    /// Types a text, and then presses keys, which are given by name: `Tab`, `C-u`.
    func type(_ text: String, then keys: String...) throws {
        if !text.isEmpty { _ = try tmux("send-keys", "-l", text) }
        if !keys.isEmpty { _ = try tmux(["send-keys"] + keys) }
    }

    /// The lines on the screen, without blank lines.
    var screen: [String] {
        get throws {
            try tmux("capture-pane", "-p").split(separator: "\n").map(String.init)
        }
    }

    var description: String { (try? screen.joined(separator: "\n")) ?? "no screen" }

    /// Waits until the screen matches.
    ///
    /// - Returns: Whether it matched in time.
    func shows(within limit: Duration = .seconds(10), _ isWanted: ([String]) -> Bool) throws -> Bool {
        try eventually(within: limit, every: .milliseconds(50)) { isWanted(try screen) }
    }

    private func tmux(_ arguments: String...) throws -> String { try tmux(arguments) }

    private func tmux(_ arguments: [String]) throws -> String {
        let result = try ChildProcess.run(["tmux", "-S", socket] + arguments)
        guard result.status == 0 else { throw Failure(description: "\(arguments): \(result.errors)") }
        return result.output
    }
}
