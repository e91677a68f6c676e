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
struct Printer: Sendable {
    let queue: EventQueue
    let format: OutputFormat
    /// Whether the status is a page of its own, not one event of many.
    let printsPage: Bool
    /// The line to print in place of a status, for a monitoring plugin.
    let check: CheckFormat?
    /// End after this many events.
    let limit: Int?
    let stop: StopRequest

    /// Writes until the queue is closed and empty.
    func run() {
        defer { queue.drained() }
        var json = JSONFormat()
        var continuity = Continuity()
        var printed = 0
        var quorate: Bool?
        while let item = queue.next() {
            switch item {
            case .diagnostic(let text):
                _ = writeAll("vqwatch: \(text)\n".utf8, to: STDERR_FILENO)
            case .unknown(let reason):
                if format == .prometheus { return print(PrometheusFormat.exposition(of: nil as ClusterState?)) }
                if format == .quiet { _ = writeAll("vqwatch: \(reason)\n".utf8, to: STDERR_FILENO) }
                return conclude(.unknown, CheckFormat.line(forUnknown: reason))
            case .event(let event):
                if let check, let state = event.report?.state {
                    return conclude(check.health(of: state), check.line(for: state))
                }
                let error = write(continuity.mend(event), with: &json)
                guard error == 0 else { return fail(error) }
                printed += 1
                if case .status = event.body { quorate = event.quorate }
                if printed == limit { return stop.conclude(.done(quorate: quorate)) }
            }
        }
    }

    private func conclude(_ health: Health, _ line: [UInt8]) {
        let error = format == .quiet ? 0 : writeAll(line, to: STDOUT_FILENO)
        if error == 0 { stop.conclude(.checked(health)) } else { fail(error) }
    }

    private func print(_ bytes: [UInt8]) {
        let error = writeAll(bytes, to: STDOUT_FILENO)
        if error != 0 { fail(error) }
    }

    private func fail(_ error: CInt) {
        stop.request(error == EPIPE ? .outputClosed : .outputFailed(errorNumber: error))
    }

    private func write(_ event: Event, with json: inout JSONFormat) -> CInt {
        switch format {
        case .quiet: return 0
        case .prometheus:
            return event.report.map { writeAll(PrometheusFormat.exposition(of: $0.state), to: STDOUT_FILENO) } ?? 0
        case .json: return writeAll(json.line(for: event), to: STDOUT_FILENO)
        case .text(let color):
            if printsPage, case .status(let report) = event.body {
                return writeAll(StatusText(color: color).page(for: report.state), to: STDOUT_FILENO)
            }
            return writeAll(TextFormat(color: color).line(for: event), to: STDOUT_FILENO)
        case .journal(let color):
            if printsPage, case .status(let report) = event.body {
                return writeAll(JournalFormat(color: color).page(for: report.state), to: STDOUT_FILENO)
            }
            return writeAll(JournalFormat(color: color).line(for: event), to: STDOUT_FILENO)
        }
    }
}
