// SPDX-License-Identifier: MIT

/// The latest state of a watch and its counters, whatever is printed: what the metrics and the service manager show.
/// Pure.
public struct WatchStatistics: Sendable {
    /// The state; nil while corosync is gone or silent, and while it is not known whether the cluster is quorate.
    public private(set) var state: ClusterState?
    /// Whether corosync is connected and answers.
    public private(set) var isConnected = false
    /// Whether votequorum recalculates.
    public private(set) var isRecalculating = false
    /// Whether it has done so for longer than it may; there is no state then.
    public private(set) var isUnsettled = false
    /// How many events of each kind there were.
    public private(set) var events: [EventKind: Int] = [:]
    /// How often a lost connection was made again.
    public private(set) var reconnects = 0
    /// When the state last changed, to or from unknown included; nil before the first.
    public private(set) var lastChange: Timestamp?
    /// Why the watch is waiting for corosync, while it is.
    public private(set) var waitingReason: String?

    /// The statistics of a watch that has not begun.
    public init() {}

    /// Counts the events of an input and takes the state of the reducer after it; returns whether anything changed.
    public mutating func record(_ events: [Event], _ reducer: Reducer, at time: Timestamp) -> Bool {
        let state = reducer.known
        isRecalculating = reducer.isRecalculating
        isUnsettled = reducer.isUnsettled
        for event in events {
            if case .status = event.body, lastChange != nil { reconnects += 1 }
            self.events[event.kind, default: 0] += 1
            switch event.kind {
            case .disconnected, .unresponsive: isConnected = false
            case .status, .nodelist, .quorum, .expectedVotes, .info: isConnected = true
            case .unsettled, .dropped, .prediction: break
            }
        }
        if state != nil { isConnected = true }
        guard state != self.state else { return !events.isEmpty }
        self.state = state
        lastChange = time
        waitingReason = nil
        return true
    }

    /// Records that the watch is waiting for corosync, and why.
    public mutating func recordWaiting(because reason: String) { waitingReason = reason }
}
