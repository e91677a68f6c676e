// SPDX-License-Identifier: MIT

/// Computes what changed since the last state that an output received. Pure.
///
/// Each output needs its own tracker, since each filters events differently and drops different ones.
struct ChangeTracker: Sendable {
    /// The last state that the output received; nil before the first.
    private var shown: ClusterState?

    /// Sets the state from which the first changes are computed, when the output does not receive that state.
    mutating func begin(with state: ClusterState) { shown = state }

    /// Records that the output receives an event, and returns the changes in it; nil for the first state.
    mutating func changes(in event: Event) -> [Change]? {
        switch event.body {
        case .status(let state), .quorum(let state), .expectedVotes(let state), .info(let state):
            let old = shown
            shown = state
            return old.map(state.changes(since:))
        // Votequorum decides whether the cluster is quorate after this.
        case .nodelist(let report): shown?.ring = report.ring
        case .link(let report):
            if let index = shown?.links?.firstIndex(where: { $0.id == report.id }) {
                shown?.links?[index].isConnected = report.isConnected
            }
        case .disconnected, .unsettled, .unresponsive: shown?.quorate = nil
        case .evidence, .dropped, .prediction: break
        }
        return []
    }
}
