// SPDX-License-Identifier: MIT

internal import Corosync

/// Replaces all events by one status or prediction, as soon as the state is settled and all conditions hold. Pure.
struct StatusTrigger: Sendable {
    private let conditions: [Condition]
    /// What fails, if the event is a prediction; nil: it is a status.
    private let ifDown: [NodeSelector]?

    private var hasFired = false
    private var remarked: Set<Condition> = []

    init(_ conditions: [Condition] = [], ifDown: [NodeSelector]? = nil) {
        self.conditions = conditions
        self.ifDown = ifDown
    }

    /// Called with the reducer after each input. Returns the status or prediction if the trigger fires.
    mutating func status(of reducer: Reducer, at time: Timestamp) -> Event? {
        guard !hasFired, !awaitsReload(reducer), let state = settledState(of: reducer),
            obstacles(in: state, reducer).isEmpty
        else { return nil }
        guard let body = ifDown.map({ prediction($0, from: state, reducer) }) ?? .status(state) else { return nil }
        hasFired = true
        return event(body, of: state, at: time)
    }

    /// The status at the timeout, without what is outdated; nil if it has conditions, or nothing is known.
    mutating func statusAtTimeout(of reducer: Reducer, at time: Timestamp) -> Event? {
        guard conditions.isEmpty, ifDown == nil, !hasFired, reducer.phase.hasState else { return nil }
        let state = reducer.validState
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
        guard diagnosis(reducer) == nil else { return nil }
        let losesDevice = selectors.contains(where: \.isQuorumDevice)
        let failing = Array(byNode: selectors.filter { !$0.isQuorumDevice }.compactMap { $0.node(in: state) })
        let survivors = state.nodes.filter { node in node.isMember && !failing.contains { $0.id == node.id } }
        let prediction =
            reducer.voting?.prediction(without: Set(failing.map(\.id)), losingDevice: losesDevice)
            ?? Prediction(members: survivors.map(\.id))
        let device = losesDevice ? [NodeReference(id: .quorumDevice, name: "qdevice")] : []
        return .prediction(
            PredictionReport(ifDown: device + failing.map(\.reference), prediction: prediction, nodes: state.nodes))
    }

    /// Why a node on the command line makes an answer impossible: one that is to fail and that nobody knows, or one that is
    /// ambiguous, also between a node and the quorum device. Nil while the state is not known.
    func diagnosis(_ reducer: Reducer) -> String? {
        guard let state = settledState(of: reducer) else { return nil }
        if let device = ifDown?.first(where: \.isQuorumDevice), case let nodes = device.matches(in: state),
            !nodes.isEmpty
        {
            return "--if-down \(device): \(device.diagnosis(of: nodes, orDevice: true))"
        }
        let failing = (ifDown ?? []).filter { !$0.isQuorumDevice }.map { (option: "--if-down \($0)", node: $0) }
        let others = conditions.compactMap { condition in condition.node.map { (option: "\(condition)", node: $0) } }
        for (option, node) in failing + others {
            let obstacle = node.obstacle(of: option, in: state)
            // A condition on a node that nobody knows can come to hold.
            if let obstacle, obstacle.isAmbiguous || others.isEmpty { return obstacle.text }
        }
        return nil
    }

    /// Why there is no status that is up to date, or which conditions do not hold; nil while there is no state.
    func obstacle(_ reducer: Reducer) -> Outcome.Obstacle? {
        guard reducer.phase.hasState else { return nil }
        guard let state = settledState(of: reducer) else {
            return .unsettled(
                reducer.phase.unsettledReason ?? .recalculation, hasDevice: reducer.validState.device != nil)
        }
        if awaitsReload(reducer) { return .reload }
        var unmet: [String] = []
        // Two conditions can have the same obstacle.
        for words in obstacles(in: state, reducer) where !unmet.contains(words) { unmet.append(words) }
        return unmet.isEmpty ? nil : .conditions(unmet.joined(separator: ", "))
    }

    /// Diagnostics about an input: one for each condition on a node that does not exist, and one for every report that
    /// corosync does not answer or that what votequorum says is outdated.
    mutating func remarks(on input: Reducer.Input, _ reducer: Reducer) -> [String] {
        guard !conditions.isEmpty else { return [] }
        switch input {
        case .unresponsive(let silent, ofMap: false):
            return ["corosync has not answered for \(silent.components.seconds) s; waiting for it"]
        case .deadline where reducer.phase.isUnsettled:
            let reason = reducer.phase.unsettledReason ?? .recalculation
            return ["\(reason.words(hasDevice: reducer.validState.device != nil)); waiting for it to end"]
        default: break
        }
        guard reducer.configuration != nil, let state = settledState(of: reducer) else { return [] }
        return conditions.compactMap { condition in
            guard let node = condition.node, node.matches(in: state).isEmpty, remarked.insert(condition).inserted
            else { return nil as String? }
            let holds = condition.obstacle(in: state, configured: reducer.configuredNodes) == nil
            return "\(escaped("\(condition)")): no node has this \(node.kinds); "
                + (holds ? "taken as absent" : "waiting for it to be configured")
        }
    }

    private func obstacles(in state: ClusterState, _ reducer: Reducer) -> [String] {
        conditions.compactMap { $0.obstacle(in: state, configured: reducer.configuredNodes) }
    }

    /// Whether the end of a reload is awaited. Conditions do not depend on what a reload changes.
    private func awaitsReload(_ reducer: Reducer) -> Bool { reducer.reloadEnd != nil && conditions.isEmpty }

    /// The state if it is consistent: no recalculation is in progress, totem has a membership, and the reading agrees with
    /// the notification. If not, another notification or reading will follow.
    private func settledState(of reducer: Reducer) -> ClusterState? {
        guard reducer.phase.isSettled, let state = reducer.knownState, state.votes.total != nil else { return nil }
        return state
    }
}
