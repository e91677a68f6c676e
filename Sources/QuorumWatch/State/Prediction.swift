// SPDX-License-Identifier: MIT

internal import Corosync

/// The decision that votequorum would make on the surviving members if others failed. Nil is unknown: the survivors
/// would decide differently, or the decision depends on something that is not known.
struct Prediction: Hashable, Sendable {
    /// Whether the survivors would be quorate; false when there are none.
    var quorate: Bool?
    /// The votes after the failure.
    var votes = Votes()
    /// The survivors, sorted by ID.
    var members: [NodeID]
    /// The rule that would make them quorate; nil when they would not be quorate.
    var rule: DecidingRule?
    /// Whether ``quorate`` would be different if the quorum device cast its votes on all survivors, or on none.
    var dependsOnDevice: Bool?
    /// Whether the survivors would then wait for all votes (`wait_for_all`).
    var waitsForAllAfterwards: Bool?
    /// The number of votes that would then have to be present for quorum to return: the expected votes of that moment.
    /// Nil also when they would not wait.
    var waitsForVotes: UInt32?
}

/// The rule that makes a cluster quorate.
enum DecidingRule: String, Hashable, Sendable, CaseIterable {
    /// There are at least as many votes as the quorum.
    case votes
    /// `two_node`: one vote is enough for at most two nodes.
    case twoNode = "two_node"
    /// `auto_tie_breaker`: half of the votes are enough for one of two halves.
    case autoTieBreaker = "auto_tie_breaker"
    /// The master of the quorum device is a member.
    case masterWins = "master_wins"
}

extension VotingSnapshot {
    /// The decision that votequorum would make if these nodes, or the quorum device, or both failed now, all at once.
    /// Nodes that are not members change nothing.
    ///
    /// Assumes that the members agree on the present quorum, and that the quorum device, unless it fails, continues to
    /// vote as it does now.
    func prediction(without lost: Set<NodeID>, losingDevice: Bool = false) -> Prediction {
        let survivors = survivors(without: lost)
        let decisions = decisions(by: survivors, losingDevice: losingDevice)
        var prediction = Prediction(members: survivors.map(\.id))
        prediction.quorate = isQuorate(without: lost, losingDevice: losingDevice)
        prediction.rule = prediction.quorate == true ? decisions.unanimous(\.rule) ?? nil : nil
        prediction.votes = Votes(
            total: survivors.isEmpty ? 0 : decisions.unanimous(\.total), expected: decisions.unanimous(\.expected),
            highestExpected: decisions.unanimous(\.highest), quorum: decisions.unanimous(\.quorum))
        prediction.dependsOnDevice =
            !losingDevice && !lost.isEmpty
            && [true, false].contains { voting in
                survivors.contains { $0.hasDevice && $0.castsDeviceVote != voting }
                    && withDevice(voting: voting).recalculated(without: lost) != prediction.quorate
            }
        prediction.waitsForAllAfterwards = flags.contains(.waitForAll) ? prediction.quorate.map { !$0 } : false
        // Each member sends a message about its loss of the device. One that its sender sent while it was quorate, and
        // that arrives after quorum was lost, ends the wait, even that of its sender
        // (`message_handler_req_exec_votequorum_nodeinfo`).
        if prediction.waitsForAllAfterwards == true, losingDevice, members.count > 1,
            Recalculation(self, survivors: survivors, losingDevice: true, raised: false).mayHaveBeenQuorate
        {
            prediction.waitsForAllAfterwards = nil
        }
        if prediction.waitsForAllAfterwards == true { prediction.waitsForVotes = prediction.votes.expected }
        return prediction
    }

    /// Whether the survivors would be quorate if these nodes, or the quorum device, or both failed now; nil when not
    /// known.
    func isQuorate(without lost: Set<NodeID>, losingDevice: Bool = false) -> Bool? {
        let changes = members.contains { lost.contains($0.id) || losingDevice && $0.castsDeviceVote }
        return changes ? recalculated(without: lost, losingDevice: losingDevice) : flags.contains(.quorate)
    }

    /// For each member, whether the others would be quorate if it alone failed; nil when not known.
    var quorateIfDown: [NodeID: Bool?] {
        // Members with the same values lead to the same decision, unless their IDs break a tie.
        var answers: [Member: Bool?] = [:]
        return members.reduce(into: [:]) { result, member in
            var alike = member
            if !flags.contains(.autoTieBreaker), member.id != localNode { alike.id = .quorumDevice }
            let answer = answers[alike] ?? isQuorate(without: [member.id])
            answers[alike] = .some(answer)
            result[member.id] = .some(answer)
        }
    }

    /// The ways in which missing nodes with these votes would give quorum back: each node that would alone; if none
    /// would, the smallest number of nodes that would together; empty if not even all would. Nil if the cluster is
    /// quorate, or where more than the votes of the missing nodes decides: with `wait_for_all`, a quorum device, or
    /// expected votes of their own.
    func waysToQuorum(with missing: [NodeID: UInt32]) -> [[NodeID]]? {
        guard flags.isDisjoint(with: [.quorate, .waitForAll, .allowDownscale]),
            settings.tracksExpectedVotes == false, deviceVotes == 0,
            let expected = members.first(where: { $0.id == localNode })?.expectedVotes
        else { return nil }
        let joining = missing.map { Member(id: $0, votes: $1, expectedVotes: expected) }
            .sorted { ($1.votes, $0.id) < ($0.votes, $1.id) }
        func isQuorate(with nodes: some Sequence<Member>) -> Bool? { decisions(by: members + nodes).quorate }
        let alone = joining.map { isQuorate(with: [$0]) }
        guard !alone.contains(nil) else { return nil }
        let sufficient = zip(joining, alone).filter { $1 == true }.map(\.0.id)
        guard sufficient.isEmpty else { return sufficient.sorted().map { [$0] } }
        for last in joining.indices.dropFirst() {
            switch isQuorate(with: joining[...last]) {
            case true?: return [joining[...last].map(\.id).sorted()]
            case false?: continue
            case nil: return nil
            }
        }
        return []
    }

    private func survivors(without lost: Set<NodeID>) -> [Member] { members.filter { !lost.contains($0.id) } }

    private func recalculated(without lost: Set<NodeID>, losingDevice: Bool = false) -> Bool? {
        let survivors = survivors(without: lost)
        return survivors.isEmpty ? false : decisions(by: survivors, losingDevice: losingDevice).quorate
    }

    /// The same state, but with a quorum device that casts its votes on every member, or on none.
    private func withDevice(voting: Bool) -> VotingSnapshot {
        var snapshot = self
        for index in members.indices { snapshot.members[index].castsDeviceVote = voting && members[index].hasDevice }
        return snapshot
    }

    private func decisions(by survivors: [Member], losingDevice: Bool = false) -> Set<Decision> {
        let least = Recalculation(self, survivors: survivors, losingDevice: losingDevice, raised: false)
        let most = Recalculation(self, survivors: survivors, losingDevice: losingDevice, raised: true)
        return least == most ? least.decisions : least.decisions.union(most.decisions)
    }
}

extension Set<Decision> {
    /// Whether all are quorate; nil when they differ, or when that is not known.
    fileprivate var quorate: Bool? { unanimous(\.quorate) ?? nil }

    /// The value that all decisions have in common; nil when they differ.
    fileprivate func unanimous<Value: Equatable>(_ value: (Decision) -> Value) -> Value? {
        let values = map(value)
        return values.allSatisfy { $0 == values[0] } ? values.first : nil
    }
}
