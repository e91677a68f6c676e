// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import Glibc
internal import QuorumWatch

/// Options → a watch → an exit status.
@main
enum Main {
    static func main() {
        let isOutputOpen = openMissingStandardDescriptors()
        let output = StandardOutput()
        let plan =
            Flags(CommandLine.arguments.dropFirst())?.plan(text: output.text(in: .auto)) ?? parse().plan(for: output)
        let errorStatus: CInt = plan.check == nil ? 1 : 3
        guard isOutputOpen || plan.format == .quiet else {
            fail(
                "cannot write to standard output: it is closed; redirect it to /dev/null or use --quiet",
                status: errorStatus)
        }
        let outcome = Watch(plan).run()
        switch outcome {
        case .done(let quorate):
            _exit(!plan.follows && quorate == false ? 2 : 0)
        case .checked(let health):
            _exit(health.rawValue)
        case .outputClosed:
            // Nobody has read what was waited for.
            _exit(plan.check != nil || !plan.conditions.isEmpty ? errorStatus : 0)
        case .nothingPending:
            _exit(75)
        case .signal(let signal):
            endProgram(bySignal: signal)
        case .timedOut:
            if !plan.follows, let why = outcome.whyNoStatus { report("no status: \(why)") }
            _exit(plan.check == nil ? 124 : errorStatus)
        case .outputFailed(let error):
            fail(
                "cannot write to standard output: \(String(cString: strerror(error))); see where it is redirected to",
                status: errorStatus)
        case .failed(let diagnosis):
            fail(diagnosis, status: errorStatus)
        }
    }

    private static func parse() -> Command {
        do {
            return try Command.parse()
        } catch {
            // Help, the version and completions are answers, not errors.
            guard Command.exitCode(for: error).isSuccess else {
                // Some messages have several lines, and every one repeats what was written on the command line.
                let lines = Command.message(for: error).split(separator: "\n").map { $0.drop { $0 == " " } }
                report("\(harmless(lines.joined(separator: " "), limit: 1000)); see 'vqwatch --help'")
                _exit(EX_USAGE)
            }
            Command.exit(withError: error)
        }
    }

    private static func fail(_ text: String, status: CInt) -> Never {
        report(text)
        _exit(status)
    }

    private static func report(_ text: String) {
        let line = Array("vqwatch: \(text)\n".utf8)
        write(STDERR_FILENO, line, line.count)
    }
}
