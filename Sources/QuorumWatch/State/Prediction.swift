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

    /// A prediction in which only the survivors are known.
    init(members: [NodeID]) { self.members = members }
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
    /// The decision that votequorum would make if these nodes failed now, all at once. Nodes that are not members
    /// change nothing.
    ///
    /// Assumes that the members agree on the present quorum, and that the quorum device continues to vote as it does
    /// now.
    func prediction(without lost: Set<NodeID>) -> Prediction {
        let left = members.filter { !lost.contains($0.id) }
        let decisions = decisions(by: left)
        var prediction = Prediction(members: left.map(\.id))
        prediction.quorate = isQuorate(without: lost)
        prediction.rule = prediction.quorate == true ? decisions.unanimous(\.rule) ?? nil : nil
        prediction.votes = Votes(
            total: left.isEmpty ? 0 : decisions.unanimous(\.total), expected: decisions.unanimous(\.expected),
            highestExpected: decisions.unanimous(\.highest), quorum: decisions.unanimous(\.quorum))
        prediction.dependsOnDevice =
            left.contains(where: \.hasDevice)
            && [true, false].contains { voting in
                withDevice(voting: voting).isQuorate(without: lost) != prediction.quorate
            }
        prediction.waitsForAllAfterwards = flags.contains(.waitForAll) ? prediction.quorate.map { !$0 } : false
        return prediction
    }

    /// Whether the survivors would be quorate if these nodes failed now; nil when not known.
    func isQuorate(without lost: Set<NodeID>) -> Bool? {
        let left = members.filter { !lost.contains($0.id) }
        if left.count == members.count { return flags.contains(.quorate) }
        return left.isEmpty ? false : decisions(by: left).unanimous(\.quorate) ?? nil
    }

    /// The same state, but with a quorum device that casts its votes on every member, or on none.
    private func withDevice(voting: Bool) -> VotingSnapshot {
        var snapshot = self
        for index in members.indices { snapshot.members[index].castsDeviceVote = voting && members[index].hasDevice }
        return snapshot
    }

    private func decisions(by left: [Member]) -> Set<Decision> {
        [false, true].reduce(into: []) { $0.formUnion(Recalculation(self, left: left, raised: $1).decisions) }
    }
}

extension Set<Decision> {
    /// The value that all decisions have in common; nil when they differ.
    fileprivate func unanimous<Value: Equatable>(_ value: (Decision) -> Value) -> Value? {
        let values = map(value)
        return values.allSatisfy { $0 == values[0] } ? values.first : nil
    }
}
