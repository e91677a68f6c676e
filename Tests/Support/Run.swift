// SPDX-License-Identifier: MIT

internal import Glibc

extension ChildProcess {
    /// What a process that has ended left.
    public struct Result: Sendable {
        /// How it ended; `nil` when it did not end in time and was killed.
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
        /// The status it returned; `nil` when it did not return.
        public var status: Int32? {
            guard case .exited(let status) = termination else { return nil }
            return status
        }
    }

    /// Waits until the process has ended, and kills it when it does not.
    ///
    /// - Parameter limit: How long it may take.
    /// - Returns: What it left that was not read before.
    public func finish(within limit: Duration = .seconds(30)) -> Result {
        let termination = wait(within: limit)
        if termination == nil {
            signal(SIGKILL)
            _ = wait(within: .seconds(10))
        }
        // What the process itself wrote is there by now; its own children may hold the pipes open for longer.
        return Result(termination: termination, outputBytes: readAll(within: .zero), errors: errors)
    }

    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - arguments: The command, looked up in `PATH`, and its arguments.
    ///   - environment: What to add to the test's environment, or with `nil` to leave out.
    ///   - input: What it gets on its standard input.
    ///   - limit: How long it may take before it is killed.
    /// - Returns: How it ended and what it wrote.
    /// - Throws: ``LaunchError``.
    public static func run(
        _ arguments: [String], environment: [String: String?] = [:],
        input: String = "", within limit: Duration = .seconds(30)
    ) throws(LaunchError) -> Result {
        let process = try ChildProcess(
            arguments, environment: environment, input: input.isEmpty ? .null : .pipe)
        // Larger than a pipe holds, it would need a thread of its own.
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
///   - interval: How often to look.
///   - condition: What is to hold.
/// - Returns: Whether it held in time.
/// - Throws: What the condition throws.
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
