// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// One run of `standin-probe` under the stand-in: a script, the calls to make, and what came back.
struct Probe {
    /// The lines the probe printed, one for each call and, beginning with `- `, one for each callback.
    let lines: [String]
    /// What was left on standard error.
    let diagnostics: String
    /// The exit status; `nil` when a signal ended it.
    let status: Int32?
    /// The counters of the report, by name.
    let report: [String: Int]

    /// Where the build put what it made: the folder of this test program.
    static var products: String {
        get throws {
            let program = try #require(realpath("/proc/self/exe", nil))
            defer { free(program) }
            let path = String(cString: program)
            return String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
        }
    }

    static var library: String {
        get throws { try products + "/libStandIn.so" }
    }

    init(script: String, _ actions: String) throws {
        var template = Array("/tmp/standin-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        defer {
            unlink("\(folder)/script")
            unlink("\(folder)/report")
            rmdir(folder)
        }
        try Self.write(script, to: "\(folder)/script")

        let result = try ChildProcess.run(
            ["\(Self.products)/standin-probe"] + actions.split(separator: " ").map(String.init),
            environment: [
                "LD_PRELOAD": Self.library,
                "VQ_STANDIN_SCRIPT": "\(folder)/script",
                "VQ_STANDIN_REPORT": "\(folder)/report",
            ])
        status = result.status
        lines = result.lines
        diagnostics = result.errors
        var counters: [String: Int] = [:]
        for line in Self.read("\(folder)/report").split(separator: "\n") {
            let parts = line.split(separator: " ")
            counters[String(parts[0])] = Int(parts[1])
        }
        report = counters
    }

    private static func write(_ text: String, to path: String) throws {
        let file = try #require(fopen(path, "we"))
        fputs(text, file)
        fclose(file)
    }

    /// The text of a file; empty if it is not there.
    static func read(_ path: String) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }
}
