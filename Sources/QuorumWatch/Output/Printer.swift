// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// The form in which events are printed.
public enum OutputFormat: Hashable, Sendable {
    /// Text for people: a page for the status that is printed once, a line for every other event.
    case text(color: Bool)
    /// The same for the journal, which has its own time and wants a priority.
    case journal(color: Bool)
    /// JSON lines.
    case json
    /// The text exposition format of Prometheus: a state, so only for a status that is printed once.
    case prometheus
    /// Nothing.
    case quiet
}

/// Writes what is in the queue: an event with one write(2). The one place that can wait for whoever reads the output.
///
/// An event that nothing is before is written by the thread that has it, when nobody could make that thread wait: to
/// hand it over would take longer than all the rest.
final class Printer: Sendable {
    private struct State: Sendable {
        var json = JSONFormat()
        var continuity = Continuity()
        var printed = 0
        var quorate: Bool?
    }

    private let queue: EventQueue
    private let format: OutputFormat
    /// Whether the status is a page of its own, not one event of many.
    private let printsPage: Bool
    /// The line to print in place of a status, for a monitoring plugin.
    private let check: CheckFormat?
    /// End after this many events.
    private let limit: Int?
    private let stop: StopRequest
    private let mayWriteAtOnce: Bool
    // Used by one thread at a time: the queue sees to it.
    private let state = Guarded(State())

    init(
        queue: EventQueue, format: OutputFormat, printsPage: Bool, check: CheckFormat?, limit: Int?, stop: StopRequest
    ) {
        self.queue = queue
        self.format = format
        self.printsPage = printsPage
        self.check = check
        self.limit = limit
        self.stop = stop
        mayWriteAtOnce = format == .quiet || isPipeOrNull(STDOUT_FILENO)
        queue.deliver { [unowned self] in printAtOnce($0) }
    }

    /// Writes until the queue is closed and empty.
    func run() {
        defer { queue.drained() }
        while let item = queue.next() {
            switch item {
            case .diagnostic(let text):
                _ = writeAll("vqwatch: \(text)\n".utf8, to: STDERR_FILENO)
            case .unknown(let reason):
                // The answer may have come, and been written, while the time ran out.
                guard state.withLock({ $0.printed == 0 }) else { return }
                return printUnknown(because: reason)
            case .event(let event):
                guard printInTurn(event) else { return }
            }
        }
    }

    /// Writes an event; false: it was the last, or cannot be written.
    private func printInTurn(_ event: Event) -> Bool {
        state.withLock { state in
            guard state.printed != limit else { return false }
            let event = state.continuity.mend(event)
            let error = text(of: event, with: &state.json).map { writeAll($0, to: STDOUT_FILENO) } ?? 0
            if error == 0 { count(event, in: &state) } else { fail(error) }
            return error == 0 && state.printed != limit
        }
    }

    /// Writes an event if nobody makes the writer wait.
    private func printAtOnce(_ event: Event) -> Bool {
        guard mayWriteAtOnce else { return false }
        return state.withLock { state in
            // What comes after the last is lost.
            guard state.printed != limit else { return true }
            var continuity = state.continuity
            let event = continuity.mend(event)
            if let text = text(of: event, with: &state.json), !writeAtOnce(text, to: STDOUT_FILENO) { return false }
            state.continuity = continuity
            count(event, in: &state)
            return true
        }
    }

    private func count(_ event: Event, in state: inout State) {
        state.printed += 1
        if let check, let report = event.report { return stop.conclude(.checked(check.health(of: report.state))) }
        if case .status = event.body { state.quorate = event.quorate }
        if state.printed == limit { stop.conclude(.done(quorate: state.quorate)) }
    }

    private func printUnknown(because reason: String) {
        var error: CInt = 0
        switch format {
        case .prometheus: error = writeAll(PrometheusFormat.exposition(of: nil as ClusterState?), to: STDOUT_FILENO)
        case .quiet: _ = writeAll("vqwatch: \(reason)\n".utf8, to: STDERR_FILENO)
        default: error = writeAll(CheckFormat.line(forUnknown: reason), to: STDOUT_FILENO)
        }
        if error != 0 { fail(error) } else if check != nil { stop.conclude(.checked(.unknown)) }
    }

    private func fail(_ error: CInt) {
        stop.request(error == EPIPE ? .outputClosed : .outputFailed(errorNumber: error))
    }

    /// The text of an event; nil when nothing is to be written.
    private func text(of event: Event, with json: inout JSONFormat) -> [UInt8]? {
        if let check, format != .quiet { return event.report.map { check.line(for: $0.state) } }
        switch format {
        case .quiet: return nil
        case .prometheus: return event.report.map { PrometheusFormat.exposition(of: $0.state) }
        case .json: return json.line(for: event)
        case .text(let color):
            if printsPage, case .status(let report) = event.body {
                return StatusText(color: color).page(for: report.state)
            }
            return TextFormat(color: color).line(for: event)
        case .journal(let color):
            if printsPage, case .status(let report) = event.body {
                return JournalFormat(color: color).page(for: report.state)
            }
            return JournalFormat(color: color).line(for: event)
        }
    }
}
