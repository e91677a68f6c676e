// SPDX-License-Identifier: MIT

internal import Corosync

/// Replaces all events by one status, at the moment that the state fulfils a requirement. Pure.
struct StatusTrigger: Sendable {
    /// What the state has to fulfil.
    enum Requirement: Hashable, Sendable {
        /// All of these conditions hold.
        case conditions([Condition])
        /// The state is complete enough for a check: with the names of the nodes unless it is healthy.
        case check(CheckFormat)
        /// The state is complete enough for a check that prints nothing.
        case quietCheck
    }

    private let requirement: Requirement
    private var hasFired = false
    private var hasConfiguration = false
    private var remarked: Set<Condition> = []

    init(_ requirement: Requirement) { self.requirement = requirement }

    /// Takes an input and the reducer after it; returns the status if this is the moment.
    mutating func status(after input: Reducer.Input, _ reducer: Reducer, at time: Timestamp) -> Event? {
        if case .configuration = input { hasConfiguration = true }
        guard !hasFired, let state = settledState(of: reducer), isFulfilled(by: state, reducer) else { return nil }
        hasFired = true
        return Event(
            time: time, clusterName: state.clusterName, localNode: state.localNode, quorate: state.quorate,
            body: .status(state))
    }

    /// Diagnostics about an input: once for each condition on a node that is not configured, and for every silence.
    mutating func remarks(on input: Reducer.Input, _ reducer: Reducer) -> [String] {
        guard case .conditions(let conditions) = requirement else { return [] }
        if case .unresponsive(let silent) = input {
            return ["corosync has not answered for \(silent.components.seconds) s; waiting for it"]
        }
        guard reducer.configuration != nil, let state = settledState(of: reducer) else { return [] }
        return conditions.compactMap { condition in
            guard let node = condition.node, node.nodes(in: state).isEmpty, remarked.insert(condition).inserted else {
                return nil
            }
            let holds = condition.holds(of: state, configured: reducer.configuredNodes)
            return "\(harmless("\(condition)")): no node has \(node.id == nil ? "this name" : "this ID or name"); "
                + (holds ? "taken as absent" : "waiting for it to be configured")
        }
    }

    /// Whether the configuration has to be read before the status can be given.
    func needsConfiguration(_ reducer: Reducer) -> Bool {
        guard case .check(let format) = requirement, !hasConfiguration, let state = settledState(of: reducer) else {
            return false
        }
        return format.health(of: state) != .healthy
    }

    /// The conditions that do not hold; nil while the state is not known.
    func unmetConditions(_ reducer: Reducer) -> [Condition]? {
        guard case .conditions(let conditions) = requirement else { return [] }
        guard let state = settledState(of: reducer) else { return nil }
        return conditions.filter { !$0.holds(of: state, configured: reducer.configuredNodes) }
    }

    /// The state when all of it belongs to one moment: no recalculation is under way, and what was read agrees with
    /// what was notified. If not, the next notification is on its way.
    private func settledState(of reducer: Reducer) -> ClusterState? {
        guard reducer.mayRead, let state = reducer.known, state.votes.total != nil else { return nil }
        return state
    }

    private func isFulfilled(by state: ClusterState, _ reducer: Reducer) -> Bool {
        switch requirement {
        case .conditions(let conditions):
            conditions.allSatisfy { $0.holds(of: state, configured: reducer.configuredNodes) }
        case .check(let format): hasConfiguration || format.health(of: state) == .healthy
        case .quietCheck: true
        }
    }
}
