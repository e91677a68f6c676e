// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// The format in which events are printed.
package enum OutputFormat: Hashable, Sendable {
    /// Text for people: a page for a status that is printed once, and a line for every other event.
    ///
    /// `height` is the height of the terminal in lines; nil: no terminal.
    case text(color: Bool, height: Int? = nil)
    /// Text for the journal: without the time, which the journal adds, and with a priority.
    case journal(color: Bool)
    /// JSON lines.
    case json
    /// The text exposition format of Prometheus, only for a status that is printed once.
    case prometheus
    /// A page on the terminal that is updated continuously; no lines are printed.
    case live(LiveStyle)
    /// Nothing.
    case quiet

    /// Whether events are printed to standard output.
    var hasLines: Bool {
        switch self {
        case .text, .journal, .json, .prometheus: true
        case .live, .quiet: false
        }
    }
}

/// Writes the events of the queue to standard output, each with one write(2), in a separate thread, so that a slow
/// reader blocks no other thread.
///
/// If the write cannot block and the queue is empty, the thread that adds an event writes it itself, since the change
/// to another thread would take longer than all the other work.
final class Printer: Sendable {
    private struct State: Sendable {
        var json = JSONFormat()
        /// The last event that was printed as text, which the next line does not repeat.
        var last: Event?
        var printed = 0
        var quorate: Bool?
    }

    private let queue: EventQueue
    private let format: OutputFormat
    /// Whether the status is printed once, as a page, not as one of many events.
    private let printsPage: Bool
    /// The format of the monitoring plugin's line, which replaces a status; nil: the other format applies.
    private let check: CheckFormat?
    /// The number of events after which the watch ends.
    private let limit: Int?
    private let stop: StopRequest
    private let diagnostics: DiagnosticWriter
    /// Whether the thread that adds an event writes it in most cases.
    let writesAtOnce: Bool
    // The queue ensures that only one thread writes at a time.
    private let state = Guarded(State())

    init(plan: WatchPlan, queue: EventQueue, stop: StopRequest, diagnostics: DiagnosticWriter) {
        self.queue = queue
        format = plan.format
        printsPage = plan.printsOnce
        check = plan.check
        limit = plan.printsOnce ? 1 : plan.limit
        self.stop = stop
        self.diagnostics = diagnostics
        writesAtOnce = !format.hasLines || isPipeOrNull(STDOUT_FILENO)
        if writesAtOnce { queue.onEmpty { [unowned self] in writeNow($0) } }
    }

    /// Writes until the queue is closed and empty.
    func run() {
        defer { queue.drained() }
        while true {
            switch queue.next() {
            case .event(let item): guard write(item) else { return }
            case .noAnswer(let reason): writeUnknown(because: reason)
            case .end: return
            }
        }
    }

    /// Writes an event. Returns false if it was the last one, or cannot be written.
    private func write(_ item: EventQueue.Item) -> Bool {
        state.withLock { state in
            guard state.printed != limit else { return false }
            let error = text(of: item, with: &state).map { writeAll($0, to: STDOUT_FILENO) } ?? 0
            if error == 0 { count(item.event, in: &state) } else { fail(error) }
            return error == 0 && state.printed != limit
        }
    }

    /// Writes an event if that does not block. Returns false if the event has to be queued.
    private func writeNow(_ item: EventQueue.Item) -> Bool {
        state.withLock { state in
            // Events after the last one are discarded.
            guard state.printed != limit else { return true }
            if let text = text(of: item, with: &state), !writeAtOnce(text, to: STDOUT_FILENO) { return false }
            count(item.event, in: &state)
            return true
        }
    }

    private func count(_ event: Event, in state: inout State) {
        state.printed += 1
        if case .text = format { state.last = event }
        if let check, let cluster = event.state { return stop.conclude(.checked(check.health(of: cluster))) }
        switch event.body {
        case .status: state.quorate = event.quorate
        // An unknown prediction has the same exit status as one without quorum.
        case .prediction(let report): state.quorate = report.prediction.quorate ?? false
        default: break
        }
        if state.printed == limit { stop.conclude(.done(quorate: state.quorate)) }
    }

    /// Writes that the status is unknown, in the formats that can express it.
    private func writeUnknown(because reason: String) {
        // A status may have been written at the moment of the timeout.
        guard state.withLock({ $0.printed == 0 }) else { return }
        var error: CInt = 0
        switch format {
        case .prometheus: error = writeAll(PrometheusFormat.exposition(of: nil as ClusterState?), to: STDOUT_FILENO)
        case .quiet: diagnostics.write(reason)
        default: error = writeAll(CheckFormat.line(forUnknown: reason), to: STDOUT_FILENO)
        }
        if error != 0 { fail(error) } else if check != nil { stop.conclude(.checked(.unknown)) }
    }

    private func fail(_ error: CInt) {
        stop.request(error == EPIPE ? .outputClosed : .outputFailed(errorNumber: error))
    }

    /// The text of an event; nil if the format writes nothing for it.
    private func text(of item: EventQueue.Item, with state: inout State) -> [UInt8]? {
        let (event, changes, losses) = (item.event, item.changes, item.ifDownChanges)
        if let check, format != .quiet { return event.state.map(check.line(for:)) }
        switch format {
        case .live, .quiet: return nil
        case .prometheus: return event.state.map(PrometheusFormat.exposition(of:))
        case .json: return state.json.line(for: event, changes: changes)
        case .text(let color, let height):
            if printsPage, case .status(let cluster) = event.body {
                return StatusText(color: color, height: height).page(for: cluster)
            }
            if case .prediction(let report) = event.body { return PredictionText(report).page(color: color) }
            return TextFormat(color: color)
                .line(for: event, changes: changes, ifDownChanges: losses, after: state.last)
        case .journal(let color):
            let format = JournalFormat(color: color)
            if printsPage, case .status(let cluster) = event.body { return format.page(for: cluster) }
            if case .prediction(let report) = event.body { return format.page(for: report) }
            return format.line(for: event, changes: changes, ifDownChanges: losses)
        }
    }
}
