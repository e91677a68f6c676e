// SPDX-License-Identifier: MIT

internal import Glibc

extension Duration {
    /// The limit for what takes less than a second on a machine that is not busy. A busy one delays single processes by
    /// some seconds.
    public static var aMoment: Duration { .seconds(8) }
}

extension ChildProcess {
    /// The result of a process that has ended.
    public struct Result: Sendable {
        /// How it ended; `nil` if it did not end in time and was killed.
        public let termination: Termination?
        /// Its standard output.
        public let outputBytes: [UInt8]
        /// Its standard error.
        public let errors: String

        /// Its standard output as text.
        public var output: String { String(decoding: outputBytes, as: UTF8.self) }
        /// The lines of its standard output.
        public var lines: [String] {
            output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast(
                output.hasSuffix("\n") || output.isEmpty ? 1 : 0)
        }
        /// Its exit status; `nil` if it was ended by a signal.
        public var status: Int32? {
            guard case .exited(let status) = termination else { return nil }
            return status
        }
    }

    /// Waits until the process has ended, and kills it if it does not end in time.
    ///
    /// - Parameter limit: How long it may take.
    /// - Returns: How it ended, its unread output, and its standard error.
    public func finish(within limit: Duration = .seconds(30)) -> Result {
        let termination = wait(within: limit)
        if termination == nil {
            signal(SIGKILL)
            _ = wait(within: .seconds(10))
        }
        // Do not wait for the end of the pipes, which children of the process may hold open.
        return Result(termination: termination, outputBytes: readAll(within: .zero), errors: errors)
    }

    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - arguments: The command, looked up in `PATH`, and its arguments.
    ///   - environment: Variables to add to the test's environment, or with `nil` to remove from it.
    ///   - input: The text on its standard input.
    ///   - limit: How long it may take before it is killed.
    /// - Returns: How it ended and what it wrote.
    /// - Throws: ``LaunchError``.
    public static func run(
        _ arguments: [String], environment: [String: String?] = [:],
        input: String = "", within limit: Duration = .seconds(30)
    ) throws(LaunchError) -> Result {
        let process = try ChildProcess(
            arguments, environment: environment, input: input.isEmpty ? .null : .pipe)
        // A larger input would not fit into the pipe, and writing it would block.
        precondition(input.utf8.count <= 65536)
        process.write(input)
        process.closeInput()
        return process.finish(within: limit)
    }
}

/// Waits until a condition holds.
///
/// - Parameters:
///   - limit: How long to wait.
///   - interval: The pause between two evaluations.
///   - condition: The condition.
/// - Returns: Whether it held in time.
/// - Throws: The errors of the condition.
public func eventually<Failure: Error>(
    within limit: Duration, every interval: Duration = .milliseconds(20), _ condition: () throws(Failure) -> Bool
) throws(Failure) -> Bool {
    let deadline = ContinuousClock.now + limit
    while true {
        if try condition() { return true }
        if ContinuousClock.now >= deadline { return false }
        usleep(UInt32(max(0, min(interval, deadline - .now) / .microseconds(1))))
    }
}

/// Measures an attempt. If it is too slow, the same attempt is made again, at most twice, because a busy machine can delay
/// one.
///
/// - Parameters:
///   - limit: What the attempt has to be faster than.
///   - attempt: The attempt, which returns how long it took.
/// - Returns: The duration of the first attempt that was fast enough, or else of the last.
/// - Throws: The errors of the attempt.
public func duration<Failure: Error>(
    aimingFor limit: Duration, of attempt: () throws(Failure) -> Duration
) throws(Failure) -> Duration {
    for _ in 1...2 {
        let duration = try attempt()
        if duration < limit { return duration }
    }
    return try attempt()
}

/// Whether the tests run as root. Otherwise a sandbox has a single user.
public let isRoot = geteuid() == 0
