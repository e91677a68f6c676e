// SPDX-License-Identifier: MIT

/// The latest state of a watch and its counters, for the metrics file and the service manager. They do not depend on
/// what is printed. Pure.
struct WatchRecord: Sendable {
    /// The state; nil while corosync is not connected or does not answer. While what votequorum says has been outdated for
    /// too long, it is without that.
    private(set) var state: ClusterState?
    /// Whether corosync is connected and answers.
    private(set) var isConnected = false
    private(set) var isRecalculating = false
    /// Why what votequorum says is outdated, if it has been for too long.
    private(set) var unsettled: UnsettledReason?
    private(set) var events: [EventKind: Int] = [:]
    private(set) var reconnects = 0
    /// The total scheduling delay of corosync since the start of the watch, in milliseconds; nil if it is not read.
    private(set) var missedMilliseconds: Int64?
    /// When the state last changed, also to or from unknown; nil before the first state.
    private(set) var lastChange: Timestamp?
    /// Why the watch is waiting for corosync; nil while it is not.
    private(set) var waitingReason: String?

    /// Counts the events of an input, and stores the state of the reducer after it. Returns whether anything changed.
    mutating func record(_ events: [Event], _ reducer: Reducer, at time: Timestamp) -> Bool {
        let state = reducer.phase.isUnsettled ? reducer.validState : reducer.knownState
        isRecalculating = reducer.phase.isRecalculating
        unsettled = reducer.phase.isUnsettled ? reducer.phase.unsettledReason : nil
        for event in events {
            if case .status = event.body, lastChange != nil { reconnects += 1 }
            self.events[event.kind, default: 0] += 1
            switch event.kind {
            case .disconnected, .unresponsive: isConnected = false
            case .status, .nodelist, .quorum, .expectedVotes, .info: isConnected = true
            case .unsettled, .link, .evidence, .dropped, .prediction: break
            }
        }
        if state?.quorate != nil { isConnected = true }
        missedMilliseconds = reducer.missedMilliseconds
        guard state != self.state else { return !events.isEmpty }
        defer { self.state = state }
        if let old = self.state, let state, !state.hasChanged(since: old) { return true }
        lastChange = time
        waitingReason = nil
        return true
    }

    mutating func recordWaiting(because reason: String) { waitingReason = reason }
}
