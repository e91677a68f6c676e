// SPDX-License-Identifier: MIT

internal import Glibc

/// The format in which events are printed.
package enum OutputFormat: Hashable, Sendable {
    /// Text for people: a page for a status that is printed once, and a line for every other event.
    ///
    /// `size` is the size of the terminal; nil: no terminal.
    case text(color: Bool, size: TerminalSize? = nil)
    /// Text for the journal: without the time, which the journal adds, and with a priority.
    case journal(color: Bool)
    /// JSON lines.
    case json
    /// The text exposition format of Prometheus, only for a status that is printed once.
    case prometheus
    /// A page on the terminal that is updated continuously; no lines are printed. `isPlain`: only ASCII characters.
    case live(color: Bool, isPlain: Bool)
    /// Nothing.
    case quiet
}

/// Writes the events of the outbox to standard output, in a thread of its own, so that a slow reader blocks no other
/// thread. No other thread writes there.
///
/// The lines that wait are written with one write(2), up to 64 KiB of whole lines.
struct Printer {
    private let plan: WatchPlan
    private let outbox: Outbox<Delivery>
    private let stop: StopRequest
    private let check: CheckFormat?
    private let formatter: EventFormatter
    private var tracker = ChangeTracker()
    /// The formatted events that are not written yet.
    private var lines: [UInt8] = []
    /// The number of events that are formatted.
    private var formatted = 0
    /// The outcome when the last event is written; nil for a status at the timeout, which is the outcome itself.
    private var outcome: Outcome? = .done(quorate: nil)

    /// The number of bytes after which lines are written although more events wait.
    private static let mostBytes = 64 << 10

    init(plan: WatchPlan, outbox: Outbox<Delivery>, stop: StopRequest) {
        self.plan = plan
        self.outbox = outbox
        self.stop = stop
        check = plan.isCheck ? CheckFormat(plan.requirements) : nil
        formatter = EventFormatter(
            format: plan.format, printsPage: plan.printsOnce, showsLinks: plan.task == .status(links: true),
            check: check)
    }

    /// The number of events after which the watch ends.
    private var limit: Int? { plan.printsResult ? 1 : plan.limit }

    /// Writes until the outbox is closed and empty, or the last event is written.
    func run() {
        var printer = self
        printer.printAll()
        outbox.finish()
    }

    private mutating func printAll() {
        while true {
            // More events are formatted only if they wait already.
            let next = lines.isEmpty ? outbox.next() : outbox.nextWithoutWaiting()
            if let next { add(next) }
            if formatted == limit {
                if write(), let outcome { stop.request(outcome) }
                return
            }
            if next == nil || lines.count >= Self.mostBytes, !write() { return }
            if case .end? = next {
                _ = write()
                return
            }
        }
    }

    private mutating func add(_ next: Outbox<Delivery>.Next) {
        if case .element(.noStatus(let reason)) = next { return add(noStatus: reason) }
        guard let item = tracker.item(for: next) else { return }
        lines += formatter.bytes(for: item.event, changes: item.changes) ?? []
        formatted += 1
        switch item.event.body {
        case .status(let state):
            let isOutdated = !plan.follows && state.quorate == nil
            outcome = check.map { .checked($0.status(of: state)) } ?? (isOutdated ? nil : .done(quorate: state.quorate))
        // An unknown prediction has the same exit status as one without quorum.
        case .prediction(let report): outcome = .done(quorate: report.prediction.quorate ?? false)
        default: break
        }
    }

    /// Adds that there is no status, in the formats that can express it. The line of a monitoring plugin has the reason.
    private mutating func add(noStatus reason: String) {
        // A status may have been printed at the moment of the timeout.
        guard formatted == 0, let bytes = formatter.bytes(forNoStatus: reason, at: .now) else { return }
        lines += bytes
        guard check != nil, plan.format != .json else { return }
        outcome = .checked(.unknown)
        formatted += 1
    }

    /// Writes the lines. Returns false if that fails, and the watch ends.
    private mutating func write() -> Bool {
        let error = lines.isEmpty ? 0 : writeAll(lines, to: STDOUT_FILENO)
        lines.removeAll(keepingCapacity: true)
        if error != 0 { stop.request(error == EPIPE ? .outputClosed : .outputFailed(errorNumber: error)) }
        return error == 0
    }
}
