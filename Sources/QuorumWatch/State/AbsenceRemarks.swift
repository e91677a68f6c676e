// SPDX-License-Identifier: MIT

internal import Corosync

extension Requirements {
    /// Why the requirements cannot be held against a state: nobody knows a node whose absence is allowed, or it is
    /// ambiguous. Nil if each is one node.
    func obstacle(in state: ClusterState) -> (text: String, isAmbiguous: Bool)? {
        // Without the configuration, the names are not known either, and that is the problem to tell of.
        guard !state.problems.contains(where: { $0.code == .configuration }) else { return nil }
        return absentNodes.lazy.compactMap { $0.obstacle(of: "--allow-absent \($0)", in: state) }.first
    }
}

/// Makes a diagnostic when a node of `--allow-absent` is unknown or ambiguous, and again when the reason changes. Pure.
struct AbsenceRemarks: Sendable {
    /// Nil: there are no diagnostics, because standard output contains the reason, as the line of a check does.
    private let requirements: Requirements?
    /// Whether a node that is ambiguous at the first state is an error, and not only a remark.
    private let failsIfAmbiguous: Bool
    private var reported: String?

    init(_ requirements: Requirements?, failsIfAmbiguous: Bool = true) {
        (self.requirements, self.failsIfAmbiguous) = (requirements, failsIfAmbiguous)
    }

    /// The diagnostic about a node of `--allow-absent` after an input of the reducer; nil if there is none, or if it was
    /// returned before.
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
