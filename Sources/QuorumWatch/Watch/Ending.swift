// SPDX-License-Identifier: MIT

/// The end of a watch: the queued events are written, the command is run for them, and the outcome is reported.
///
/// After a signal or the timeout, there is a time limit for the readers of the outputs. After a failure there is none.
/// A second signal ends the program at once.
struct Ending {
    /// How the watch ends.
    private(set) var outcome: Outcome
    /// Whether a second signal came, after which the program waits for nothing.
    private(set) var isHurried = false

    private enum Source { case signal, events, reader, command, diagnostics }

    private let watch: Watch
    private let signals: Signals
    private var deadline: Instant?
    /// The number of events that the command is not run for.
    private var notRun = 0

    /// The time limit for the queued events after a signal or the timeout.
    private static let patience = Duration.milliseconds(500)
    /// The minimum time limit for the last diagnostics.
    private static let lastPatience = Duration.milliseconds(100)

    /// The end of a watch, which has been requested.
    init(of watch: Watch, _ signals: Signals) {
        self.watch = watch
        self.signals = signals
        outcome = watch.stop.requested ?? .nothingPending
    }

    mutating func run() {
        // Restore the terminal before anything is written to standard error, which may be the same terminal.
        watch.display?.end(interruptedBy: signals.descriptor)
        let outputs = watch.outputs
        var isPrinting = true
        var isRunning = outputs.command != nil
        switch outcome {
        case .failed, .commandFailed, .nothingPending: break
        case .signal, .timedOut: limit()
        case .done, .checked, .outputClosed, .outputFailed: isPrinting = false
        }
        let hasOwnForm = watch.plan.isCheck || watch.plan.format == .prometheus
        if hasOwnForm, let reason = outcome.reasonWithoutStatus { outputs.events.put(.noStatus(reason: reason)) }
        outputs.events.close()
        outputs.command?.close()
        while isPrinting || isRunning {
            let ready = waitForAny([
                Polled(.events, isPrinting ? outputs.events.finishedDescriptor : -1),
                Polled(.reader, isPrinting ? watch.output : -1, events: 0),
                Polled(.command, isRunning ? outputs.command?.finishedDescriptor ?? -1 : -1),
            ])
            guard let ready else { break }
            if ready.contains(.events) || ready.contains(.reader) { isPrinting = false }
            if ready.contains(.command) { isRunning = false }
        }
        if isPrinting, watch.plan.printsResult, outcome == .timedOut(nil) { outcome = .timedOut(.unreadOutput) }
        watch.command?.reportEnd(notRun: notRun, isRunning: isRunning)
        // Errors that happened meanwhile.
        if let requested = watch.stop.requested, requested.rank > outcome.rank { outcome = requested }
        report()
    }

    /// Writes the diagnosis of the outcome to standard error, and waits until all diagnostics are written.
    private mutating func report() {
        if let diagnosis = outcome.diagnosis(of: watch.plan.task) { watch.outputs.diagnostics.write(diagnosis) }
        watch.outputs.diagnostics.close()
        switch outcome {
        case .failed, .commandFailed, .outputFailed: break
        default: deadline = max(deadline ?? .now + Self.patience, .now + Self.lastPatience)
        }
        let finished = Polled(Source.diagnostics, watch.outputs.diagnostics.finishedDescriptor)
        while !isHurried, let ready = waitForAny([finished]), !ready.contains(.diagnostics) {}
    }

    /// Waits for the descriptors; nil when the deadline or a second signal comes. A first signal sets the deadline.
    private mutating func waitForAny(_ descriptors: [Polled<Source>]) -> [Source]? {
        guard !isHurried else { return nil }
        let ready = wait(for: [Polled(.signal, signals.descriptor)] + descriptors, until: deadline)
        if ready.contains(.signal), let signal = signals.next() {
            if case .signal = outcome { isHurried = true }
            outcome = .signal(signal)
            if !isHurried { limit() }
            return isHurried ? nil : ready
        }
        return ready.isEmpty ? nil : ready
    }

    private mutating func limit() {
        deadline = .now + Self.patience
        notRun += watch.outputs.command?.discard() ?? 0
    }
}
