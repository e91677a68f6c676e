// SPDX-License-Identifier: MIT

import Testing
import TestSupport

/// The parsing of the command line, which needs no corosync.
@Suite("The command line")
struct OptionTests {
    /// Arguments, and the option that the message must name.
    static let refused: [(arguments: [String], option: String)] = [
        (["--events", "quorum"], "--events"),
        (["-f", "--events", "quorum,nonsense"], "--events"),
        (["-f", "--events", ""], "--events"),
        (["-f", "--events", "quorum,"], "--events"),
        (["--wait-for", "quorate", "-l"], "--links"),
        (["--if-down", "2", "-l"], "--links"),
        (["--count", "1"], "--count"),
        (["-f", "--count", "0"], "--count"),
        (["-f", "-n", "-1"], "-n"),
        (["-f", "-n", "1e3"], "-n"),
        (["-f", "-n", "99999999999999999999"], "-n"),
        (["--refresh", "1s"], "--refresh"),
        (["-f", "--dispatch", "blocking", "--refresh", "1s"], "--refresh"),
        (["-f", "--dispatch", "one", "--refresh", "1s"], "--refresh"),
        (["-f", "--refresh", "often"], "--refresh"),
        (["--no-reconnect"], "--no-reconnect"),
        (["--if-down", ""], "--if-down"),
        (["--if-down", "0"], "--if-down"),
        (["--if-down", "1", "--follow"], "--follow"),
        (["--if-down", "1", "--wait-for", "quorate"], "--wait-for"),
        (["--if-down", "1", "--format", "prometheus"], "--format prometheus"),
        (["--if-down", "1", "--refresh", "1s"], "--refresh"),
        (["--if-down", "1", "--no-reconnect"], "--no-reconnect"),
        (["--if-down", "1", "--dispatch", "one"], "--dispatch one"),
        (["--if-down", "1", "--changes-only"], "--changes-only"),
        (["--if-down", "1", "--quiet", "--json"], "--json"),
        (["--changes-only"], "--changes-only"),
        (["--live", "--follow"], "--follow"),
        (["--live", "--wait-for", "quorate"], "--wait-for"),
        (["--live", "--json"], "--json"),
        (["--live", "--format", "text"], "--format"),
        (["--live", "--quiet"], "--quiet"),
        (["--live", "--count", "1"], "--count"),
        (["--live", "--changes-only"], "--changes-only"),
        (["--live", "--dispatch", "one"], "--dispatch"),
        (["--live", "--metrics-file", "/nowhere/x.prom"], "--metrics-file"),
        (["--live", "--exec", "true"], "--exec"),
        (["--live"], "--live"),
        (["--dispatch", "two"], "--dispatch"),
        (["--format", "yaml"], "--format"),
        (["--json", "--format", "text"], "--json"),
        (["--quiet", "--json"], "--json"),
        (["--quiet", "--format", "text"], "--format"),
        (["--quiet", "--links"], "--links"),
        (["--quiet", "--warn-margin", "9"], "--warn-margin"),
        (["--quiet", "--warn-links", "3"], "--warn-links"),
        (["--quiet", "--allow-absent", "3"], "--allow-absent"),
        (["--quiet", "--changes-only", "--dispatch", "one", "--links"], "--links"),
        (["--json", "--color", "always"], "--color"),
        (["--color", "sometimes"], "--color"),
        (["--timeout", "0"], "--timeout"),
        (["--timeout", "1x"], "--timeout"),
        (["--timeout", "-1s"], "--timeout"),
        (["--timeout", "nan"], "--timeout"),
        (["--timeout", "1e400"], "--timeout"),
        (["--timeout", ""], "--timeout"),
        (["--timeout", "ms"], "--timeout"),
        (["--timeout", "8760.001h"], "--timeout"),
        (["--timeout", "99999999h"], "--timeout"),
        (["--timeout", String(repeating: "9", count: 400)], "--timeout"),
        (["--timeout", "0.0"], "--timeout"),
        (["-f", "--refresh", "8761h"], "--refresh"),
        (["--warn-margin", "4294967296"], "--warn-margin"),
        (["-f", "--warn-margin", "-1"], "--warn-margin"),
        (["-f", "-n", "9223372036854775808"], "-n"),
        (["--timeout"], "--timeout"),
        (["--nonsense"], "--nonsense"),
        (["-fjn1"], "-fjn1"),
        (["a\u{1b}[31m\nb"], "a\\u{1b}[31m"),
        (["status"], "status"),
    ]

    @Test("refuses invalid options with status 64 and the name of the option", arguments: refused)
    func refuses(_ example: (arguments: [String], option: String)) throws {
        let result = try ChildProcess.run([vqwatch] + example.arguments)
        #expect(result.status == 64)
        #expect(result.output == "")
        #expect(result.errors.hasPrefix("vqwatch: "))
        #expect(result.errors.contains(example.option), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test("reports a usage error of --check, however that is written, as UNKNOWN on standard output")
    func refusesChecks() throws {
        for option in ["--check=1", "--check=yes", "--check=", "---check", "-c=1", "-c1", "-fc"] {
            let result = try ChildProcess.run([vqwatch, option])
            let isUnknown = result.status == 3 && result.output.hasPrefix("QUORUM UNKNOWN - ")
            #expect(isUnknown && result.lines.count == 1 && result.errors == "", "\(option): \(result.output)")
        }
        // In these, it is a value, or an argument of another command.
        for options in [
            ["check"], ["-q=c"], ["-tc"], ["--nonsense", "--exec", "x", "--check=1"], ["--nonsense", "--exec=x", "-c"],
        ] {
            let result = try ChildProcess.run([vqwatch] + options)
            #expect(result.status == 64 && result.output == "", "\(options): \(result.output)")
        }
    }

    @Test("answers --help and --version on standard output")
    func answers() throws {
        let help = try ChildProcess.run([vqwatch, "--help"])
        #expect(help.status == 0 && help.errors == "" && help.output.contains("--changes-only"))
        let words = help.output.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
        #expect(words.contains("or, for the status only, prometheus."), "every other task refuses it")
        let version = try ChildProcess.run([vqwatch, "--version"])
        #expect(version.status == 0 && version.output.hasPrefix("vqwatch ") && version.lines.count == 1)
    }

    @Test(
        "accepts a duration in every form",
        arguments: [
            ("200ms", 0.2), ("0.000000000001ms", 0.001), ("0.2s", 0.2), (".2", 0.2), ("0.005m", 0.3), ("0.0001h", 0.36),
        ])
    func takesDurations(_ duration: String, _ seconds: Double) throws {
        let start = ContinuousClock.now
        let result = try ChildProcess.run([vqwatch, "--follow", "--timeout", duration])
        #expect(result.status == 124)
        #expect(ContinuousClock.now - start >= .seconds(seconds))
    }
}
