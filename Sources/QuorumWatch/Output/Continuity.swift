// SPDX-License-Identifier: MIT

/// Keeps `changes` true where events are missing: they then count from the last line that was written, not from one
/// that never was.
struct Continuity {
    private var shown: ClusterState?
    private var isBroken = false

    /// The event as it is to be written after those before it.
    mutating func mend(_ event: Event) -> Event {
        var event = event
        if case .dropped = event.body { isBroken = true }
        if isBroken, event.report != nil {
            isBroken = false
            event = event.with { report in shown.map(report.state.changes(since:)) ?? [] }
        }
        var state = shown ?? event.report?.state
        state?.show(event)
        shown = state
        return event
    }
}
