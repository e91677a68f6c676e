// SPDX-License-Identifier: MIT

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
