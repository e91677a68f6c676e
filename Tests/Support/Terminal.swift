// SPDX-License-Identifier: MIT

internal import Synchronization

/// A terminal (tmux) on a node of a sandbox, with simulated typing. It is closed when the last reference to it goes away.
public final class Terminal: CustomStringConvertible {
    private static let count = Atomic(0)
    private let sandbox: Sandbox
    private let socket: String

    /// Opens a terminal that runs a command.
    ///
    /// - Parameters:
    ///   - sandbox: The sandbox.
    ///   - node: The number of the node.
    ///   - command: The command and its arguments.
    ///   - width: How many columns the terminal has.
    ///   - height: How many lines it has.
    ///   - environment: What to add to the test's environment, or with `nil` to leave out.
    /// - Throws: ``Failure``, or what the sandbox throws.
    public init(
        on sandbox: Sandbox, node: Int = 1, running command: [String], width: Int = 160, height: Int = 40,
        environment: [String: String?] = [:]
    ) throws {
        self.sandbox = sandbox
        socket = "\(sandbox.folder)/terminal\(Self.count.add(1, ordering: .relaxed).newValue)"
        let result = try sandbox.run(
            on: node,
            ["tmux", "-f/dev/null", "-S", socket, "new-session", "-d", "-x", "\(width)", "-y", "\(height)"] + command,
            environment: environment.merging(["TMUX": nil] as [String: String?]) { given, _ in given })
        guard result.status == 0 else { throw Failure(description: result.errors) }
    }

    deinit { try? close() }

    /// An error of tmux.
    public struct Failure: Error, CustomStringConvertible {
        /// The command, and the message of tmux.
        public let description: String
    }

    /// Types a text, and then presses keys.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - keys: The names of the keys: `Tab`, `C-u`.
    /// - Throws: ``Failure``.
    public func type(_ text: String, then keys: String...) throws {
        if !text.isEmpty { _ = try tmux("send-keys", "-l", text) }
        if !keys.isEmpty { _ = try tmux(["send-keys"] + keys) }
    }

    /// Changes the size of the terminal.
    ///
    /// - Parameters:
    ///   - width: How many columns it is to have.
    ///   - height: How many lines it is to have.
    /// - Throws: ``Failure``.
    public func resize(width: Int, height: Int) throws {
        _ = try tmux("resize-window", "-x", "\(width)", "-y", "\(height)")
    }

    /// The lines on the screen, without blank lines.
    ///
    /// - Throws: ``Failure``.
    public var screen: [String] {
        get throws { try tmux("capture-pane", "-p").split(separator: "\n").map(String.init) }
    }

    /// The text on the screen, with the escape sequences of its styles.
    ///
    /// - Throws: ``Failure``.
    public var styledScreen: String {
        get throws { try tmux("capture-pane", "-e", "-p") }
    }

    /// Whether the terminal shows the alternate screen.
    ///
    /// - Throws: ``Failure``.
    public var isOnAlternateScreen: Bool { get throws { try value(of: "alternate_on") == "1" } }

    /// Whether the cursor is visible.
    ///
    /// - Throws: ``Failure``.
    public var showsCursor: Bool { get throws { try value(of: "cursor_flag") == "1" } }

    /// The screen as text, for messages.
    public var description: String { (try? screen.joined(separator: "\n")) ?? "no screen" }

    /// Waits until the screen matches.
    ///
    /// - Parameters:
    ///   - limit: How long to wait.
    ///   - isWanted: Whether lines match.
    /// - Returns: Whether they matched in time.
    /// - Throws: ``Failure``.
    public func shows(within limit: Duration = .seconds(30), _ isWanted: ([String]) -> Bool) throws -> Bool {
        try eventually(within: limit, every: .milliseconds(50)) { isWanted(try screen) }
    }

    /// Closes the terminal, as a user closes a window.
    ///
    /// - Throws: ``Failure``.
    public func close() throws { _ = try tmux("kill-server") }

    private func value(of variable: String) throws -> String {
        String(try tmux("display-message", "-p", "#{\(variable)}").dropLast())
    }

    private func tmux(_ arguments: String...) throws -> String { try tmux(arguments) }

    private func tmux(_ arguments: [String]) throws -> String {
        let result = try ChildProcess.run(["tmux", "-S", socket] + arguments)
        guard result.status == 0 else { throw Failure(description: "\(arguments): \(result.errors)") }
        return result.output
    }
}
