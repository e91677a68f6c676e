// SPDX-License-Identifier: MIT

internal import Glibc

/// A pretended cluster: what preloads the stand-in (`Tests/StandIn`) for a process, and what the stand-in counts there.
///
/// Its files last as long as this object, and the object as long as a process that ``spawn`` started.
public final class StandIn: Sendable {
    /// A stand-in that could not be had.
    public struct Failure: Error, CustomStringConvertible {
        /// What failed, and why.
        public let description: String
    }

    private let folder: String
    private let library: String

    /// Describes a cluster.
    ///
    /// - Parameter script: A script as `Tests/StandIn/README.md` describes it.
    /// - Throws: ``Mistake`` if the script has one, ``Failure`` if the stand-in cannot be compiled or there is no folder.
    public init(_ script: String) throws {
        let records = try Self.records(of: script)
        library = try Self.library
        var template = Array("/tmp/vqwatch-standin-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(description: "no temporary folder") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard append(records, to: "script") else { throw Failure(description: "cannot write the script") }
    }

    deinit {
        for file in ["script", "report", "gate"] { unlink("\(folder)/\(file)") }
        rmdir(folder)
    }

    private func append(_ text: String, to name: String) -> Bool {
        let file = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { return false }
        defer { close(file) }
        return writeAll(Array(text.utf8), to: file)
    }

    // MARK: Processes

    /// What a process needs in its environment. The object must then outlive the start of the process.
    public var environment: [String: String?] {
        [
            "LD_PRELOAD": library, "VQ_STANDIN_SCRIPT": "\(folder)/script", "VQ_STANDIN_REPORT": "\(folder)/report",
            "VQ_STANDIN_GATE": "\(folder)/gate",
        ]
    }

    /// Starts a process that finds this cluster in place of corosync.
    ///
    /// - Parameters:
    ///   - arguments: The command, looked up in `PATH`, and its arguments.
    ///   - environment: What else to add to the test's environment, or with `nil` to leave out.
    ///   - output: Its standard output.
    ///   - errors: Its standard error.
    /// - Returns: The process.
    /// - Throws: ``ChildProcess/LaunchError``.
    public func spawn(
        _ arguments: [String], environment: [String: String?] = [:], output: ChildProcess.Stream = .pipe,
        errors: ChildProcess.Stream = .pipe
    ) throws(ChildProcess.LaunchError) -> ChildProcess {
        try ChildProcess(
            arguments, environment: self.environment.merging(environment) { $1 }, output: output, errors: errors,
            keeping: self)
    }

    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - arguments: The command, looked up in `PATH`, and its arguments.
    ///   - environment: What else to add to the test's environment, or with `nil` to leave out.
    ///   - output: Its standard output.
    ///   - limit: How long it may take before it is killed.
    /// - Returns: How it ended and what it wrote.
    /// - Throws: ``ChildProcess/LaunchError``.
    public func run(
        _ arguments: [String], environment: [String: String?] = [:], output: ChildProcess.Stream = .pipe,
        within limit: Duration = .seconds(30)
    ) throws(ChildProcess.LaunchError) -> ChildProcess.Result {
        try spawn(arguments, environment: environment, output: output).finish(within: limit)
    }

    /// Lets one `await` of the script pass.
    public func allowStep() { _ = append(".", to: "gate") }

    // MARK: What it counts

    /// The counters of the process, as they are now; empty before its first call.
    public var report: [String: Int] {
        var counters: [String: Int] = [:]
        for line in (textOfFile("\(folder)/report") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2 { counters[String(words[0])] = Int(words[1]) }
        }
        return counters
    }

    /// The handles that the process has opened and not closed.
    public var leaks: [String: Int] { report.filter { $0.key.hasPrefix("open.") && $0.value != 0 } }

    // MARK: The library and its headers

    private static let sources = "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/StandIn"

    /// The path of the dynamic library, which is compiled when its sources have changed.
    ///
    /// - Throws: ``Failure`` if the C compiler is missing or fails.
    public static var library: String { get throws { try compiled.get() } }

    private static let compiled = Result<String, any Error> {
        let script = "\(sources)/build"
        let path = Sandbox.builtProduct(named: "libStandIn.so")
        let result = try ChildProcess.run([script, path], within: .seconds(60))
        guard result.status == 0 else { throw Failure(description: "\(script): \(result.errors)") }
        return path
    }

    /// Every error of the `corotypes.h` that is installed, in its order.
    public static let errors = constants(in: "corotypes", "CS_ERR_").map {
        (name: "CS_ERR_\($0.name)", number: $0.number)
    }

    /// The functions that the stand-in answers; the others abort.
    public static let functions = calls(of: "STANDIN_CALLS")

    /// The functions that abort, because neither vqwatch nor the library calls them.
    public static let stubs = calls(of: "STANDIN_STUBS")

    /// The functions in a list of `calls.h`.
    private static func calls(of list: String) -> [String] {
        let definitions = (textOfFile("\(sources)/calls.h") ?? "").split(separator: "#define ")
        let names = definitions.first { $0.hasPrefix("\(list)(CALL)") }?.matches(of: /CALL\((\w+)\)/) ?? []
        return names.map { String($0.output.1) }
    }

    /// The constants of an installed header whose names begin with a prefix, which is left out, and their values.
    static func constants(in header: String, _ prefix: String) -> [(name: String, number: Int)] {
        (textOfFile("/usr/include/corosync/\(header).h") ?? "").split(separator: "\n").compactMap { line in
            var words = line.split { " =,\t".contains($0) }[...]
            if words.first == "#define" { words.removeFirst() }
            guard words.count >= 2, let name = words.first, name.hasPrefix(prefix),
                let number = Int(words.dropFirst().first!)
            else { return nil }
            return (name: String(name.dropFirst(prefix.count)), number: number)
        }
    }
}
