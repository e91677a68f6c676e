// SPDX-License-Identifier: MIT

internal import Synchronization

/// Validates JSON lines against `share/event.schema.json` with an independent validator: `Tests/validate-events`.
public final class SchemaValidator: Sendable {
    /// A validator that all tests share. It ends with the tests.
    public static let shared = SchemaValidator()

    private let process: Mutex<ChildProcess?>

    /// Starts a validator.
    public init() {
        let script = "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/validate-events"
        process = Mutex(try? ChildProcess([script, "--each"], input: .pipe))
    }

    /// Validates a line.
    ///
    /// - Parameter line: The line without its newline.
    /// - Returns: The message of the validator, or nil if the line is valid.
    public func problem(with line: String) -> String? {
        process.withLock { process in
            guard let process else { return "Tests/validate-events does not start" }
            process.write(line + "\n")
            switch process.read(within: .seconds(30)) {
            case .line("ok"): return nil
            case .line(let problem): return problem
            case .end, .timeout: return "no answer from Tests/validate-events: \(process.errors)"
            }
        }
    }
}
