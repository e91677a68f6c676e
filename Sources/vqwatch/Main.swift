// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import Glibc
internal import QuorumWatch

/// Options → a watch → an exit status.
@main
enum Main {
    static func main() {
        let isOutputOpen = openMissingStandardDescriptors()
        let command = parse()
        guard isOutputOpen || command.quiet else {
            fail("cannot write to standard output: it is closed; redirect it to /dev/null or use --quiet")
        }
        let noColor = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        let plan = command.plan(onTerminal: isatty(STDOUT_FILENO) == 1, noColor: noColor)
        switch Watch(plan).run() {
        case .done(let quorate):
            _exit(command.follows || quorate != false ? 0 : 2)
        case .outputClosed:
            _exit(0)
        case .nothingPending:
            _exit(75)
        case .signal(let signal):
            endProgram(bySignal: signal)
        case .timedOut(let isConnected):
            if !command.follows {
                let why = isConnected ? "corosync is connected but does not answer" : "no connection to corosync"
                report("no status: \(why); see whether corosync runs, or allow more time with --timeout")
            }
            _exit(124)
        case .outputFailed(let error):
            fail("cannot write to standard output: \(String(cString: strerror(error))); see where it is redirected to")
        case .failed(let diagnosis):
            fail(diagnosis)
        }
    }

    private static func parse() -> Command {
        do {
            return try Command.parse()
        } catch {
            // Help, the version and completions are answers, not errors.
            guard Command.exitCode(for: error).isSuccess else {
                report("\(Command.message(for: error)); see 'vqwatch --help'")
                _exit(EX_USAGE)
            }
            Command.exit(withError: error)
        }
    }

    private static func fail(_ text: String) -> Never {
        report(text)
        _exit(1)
    }

    private static func report(_ text: String) {
        let line = Array("vqwatch: \(text)\n".utf8)
        write(STDERR_FILENO, line, line.count)
    }
}
