// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import Glibc
internal import QuorumWatch

/// The program: arguments → a watch → an exit status.
@c(vqwatch_main)
public func main(count: CInt, arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Never {
    let isOutputOpen = openMissingStandardDescriptors()
    let arguments = UnsafeBufferPointer(start: arguments, count: Int(count)).dropFirst()
    let plan = parse(arguments.compactMap { $0.map { Array(cString: $0) } }, isOutputOpen: isOutputOpen)
    let errorStatus: CInt = !plan.isCheck ? EXIT_FAILURE : CheckStatus.unknown.rawValue
    guard isOutputOpen || plan.format == .quiet else { fail("\(closedOutput) or use --quiet", errorStatus) }
    do throws(SystemError) {
        let outcome = try Watch(plan).run()
        if case .signal(let signal) = outcome { endProgram(bySignal: signal) }
        _exit(exitStatus(of: outcome, of: plan, errorStatus))
    } catch {
        // The write below may block on a slow reader, and a signal has to be able to end the program then.
        restoreEndingSignals()
        fail(error.description, errorStatus, asCheck: plan.isCheck && plan.format != .quiet)
    }
}

/// The plan of a command line. Ends the program for help, the version, completions and a usage error.
private func parse(_ arguments: [[CChar]], isOutputOpen: Bool) -> WatchPlan {
    if arguments.isEmpty { return WatchPlan(for: StandardOutput()) }
    do {
        return try Command.plan(arguments, for: StandardOutput())
    } catch {
        if Command.exitCode(for: error).isSuccess { end(printing: Command.fullMessage(for: error), isOutputOpen) }
        // The message can have several lines, and contains arguments from the command line, which need escaping.
        let lines = Command.message(for: error).split(separator: "\n").map { $0.drop { $0 == " " } }
        var words = lines.joined(separator: " ")
        if words.hasSuffix(".") { words.removeLast() }
        let text = "\(escaped(words, limit: 1000)); see 'vqwatch --help'"
        let isCheck = isCheck(arguments.map(\.text))
        fail(text, isCheck ? CheckStatus.unknown.rawValue : EX_USAGE, asCheck: isCheck && isOutputOpen)
    }
}

private let closedOutput = "cannot write to standard output: it is closed; redirect it to /dev/null"

/// Prints the help, the version or a completion script, and ends the program.
private func end(printing text: String, _ isOutputOpen: Bool) -> Never {
    guard isOutputOpen else { fail(closedOutput, EXIT_FAILURE) }
    let error = writeAll("\(text)\n".utf8, to: STDOUT_FILENO)
    guard error == 0 else { fail(diagnosisOfOutput(error), EXIT_FAILURE) }
    _exit(EXIT_SUCCESS)
}

/// Whether a command line that cannot be parsed asks for the line of a monitoring plugin, which reports every error.
private func isCheck(_ arguments: [String]) -> Bool {
    let own = arguments.prefix { !Command.isExec($0) && $0 != "--" }
    return own.contains { argument in
        guard argument.hasPrefix("-") else { return false }
        // Without the value in --check=yes, which is refused.
        let name = argument.prefix { $0 != "=" }
        if name.hasPrefix("--") { return name.drop { $0 == "-" } == "check" }
        // Flags can share a dash, up to an option with a value.
        return name.dropFirst().prefix { !"wnt".contains($0) }.contains("c")
    }
}

private func exitStatus(of outcome: Outcome, of plan: WatchPlan, _ errorStatus: CInt) -> CInt {
    switch outcome {
    case .done(let quorate): !plan.follows && quorate == false ? 2 : EXIT_SUCCESS
    case .checked(let health): health.rawValue
    // The reader closed the output before it received the result.
    case .outputClosed: plan.printsResult ? errorStatus : EXIT_SUCCESS
    case .nothingPending: 75
    case .timedOut: plan.isCheck ? errorStatus : 124
    case .outputFailed, .commandFailed, .failed: errorStatus
    case .signal(let signal): 128 + signal
    }
}

/// Reports an error on standard error, or as the line of a monitoring plugin, and ends the program.
private func fail(_ text: String, _ status: CInt, asCheck: Bool = false) -> Never {
    func isWritten(_ line: [UInt8], to descriptor: CInt) -> Bool { write(descriptor, line, line.count) >= 0 }
    if !asCheck || !isWritten(CheckFormat.line(forUnknown: text), to: STDOUT_FILENO) {
        _ = isWritten(Array("vqwatch: \(text)\n".utf8), to: STDERR_FILENO)
    }
    _exit(status)
}
