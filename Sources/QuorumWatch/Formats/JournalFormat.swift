// SPDX-License-Identifier: MIT

/// Text for the journal: each line begins with a priority (sd-daemon(3)) and has no time, since the journal adds it.
///
/// Each line is complete by itself, since a filter by priority can hide the line before it.
struct JournalFormat {
    let color: Bool

    /// The line of an event, its newline included.
    func line(for event: Event, changes: [Change], ifDownChanges: [Node] = []) -> [UInt8] {
        let words = TextFormat.words(for: event, changes, ifDownChanges: ifDownChanges)
        return Array("\(prefix(event.priority))\(words.rendered(color: color))\n".utf8)
    }

    /// The status as a page.
    func page(for state: ClusterState) -> [UInt8] {
        lines(of: StatusText(color: color).page(for: state), state.priority)
    }

    /// A prediction.
    func page(for report: PredictionReport) -> [UInt8] {
        lines(of: PredictionText(report).page(color: color), report.priority)
    }

    private func lines(of page: [UInt8], _ priority: Priority) -> [UInt8] {
        let prefix = Array(prefix(priority).utf8)
        return page.split(separator: UInt8(ascii: "\n")).flatMap { prefix + $0 + [UInt8(ascii: "\n")] }
    }

    private func prefix(_ priority: Priority) -> String { "<\(priority.rawValue)>" }
}

/// The priorities of syslog(3) that are used.
enum Priority: Int {
    case critical = 2
    case error = 3
    case warning = 4
    case information = 6
}

extension ClusterState {
    /// The priority of the state.
    var priority: Priority {
        switch health() {
        case .healthy: .information
        case .degraded, .unknown: .warning
        case .notQuorate: .critical
        }
    }
}

extension PredictionReport {
    /// The priority of the prediction.
    fileprivate var priority: Priority { prediction.quorate == true ? .information : .warning }
}

extension Event {
    /// The priority of the event.
    var priority: Priority {
        switch body {
        case .status(let state), .quorum(let state), .expectedVotes(let state), .info(let state): state.priority
        case .nodelist: .information
        case .disconnected, .unsettled, .unresponsive: .error
        case .link(let report): report.isConnected && report.downs == 0 ? .information : .warning
        case .evidence(let report): report.isHarmless ? .information : .warning
        case .dropped: .warning
        case .prediction(let report): report.priority
        }
    }
}
