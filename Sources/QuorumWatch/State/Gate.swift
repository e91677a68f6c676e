// SPDX-License-Identifier: MIT

internal import Corosync

/// Holds back every event until the state is as wanted, and lets one status through then. Pure.
struct Gate: Sendable {
    /// What is wanted.
    enum Wish: Hashable, Sendable {
        /// That all of these hold.
        case conditions([Condition])
        /// An answer for a check; with the names of the nodes unless the state is healthy.
        case answer(CheckFormat)
        /// An answer for a check of which nothing is printed.
        case bareAnswer
    }

    private let wish: Wish
    private var isOpen = false
    private var wasConfigurationRead = false
    private var told: Set<Condition> = []

    init(_ wish: Wish) { self.wish = wish }

    /// Takes what was learned and what the reducer made of it; gives the status if this is the moment.
    mutating func pass(_ input: Reducer.Input, _ reducer: Reducer, at time: Timestamp) -> Event? {
        if case .configuration = input { wasConfigurationRead = true }
        guard !isOpen, let state = settledState(of: reducer), isWanted(state, reducer) else { return nil }
        isOpen = true
        return Event(
            time: time, clusterName: state.clusterName, localNode: state.localNode, quorate: state.quorate,
            body: .status(StateReport(state: state, changes: [])))
    }

    /// What there is to tell of the input: every nodes that a condition names in vain once, and every silence.
    mutating func remarks(on input: Reducer.Input, _ reducer: Reducer) -> [String] {
        guard case .conditions(let conditions) = wish else { return [] }
        if case .unresponsive(let silent) = input {
            return ["corosync has not answered for \(silent.components.seconds) s; waiting for it"]
        }
        guard reducer.configuration != nil, let state = settledState(of: reducer) else { return [] }
        return conditions.compactMap { condition in
            guard let node = condition.node, node.nodes(in: state).isEmpty, told.insert(condition).inserted else {
                return nil
            }
            let holds = condition.holds(of: state, configured: reducer.configuredNodes)
            return "\(harmless("\(condition)")): no node has \(node.id == nil ? "this name" : "this ID or name"); "
                + (holds ? "taken as absent" : "waiting for it to be configured")
        }
    }

    /// Whether the configuration has to be read before there is an answer.
    func wantsConfiguration(_ reducer: Reducer) -> Bool {
        guard case .answer(let format) = wish, !wasConfigurationRead, let state = settledState(of: reducer) else {
            return false
        }
        return format.health(of: state) != .healthy
    }

    /// The conditions that do not hold; nil while the state is not known.
    func unmetConditions(_ reducer: Reducer) -> [Condition]? {
        guard case .conditions(let conditions) = wish else { return [] }
        guard let state = settledState(of: reducer) else { return nil }
        return conditions.filter { !$0.holds(of: state, configured: reducer.configuredNodes) }
    }

    /// The state when all of it belongs to one moment: no recalculation is under way, and what was read agrees with
    /// what was notified. If not, the next notification is on its way.
    private func settledState(of reducer: Reducer) -> ClusterState? {
        guard reducer.mayRead, let state = reducer.known, state.votes.total != nil else { return nil }
        return state
    }

    private func isWanted(_ state: ClusterState, _ reducer: Reducer) -> Bool {
        switch wish {
        case .conditions(let conditions):
            conditions.allSatisfy { $0.holds(of: state, configured: reducer.configuredNodes) }
        case .answer(let format): wasConfigurationRead || format.health(of: state) == .healthy
        case .bareAnswer: true
        }
    }
}
