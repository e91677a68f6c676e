// SPDX-License-Identifier: MIT

internal import Corosync

/// Replaces all events by one status or prediction, as soon as the state is settled and all conditions hold. Pure.
struct StatusTrigger: Sendable {
    private let conditions: [Condition]
    /// The nodes whose failure is to be predicted; if empty, the event is a status.
    private let failing: [NodeSelector]
    private var hasFired = false
    private var remarked: Set<Condition> = []

    /// A trigger that fires when the state is settled and these conditions hold. It gives a prediction if there are
    /// failing nodes, otherwise a status.
    init(_ conditions: [Condition] = [], ifDown failing: [NodeSelector] = []) {
        self.conditions = conditions
        self.failing = failing
    }

    /// Called with the reducer after each input. Returns the status or prediction if the trigger fires.
    mutating func status(of reducer: Reducer, at time: Timestamp) -> Event? {
        guard !hasFired, let state = settledState(of: reducer), unmetConditions(reducer)?.isEmpty == true else {
            return nil
        }
        guard let body = failing.isEmpty ? .status(state) : prediction(from: state, reducer) else { return nil }
        hasFired = true
        return Event(
            time: time, clusterName: state.clusterName, localNode: state.localNode, quorate: state.quorate, body: body)
    }

    private func prediction(from state: ClusterState, _ reducer: Reducer) -> Event.Body? {
        guard unknownNode(reducer) == nil else { return nil }
        let failing = Array(byNode: failing.flatMap { $0.nodes(in: state) })
        let left = state.nodes.filter { node in node.isMember && !failing.contains { $0.id == node.id } }
        let prediction =
            reducer.voting?.prediction(without: Set(failing.map(\.id))) ?? Prediction(members: left.map(\.id))
        return .prediction(
            PredictionReport(ifDown: failing.map(\.reference), prediction: prediction, nodes: state.nodes))
    }

    /// A failing node that is not in the cluster, so that no prediction is possible; nil while the state is not known.
    func unknownNode(_ reducer: Reducer) -> NodeSelector? {
        guard let state = settledState(of: reducer) else { return nil }
        return failing.first { $0.nodes(in: state).isEmpty }
    }

    /// Diagnostics about an input: one for each condition on a node that does not exist, and one for every report that
    /// corosync does not answer or a recalculation takes too long.
    mutating func remarks(on input: Reducer.Input, _ reducer: Reducer) -> [String] {
        guard !conditions.isEmpty else { return [] }
        switch input {
        case .unresponsive(let silent):
            return ["corosync has not answered for \(silent.components.seconds) s; waiting for it"]
        case .unsettled(let elapsed) where reducer.isUnsettled:
            return ["votequorum has not finished recalculating for \(elapsed.components.seconds) s; waiting for it"]
        default: break
        }
        guard reducer.configuration != nil, let state = settledState(of: reducer) else { return [] }
        return conditions.compactMap { condition in
            guard let node = condition.node, node.nodes(in: state).isEmpty, remarked.insert(condition).inserted else {
                return nil
            }
            let holds = condition.holds(of: state, configured: reducer.configuredNodes)
            return "\(escaped("\(condition)")): no node has \(node.id == nil ? "this name" : "this ID or name"); "
                + (holds ? "taken as absent" : "waiting for it to be configured")
        }
    }

    /// The conditions that do not hold; nil while the state is not known.
    func unmetConditions(_ reducer: Reducer) -> [Condition]? {
        guard let state = settledState(of: reducer) else { return nil }
        return conditions.filter { !$0.holds(of: state, configured: reducer.configuredNodes) }
    }

    /// The state if it is consistent: no recalculation is in progress, and the reading agrees with the notification. If
    /// not, another notification will follow.
    private func settledState(of reducer: Reducer) -> ClusterState? {
        guard reducer.mayRead, let state = reducer.known, state.votes.total != nil else { return nil }
        return state
    }
}
