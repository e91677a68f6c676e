// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// A run of vqwatch with the stand-in: the script, the arguments, and the stand-in's counters.
final class Watched: Sendable {
    let process: ChildProcess
    private let standIn: StandIn

    /// Starts it with a script.
    init(
        _ script: String, _ arguments: [String], environment: [String: String?] = [:],
        output: ChildProcess.Stream = .pipe, errors: ChildProcess.Stream = .pipe
    ) throws {
        standIn = try StandIn(script)
        process = try standIn.spawn(
            [vqwatch] + arguments, environment: environment.merging(["NOTIFY_SOCKET": nil]) { given, _ in given },
            output: output, errors: errors)
    }

    /// Waits until it has ended.
    func finish(within limit: Duration = .seconds(30)) -> ChildProcess.Result { process.finish(within: limit) }

    /// Sends SIGTERM, and returns how long the process took to end by it.
    func terminate() throws(TestFailure) -> Duration {
        let start = ContinuousClock.now
        process.signal(SIGTERM)
        let end = finish().termination
        try demand(end == .signaled(SIGTERM), "ended by \(String(describing: end))")
        return ContinuousClock.now - start
    }

    /// Lets the next `await` pass.
    func allowStep() { standIn.allowStep() }

    /// The stand-in's counters, as they are now.
    var report: [String: Int] { standIn.report }

    /// The handles that are still open, according to the report.
    var leaks: [String: Int] { standIn.leaks }

    /// How many descriptors it has open.
    var descriptors: Int { namesInFolder("/proc/\(process.processID)/fd").count }

    /// The processor time that it has used.
    var processorTime: Duration {
        let fields = readFile("/proc/\(process.processID)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        return .milliseconds(10 * (fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0))
    }

    /// A value in KiB from `/proc/PID/status`, such as `VmRSS`.
    func memory(_ name: String) -> Int {
        number(after: "\(name):", in: readFile("/proc/\(process.processID)/status")) ?? -1
    }
}

/// Throws a problem unless the condition holds.
func demand(_ holds: Bool, _ problem: @autoclosure () -> String) throws(TestFailure) {
    if !holds { throw TestFailure(problem()) }
}

/// Throws a problem unless one of three attempts takes less than a second. The program may take 850 ms, and a busy machine
/// can delay an attempt by more than the rest.
func demandSecond(_ attempt: () throws -> Duration) throws {
    var times: [Duration] = []
    repeat { times.append(try attempt()) } while times[times.count - 1] >= .seconds(1) && times.count < 3
    try demand(times[times.count - 1] < .seconds(1), "it takes \(times)")
}

func writeFile(_ text: String, to path: String) {
    guard let file = fopen(path, "we") else { return }
    let bytes = Array(text.utf8)
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
}

/// The text of a file; empty if it is not there.
func readFile(_ path: String) -> String { textOfFile(path) ?? "" }
