// SPDX-License-Identifier: MIT

internal import Corosync

/// Replaces all events by one status or prediction, as soon as the state is settled and all conditions hold. Pure.
struct StatusTrigger: Sendable {
    /// The conditions to wait for.
    var conditions: [Condition] = []
    /// What fails, if the event is a prediction; nil: it is a status.
    var ifDown: [NodeSelector]?
    /// Whether a status is shown at the timeout, as far as it is known.
    var showsAtTimeout = false

    private var hasFired = false
    private var remarked: Set<Condition> = []

    init(_ conditions: [Condition] = [], ifDown: [NodeSelector]? = nil, showsAtTimeout: Bool = false) {
        self.conditions = conditions
        self.ifDown = ifDown
        self.showsAtTimeout = showsAtTimeout
    }

    /// Called with the reducer after each input. Returns the status or prediction if the trigger fires.
    mutating func status(of reducer: Reducer, at time: Timestamp) -> Event? {
        guard !hasFired, let state = settledState(of: reducer), unmetConditions(reducer).isEmpty else { return nil }
        guard let body = ifDown.map({ prediction($0, from: state, reducer) }) ?? .status(state) else { return nil }
        hasFired = true
        return event(body, of: state, at: time)
    }

    /// The status at the timeout, without what is outdated; nil if none is shown, or nothing is known.
    mutating func statusAtTimeout(of reducer: Reducer, at time: Timestamp) -> Event? {
        guard showsAtTimeout, !hasFired else { return nil }
        let state = reducer.validState
        guard state.localNode != nil || !state.nodes.isEmpty else { return nil }
        hasFired = true
        return event(.status(state), of: state, at: time)
    }

    private func event(_ body: Event.Body, of state: ClusterState, at time: Timestamp) -> Event {
        var quorate = state.quorate
        if case .prediction = body { quorate = nil }
        return Event(
            time: time, clusterName: state.clusterName, localNode: state.localNode, localName: state.localName,
            quorate: quorate, body: body)
    }

    private func prediction(_ selectors: [NodeSelector], from state: ClusterState, _ reducer: Reducer) -> Event.Body? {
        guard unknownNode(reducer) == nil else { return nil }
        let losesDevice = selectors.contains(where: \.isQuorumDevice)
        let failing = Array(byNode: selectors.filter { !$0.isQuorumDevice }.flatMap { $0.nodes(in: state) })
        let survivors = state.nodes.filter { node in node.isMember && !failing.contains { $0.id == node.id } }
        let prediction =
            reducer.voting?.prediction(without: Set(failing.map(\.id)), losingDevice: losesDevice)
            ?? Prediction(members: survivors.map(\.id))
        let device = losesDevice ? [NodeReference(id: .quorumDevice, name: "qdevice")] : []
        return .prediction(
            PredictionReport(ifDown: device + failing.map(\.reference), prediction: prediction, nodes: state.nodes))
    }

    /// What failed, why, and what to do, if a node of a prediction is not in the cluster; nil while that is not known.
    func unknownNode(_ reducer: Reducer) -> String? {
        guard let state = settledState(of: reducer) else { return nil }
        let unknown = ifDown?.first { !$0.isQuorumDevice && $0.nodes(in: state).isEmpty }
        return unknown?.diagnosis(hasNames: reducer.configuration != nil)
    }

    /// Why there is no status that is up to date, or which conditions do not hold; nil while there is no state.
    func obstacle(_ reducer: Reducer) -> Outcome.Obstacle? {
        guard reducer.hasState else { return nil }
        guard let state = settledState(of: reducer) else {
            return .unsettled(reducer.unsettledReason ?? .recalculation, hasDevice: reducer.validState.device != nil)
        }
        let unmet = unmetConditions(reducer).map { $0.obstacle(in: state, configured: reducer.configuredNodes) }
        return unmet.isEmpty ? nil : .conditions(list(unmet))
    }

    /// Diagnostics about an input: one for each condition on a node that does not exist, and one for every report that
    /// corosync does not answer or that what votequorum says is outdated.
    mutating func remarks(on input: Reducer.Input, _ reducer: Reducer) -> [String] {
        guard !conditions.isEmpty else { return [] }
        switch input {
        case .unresponsive(let silent, ofMap: false):
            return ["corosync has not answered for \(silent.components.seconds) s; waiting for it"]
        case .deadline where reducer.isUnsettled:
            return ["\((reducer.unsettledReason ?? .recalculation).words); waiting for it to end"]
        default: break
        }
        guard reducer.configuration != nil, let state = settledState(of: reducer) else { return [] }
        return conditions.compactMap { condition in
            guard let node = condition.node, node.nodes(in: state).isEmpty, remarked.insert(condition).inserted else {
                return nil as String?
            }
            let holds = condition.holds(of: state, configured: reducer.configuredNodes)
            return "\(escaped("\(condition)")): no configured node has this name, address or ID; "
                + (holds ? "taken as absent" : "waiting for it to be configured")
        }
    }

    private func unmetConditions(_ reducer: Reducer) -> [Condition] {
        guard let state = settledState(of: reducer) else { return conditions }
        return conditions.filter { !$0.holds(of: state, configured: reducer.configuredNodes) }
    }

    /// The state if it is consistent: no recalculation is in progress, totem has a membership, and the reading agrees
    /// with the notification. If not, another notification will follow.
    private func settledState(of reducer: Reducer) -> ClusterState? {
        guard reducer.isSettled, let state = reducer.knownState, state.votes.total != nil else { return nil }
        return state
    }
}

extension UnsettledReason {
    /// What is wrong, in words.
    var words: String {
        switch self {
        case .recalculation: "votequorum has not finished recalculating"
        case .membership: "totem has formed no membership that was completed"
        case .network: "totem has formed no membership, because a firewall or a failed interface blocks its packets"
        }
    }
}
