// SPDX-License-Identifier: MIT

/// What is known at one moment of a watch, and what has been counted up to it, whatever is printed. Pure.
public struct Survey: Sendable {
    /// The state; nil when corosync is gone or silent.
    public var state: ClusterState? { reducer.known }
    /// How many events of each kind there were.
    public private(set) var events: [EventKind: Int] = [:]
    /// How often a lost connection was made again.
    public private(set) var reconnects = 0
    /// When the state last became another, known or unknown; nil before the first.
    public private(set) var lastChange: Timestamp?
    /// Why the watch waits for corosync, when it does.
    public private(set) var waitsBecause: String?

    private var reducer = Reducer()

    /// Of a watch that has not begun.
    public init() {}

    /// Takes something that was learned at a moment; returns whether the survey is another now.
    public mutating func take(_ input: Reducer.Input, at time: Timestamp) -> Bool {
        let old = state
        let events = reducer.reduce(input, at: time)
        for event in events {
            if case .status = event.body, lastChange != nil { reconnects += 1 }
            self.events[event.kind, default: 0] += 1
        }
        guard state != old else { return !events.isEmpty }
        lastChange = time
        waitsBecause = nil
        return true
    }

    /// Takes that the watch waits for corosync, and why.
    public mutating func wait(because reason: String) { waitsBecause = reason }
}
