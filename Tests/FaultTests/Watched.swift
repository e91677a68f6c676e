// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// vqwatch under the stand-in: a script, the arguments, and the stand-in's counters.
final class Watched: Sendable {
    /// The program; that of another build when `VQWATCH_PROGRAM` names one.
    static let program =
        getenv("VQWATCH_PROGRAM").map { String(cString: $0) } ?? Sandbox.builtProduct(named: "vqwatch")

    let process: ChildProcess
    private let folder: String

    /// Starts it with a script, which may `await` the file that it is given: see ``allowStep()``.
    init(
        _ script: (_ gate: String) -> String, _ arguments: [String], output: ChildProcess.Stream = .pipe
    ) throws {
        var template = Array("/tmp/vqwatch-faults-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Problem("no folder") }
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        self.folder = folder
        writeFile(script("\(folder)/gate"), to: "\(folder)/script")
        process = try ChildProcess(
            [Self.program] + arguments,
            environment: [
                "LD_PRELOAD": Sandbox.builtProduct(named: "libStandIn.so"), "VQ_STANDIN_SCRIPT": "\(folder)/script",
                "VQ_STANDIN_REPORT": "\(folder)/report", "NOTIFY_SOCKET": nil,
            ], output: output)
    }

    /// Starts it with a script.
    convenience init(_ script: String, _ arguments: [String], output: ChildProcess.Stream = .pipe) throws {
        try self.init({ _ in script }, arguments, output: output)
    }

    /// Waits until it has ended. Its files stay for as long.
    func finish(within limit: Duration = .seconds(30)) -> ChildProcess.Result {
        withExtendedLifetime(self) { process.finish(within: limit) }
    }

    /// Lets the next `await` pass.
    func allowStep() {
        guard let file = fopen("\(folder)/gate", "ae") else { return }
        fputs(".", file)
        fclose(file)
    }

    deinit {
        unlink("\(folder)/gate")
        unlink("\(folder)/script")
        unlink("\(folder)/report")
        rmdir(folder)
    }

    /// The stand-in's counters, as they are now.
    var report: [String: Int] {
        var counters: [String: Int] = [:]
        for line in readFile("\(folder)/report").split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2 { counters[String(parts[0])] = Int(parts[1]) }
        }
        return counters
    }

    /// How many descriptors it has open.
    var descriptors: Int {
        guard let folder = opendir("/proc/\(process.processID)/fd") else { return -1 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        return count - 2
    }

    /// Its memory in KiB: a line of `/proc/PID/status` such as `VmRSS`.
    func memory(_ name: String) -> Int {
        for line in readFile("/proc/\(process.processID)/status").split(separator: "\n")
        where line.hasPrefix("\(name):") {
            return Int(line.split { $0 == " " || $0 == "\t" }[1]) ?? -1
        }
        return -1
    }

    /// What the report says is still open.
    var leaks: [String: Int] { report.filter { $0.key.hasPrefix("open.") && $0.value != 0 } }
}

/// What a test found to be wrong.
struct Problem: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Throws when something does not hold.
func demand(_ holds: Bool, _ problem: @autoclosure () -> String) throws(Problem) {
    if !holds { throw Problem(problem()) }
}

func writeFile(_ text: String, to path: String) {
    guard let file = fopen(path, "we") else { return }
    let bytes = Array(text.utf8)
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
}

/// The text of a file; empty if it is not there.
func readFile(_ path: String) -> String {
    guard let file = fopen(path, "re") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
}
