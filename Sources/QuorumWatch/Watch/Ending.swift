// SPDX-License-Identifier: MIT

internal import Glibc

/// The end of a watch: the queued events are written, the command is run for them, and the outcome is reported.
///
/// After a signal or the timeout, there is a time limit for the readers of the outputs. After a failure there is none.
/// A second signal ends the program at once.
struct Ending {
    /// How the watch ends.
    private(set) var outcome: Outcome
    /// Whether a second signal came, after which the program waits for nothing.
    private(set) var isHurried = false

    private let watch: Watch
    private let signals: EndingSignals
    private var deadline: Instant?
    /// The number of events that the command is not run for.
    private var notRun = 0

    /// The time limit for the queued events after a signal or the timeout.
    private static let patience = Duration.milliseconds(500)
    /// The minimum time limit for the last diagnostics.
    private static let lastPatience = Duration.milliseconds(100)

    /// The end of a watch, which has been requested.
    init(of watch: Watch, _ signals: EndingSignals) {
        self.watch = watch
        self.signals = signals
        outcome = watch.stop.requested ?? .nothingPending
    }

    /// Runs until the end.
    mutating func run() {
        // Restore the terminal before anything is written to standard error, which may be the same terminal.
        watch.display?.end(interruptedBy: signals.descriptor)
        let commandQueue = watch.outputs.command
        var isPrinting = true
        var isRunning = commandQueue != nil
        switch outcome {
        case .failed, .nothingPending: break
        case .signal, .timedOut: limit()
        case .done, .checked, .outputClosed, .outputFailed: isPrinting = false
        }
        let hasOwnForm = watch.plan.check != nil || watch.plan.format == .prometheus && !watch.plan.follows
        watch.outputs.events.close(noAnswer: hasOwnForm ? outcome.reasonWithoutStatus : nil)
        commandQueue?.close()
        while isPrinting || isRunning {
            let ready = waitForAny([
                (isPrinting ? watch.outputs.events.drainedDescriptor : -1, POLLIN), (isPrinting ? watch.output : -1, 0),
                (isRunning ? commandQueue?.drainedDescriptor ?? -1 : -1, POLLIN),
            ])
            guard let ready else { break }
            if ready[0] != 0 || ready[1] != 0 { isPrinting = false }
            if ready[2] != 0 { isRunning = false }
        }
        watch.command?.reportEnd(notRun: notRun, isRunning: isRunning)
        settle()
        report()
    }

    /// Updates the outcome with errors that happened while the queues were written.
    private mutating func settle() {
        if case .signal = outcome { return }
        outcome = watch.stop.requested ?? outcome
        if case .done = outcome, let failure = watch.command?.startFailure.withLock({ $0 }) {
            outcome = .failed(failure)
        }
    }

    /// Writes the diagnosis of the outcome to standard error, and waits until all diagnostics are written.
    private mutating func report() {
        if let diagnosis = watch.diagnosis(of: outcome) { watch.outputs.diagnostics.write(diagnosis) }
        switch outcome {
        case .failed, .outputFailed: break
        default: deadline = max(deadline ?? .now + Self.patience, .now + Self.lastPatience)
        }
        while !isHurried, let ready = waitForAny([(watch.outputs.diagnostics.idleDescriptor, POLLIN)]), ready[0] == 0 {}
    }

    /// Waits for the descriptors; nil when the deadline or a second signal comes. A first signal sets the deadline.
    private mutating func waitForAny(_ descriptors: [(descriptor: CInt, events: CInt)]) -> [CInt]? {
        guard !isHurried else { return nil }
        let ready = wait(for: [(signals.descriptor, POLLIN)] + descriptors, until: deadline)
        if ready[0] != 0, let signal = signals.next() {
            if case .signal = outcome { isHurried = true }
            outcome = .signal(signal)
            if !isHurried { limit() }
            return isHurried ? nil : Array(ready.dropFirst())
        }
        return ready.allSatisfy { $0 == 0 } ? nil : Array(ready.dropFirst())
    }

    private mutating func limit() {
        deadline = .now + Self.patience
        notRun += watch.outputs.command?.discard() ?? 0
    }
}

extension Watch {
    /// What failed, why, and what to do; nil when nothing failed.
    func diagnosis(of outcome: Outcome) -> String? {
        switch outcome {
        case .failed(let diagnosis): return diagnosis
        case .outputFailed(let error):
            return "cannot write to standard output: \(String(cString: strerror(error))); see where it is redirected to"
        case .timedOut:
            guard let reason = outcome.reasonWithoutStatus else { return nil }
            guard plan.conditions.isEmpty else { return timeoutOfConditions(reason) }
            // No change came, and nothing else was wanted.
            if plan.changesOnly, distributor.reducer(\.hasState) { return nil }
            return plan.follows ? nil : "no \(plan.ifDown.isEmpty ? "status" : "prediction"): \(reason)"
        case .done, .checked, .nothingPending, .signal, .outputClosed: return nil
        }
    }

    private func timeoutOfConditions(_ reason: String) -> String? {
        let unmet = distributor.unmetConditions
        guard unmet?.isEmpty != true else { return nil }
        let list = (unmet ?? plan.conditions).map { escaped("\($0)") }.joined(separator: ", ")
        let known = "corosync says otherwise; see the status, or allow more time with --timeout"
        return "timed out waiting for \(list): \(unmet == nil ? reason : known)"
    }
}
