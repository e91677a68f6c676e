// SPDX-License-Identifier: MIT

internal import Corosync

extension Requirements {
    /// Why the requirements cannot be held against a state: nobody knows a node whose absence is allowed, or it is
    /// ambiguous. Nil if each is one node.
    func obstacle(in state: ClusterState) -> (text: String, isAmbiguous: Bool)? {
        // Without the configuration, the names are not known either, and that is the problem to tell of.
        guard !state.problems.contains(where: { $0.code == .configuration }) else { return nil }
        for node in absentNodes {
            let option = "--allow-absent \(node)"
            switch node.match(in: state) {
            case .node: continue
            case .nobody: return (node.diagnosis(of: option, knowsNodelist: true), false)
            case .several(let nodes): return ("\(escaped(option)): \(node.diagnosis(of: nodes))", true)
            }
        }
        return nil
    }
}

/// Tells of a node whose absence is allowed and that nobody knows, or that is ambiguous, each time that this is new. Pure.
struct AbsenceRemarks: Sendable {
    /// Nil: nothing is told, because the output does.
    let requirements: Requirements?
    /// Whether a node that is ambiguous at the first state is an error, and not only a remark.
    let failsIfAmbiguous: Bool
    private var reported: String?

    init(_ requirements: Requirements?, failsIfAmbiguous: Bool = true) {
        (self.requirements, self.failsIfAmbiguous) = (requirements, failsIfAmbiguous)
    }

    /// What to tell after an input.
    mutating func remark(on reducer: Reducer) -> (text: String, isError: Bool)? {
        guard let requirements, !requirements.absentNodes.isEmpty, reducer.phase.isSettled,
            reducer.configuration != nil, let state = reducer.knownState
        else { return nil }
        let isFirst = reported == nil
        let obstacle = requirements.obstacle(in: state)
        defer { reported = obstacle?.text ?? "" }
        guard let obstacle, obstacle.text != reported else { return nil }
        return (obstacle.text, isFirst && obstacle.isAmbiguous && failsIfAmbiguous)
    }
}
