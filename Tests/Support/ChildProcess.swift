// SPDX-License-Identifier: MIT

internal import Glibc
internal import Synchronization

/// A process that a test started: its descriptors, its signals, and how it ended.
///
/// Output is read only when a test reads it, so that a test can be a slow reader. A process that is still running is
/// killed when the last reference to it goes away.
public final class ChildProcess: Sendable {
    /// What one of the three standard descriptors of a process is connected to.
    public enum Stream: Sendable {
        /// A pipe to this object.
        case pipe
        /// `/dev/null`.
        case null
        /// A file: input is read from it; output replaces it.
        case file(String)
        /// An open descriptor of the test process.
        case descriptor(Int32)
        /// The same as in the test process.
        case inherited
        /// Nothing: the process starts with the descriptor closed.
        case closed
    }

    /// How a process ended.
    public enum Termination: Hashable, Sendable {
        /// It returned this status.
        case exited(Int32)
        /// This signal ended it.
        case signaled(Int32)
    }

    /// The result of reading a line.
    public enum Reading: Hashable, Sendable {
        /// A line, without its newline.
        case line(String)
        /// The other side was closed, and every line has been read.
        case end
        /// No line arrived in time.
        case timeout
    }

    /// A process that could not be started.
    public struct LaunchError: Error, CustomStringConvertible {
        /// The command, and why it did not start.
        public let description: String
    }

    /// The process ID. It is not reused until ``wait(within:draining:)`` has returned how the process ended.
    public let processID: Int32

    private let input: Mutex<Int32?>
    private let sources: Mutex<Sources>
    private let exit: Mutex<Exit>
    private let kept: (any AnyObject & Sendable)?
    /// The last event that was read with ``nextEvent(within:where:)``.
    let lastEvent: Mutex<EventLine?> = Mutex(nil)

    private struct Sources {
        var output: LineSource
        var errors: LineSource
    }

    private struct Exit {
        var termination: Termination?
        /// A descriptor that is readable when the process has ended.
        let event: Int32
        let watcher: pthread_t
    }

    /// Starts a process, with every signal at its default.
    ///
    /// - Parameters:
    ///   - arguments: The command, looked up in `PATH`, and its arguments.
    ///   - environment: Variables to add to the test's environment, or with `nil` to remove from it.
    ///   - input: Its standard input.
    ///   - output: Its standard output.
    ///   - errors: Its standard error. With `.descriptor(1)` it is the process's own standard output.
    ///   - kept: What the process needs for as long as it runs, such as files that go away with an object.
    /// - Throws: ``LaunchError``.
    public init(
        _ arguments: [String], environment: [String: String?] = [:],
        input: Stream = .null, output: Stream = .pipe, errors: Stream = .pipe,
        keeping kept: (any AnyObject & Sendable)? = nil
    ) throws(LaunchError) {
        self.kept = kept
        var plan = LaunchPlan()
        let ours = [plan.connect(0, to: input), plan.connect(1, to: output), plan.connect(2, to: errors)]
        switch plan.launch(arguments, environment: environment) {
        case .success(let pid): processID = pid
        case .failure(let error):
            for end in ours { end.map { _ = close($0) } }
            throw error
        }
        self.input = Mutex(ours[0])
        sources = Mutex(Sources(output: LineSource(ours[1]), errors: LineSource(ours[2])))
        let (event, watcher) = watchForExit(of: processID)
        exit = Mutex(Exit(event: event, watcher: watcher))
    }

    deinit {
        signal(SIGKILL)
        _ = wait(within: .seconds(10), draining: false)
        closeInput()
        closeOutput()
        sources.withLock { $0.errors.close() }
    }

    /// Sends a signal, unless the process has been waited for.
    ///
    /// - Parameter number: The signal, such as `SIGTERM`.
    public func signal(_ number: Int32) {
        exit.withLock { exit in
            if exit.termination == nil { _ = kill(processID, number) }
        }
    }

    /// Waits until the process has ended.
    ///
    /// - Parameters:
    ///   - limit: How long to wait.
    ///   - draining: Whether to keep its output and errors, so that full pipes do not stop it.
    /// - Returns: How it ended, or `nil` if it is still running.
    public func wait(within limit: Duration, draining: Bool = true) -> Termination? {
        let deadline = ContinuousClock.now + limit
        let event = exit.withLock { $0.termination == nil ? $0.event : -1 }
        while event >= 0 {
            let ended =
                if draining {
                    sources.withLock { $0.output.pull(and: &$0.errors, until: deadline, or: event) }
                } else {
                    isReadable(event, until: deadline)
                }
            if ended { break }
            if ContinuousClock.now >= deadline { return nil }
        }
        return exit.withLock { exit in
            guard exit.termination == nil else { return exit.termination }
            // Up to here the process is a zombie, so its ID cannot have been reused.
            pthread_join(exit.watcher, nil)
            var status: Int32 = 0
            while waitpid(processID, &status, 0) < 0, errno == EINTR {}
            close(exit.event)
            let signal = status & 0x7f
            exit.termination = signal == 0 ? .exited((status >> 8) & 0xff) : .signaled(signal)
            return exit.termination
        }
    }

    /// Whether the process is running or stopped.
    public var isRunning: Bool { wait(within: .zero, draining: false) == nil }

    /// The child of a process that has exactly one, such as strace(1); otherwise `nil`.
    public var onlyChild: Int32? {
        let children = textOfFile("/proc/\(processID)/task/\(processID)/children")?.split(separator: " ") ?? []
        return children.count == 1 ? Int32(children[0]) : nil
    }

    // MARK: Input

    /// Writes to the process's standard input, which must be a ``Stream/pipe``.
    ///
    /// - Parameter text: The text to write.
    /// - Returns: Whether all of it was written; `false` if the process has closed its end.
    @discardableResult
    public func write(_ text: String) -> Bool {
        input.withLock { input in
            guard let input else { return false }
            return writeAll(Array(text.utf8), to: input)
        }
    }

    /// Closes the process's standard input.
    public func closeInput() {
        input.withLock { input in
            if let input { close(input) }
            input = nil
        }
    }

    // MARK: Output

    /// Reads a line of the process's standard output.
    ///
    /// - Parameter limit: How long to wait for it.
    /// - Returns: The line, or the reason why there is none. Text at the end without a newline is a line too.
    public func read(within limit: Duration) -> Reading {
        let deadline = ContinuousClock.now + limit
        return sources.withLock { sources in
            // Even without time to wait, read what is already available.
            var isLate = false
            while true {
                if let line = sources.output.takeLine() { return .line(line) }
                if sources.output.isAtEnd { return .end }
                if isLate { return .timeout }
                isLate = ContinuousClock.now >= deadline
                _ = sources.output.pull(and: &sources.errors, until: deadline, or: nil)
            }
        }
    }

    /// Reads a line of the process's standard output, if the reason for a missing line does not matter.
    ///
    /// - Parameter limit: How long to wait for it.
    /// - Returns: The line without its newline, or `nil` if none arrived in time or the output has ended.
    public func nextLine(within limit: Duration) -> String? {
        guard case .line(let line) = read(within: limit) else { return nil }
        return line
    }

    /// Reads lines of the process's standard output until one matches.
    ///
    /// - Parameters:
    ///   - limit: How long to wait for it.
    ///   - isWanted: Whether a line matches.
    /// - Returns: That line, or `nil` if none arrived in time or the output has ended.
    public func nextLine(within limit: Duration, where isWanted: (String) -> Bool) -> String? {
        let deadline = ContinuousClock.now + limit
        while let line = nextLine(within: max(.zero, deadline - .now)) {
            if isWanted(line) { return line }
        }
        return nil
    }

    /// Reads the rest of the process's standard output.
    ///
    /// - Parameter limit: How long to wait for its end.
    /// - Returns: The unread output, as far as it arrived in time.
    public func readAll(within limit: Duration) -> [UInt8] {
        let deadline = ContinuousClock.now + limit
        return sources.withLock { sources in
            sources.output.pullAvailable()
            while !sources.output.isClosed, ContinuousClock.now < deadline {
                _ = sources.output.pull(and: &sources.errors, until: deadline, or: nil)
            }
            return sources.output.takeAll()
        }
    }

    /// Everything that the process has written to its standard error so far.
    public var errors: String {
        sources.withLock { sources in
            sources.errors.pullAvailable()
            return sources.errors.text
        }
    }

    /// Closes the reading end of the process's standard output, so that its writes fail from now on.
    public func closeOutput() {
        sources.withLock { $0.output.close() }
    }
}
