// SPDX-License-Identifier: MIT

/// Computes what changed since the last state that an output was given. Pure.
///
/// Every output has one of its own: each leaves out other events, and drops others when its reader is slow.
public struct ChangeTracker: Sendable {
    /// The last state that the output was given; nil before the first.
    private var shown: ClusterState?

    /// A tracker of an output that was given nothing yet.
    public init() {}

    /// Whether the output was given a state, or one was taken to compute the changes from.
    var hasState: Bool { shown != nil }

    /// Takes a first state that the output was not given, to compute the changes from.
    mutating func begin(with state: ClusterState) { shown = state }

    /// The members for which it has changed whether quorum survives their loss, since the last state that the output was
    /// given. For the first state, and the first after a loss of quorum: those whose loss quorum does not survive.
    public func turnedLosses(in event: Event) -> [Node] {
        guard let state = event.state, state.quorate == true else { return [] }
        let old = shown?.quorate == true ? shown : nil
        return state.nodes.filter { node in
            node.survivesLoss != nil && node.survivesLoss != (old?.node(node.id)?.survivesLoss ?? true)
        }
    }

    /// The changes that an event shows to the output, which is given the event now; empty for the first state.
    public mutating func changes(in event: Event) -> [Change] {
        switch event.body {
        case .status(let state), .quorum(let state), .expectedVotes(let state), .info(let state):
            defer { shown = state }
            return shown.map(state.changes(since:)) ?? []
        case .nodelist(let report):
            shown?.ring = report.ring
            shown?.quorate = event.quorate
        case .disconnected, .unsettled, .unresponsive:
            shown?.quorate = nil
        case .dropped, .prediction: break
        }
        return []
    }
}
