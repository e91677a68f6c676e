// SPDX-License-Identifier: MIT

/// The events of one output in its format: an event in, bytes out.
struct EventFormatter: Sendable {
    let format: OutputFormat
    /// Whether the status is printed once, as a page, not as one of many events.
    var printsPage = false
    /// Whether a status has a table of the links.
    var showsLinks = false
    /// The monitoring plugin's line, which replaces a status; nil: none.
    var check: CheckFormat?

    /// The bytes of an event, with the changes since the reader's last state; nil if the format has none for it.
    func bytes(for event: Event, changes: [Change]) -> [UInt8]? {
        switch format {
        case .live, .quiet: return nil
        case .json:
            guard let check else { return JSONFormat.line(for: event, changes: changes) }
            return event.state.map { JSONFormat.checkLine(for: event, status: check.status(of: $0).word) }
        case _ where check != nil: return event.state.flatMap { check?.line(for: $0) }
        case .prometheus: return event.state.map(PrometheusFormat.exposition(of:))
        case .text(let color, let size): return text(event, changes, color: color, size: size, isJournal: false)
        case .journal(let color): return text(event, changes, color: color, size: nil, isJournal: true)
        }
    }

    /// The bytes that say that there is no status, and why; nil if the format has none.
    func bytes(forNoStatus reason: String, at time: Timestamp) -> [UInt8]? {
        switch format {
        case .live, .quiet: nil
        case .json where check != nil:
            JSONFormat.checkLine(
                for: Event(time: time, body: .status(ClusterState())), status: CheckStatus.unknown.word)
        case .prometheus: PrometheusFormat.exposition(of: nil as ClusterState?)
        case .json, .text, .journal: check.map { _ in CheckFormat.line(forUnknown: reason) }
        }
    }

    /// A line with the time, or the lines of a page. The journal adds the time itself, and takes a priority
    /// (sd-daemon(3)) before every line.
    private func text(
        _ event: Event, _ changes: [Change], color: Bool, size: TerminalSize?, isJournal: Bool
    ) -> [UInt8] {
        var prefix = isJournal ? "<\(event.priority.rawValue)>" : ""
        var lines: [StyledText]
        switch event.body {
        case .status(let state) where printsPage:
            lines = StatusText(state: state, size: size, showsLinks: showsLinks).lines
        case .prediction(let report): lines = report.sentences
        default:
            lines = [EventText(event, changes).line]
            if !isJournal { prefix = StyledText(event.time.local, .faint).rendered(color: color) + " " }
        }
        if isJournal { lines.removeAll(where: \.isEmpty) }
        return lines.flatMap { Array("\(prefix)\($0.rendered(color: color))\n".utf8) }
    }
}

/// The priorities of syslog(3) that are used, for the journal.
enum Priority: Int {
    case critical = 2
    case error = 3
    case warning = 4
    case information = 6
}

extension Event {
    /// The priority of the event: for a state, that of its worst problem.
    var priority: Priority {
        switch body {
        case .status(let state), .quorum(let state), .expectedVotes(let state), .info(let state):
            state.quorate == false
                ? .critical
                : state.quorate == nil || state.votes.total == nil || !state.problems.isEmpty ? .warning : .information
        case .nodelist: .information
        case .disconnected, .unsettled, .unresponsive: .error
        case .link(let report): report.isConnected && report.downs == 0 ? .information : .warning
        case .evidence(let report): report.isHarmless ? .information : .warning
        case .dropped: .warning
        case .prediction(let report): report.prediction.quorate == true ? .information : .warning
        }
    }
}
