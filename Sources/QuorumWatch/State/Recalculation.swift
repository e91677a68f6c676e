// SPDX-License-Identifier: MIT

internal import Corosync

/// The result of a recalculation on one member.
struct Decision: Hashable {
    /// Whether it is quorate; nil when that depends on something that is not known.
    var quorate: Bool? = false
    var rule: DecidingRule?
    /// The total votes, with those of the quorum device if it casts them.
    var total: UInt32
    /// The expected votes of the member itself.
    var expected: UInt32
    /// The highest expected votes of all members.
    var highest: UInt32
    var quorum: UInt32
}

/// How the survivors recalculate quorum after other members, or the quorum device, have failed. Nodes that join are
/// survivors too.
///
/// After a change of the membership each member sends a nodeinfo message: its votes, its expected votes and whether it
/// was quorate before. Each member recalculates when a message changes what it knows, and once more at the end
/// (`message_handler_req_exec_votequorum_nodeinfo` and `recalculate_quorum` in exec/votequorum.c of corosync). If the
/// result depends on the order of the messages, or on something that the local node does not know of the others,
/// ``decisions`` contains every possible one.
struct Recalculation: Equatable {
    private let before: VotingSnapshot
    private let survivors: [VotingSnapshot.Member]
    private let deciders: [Decider]
    /// The votes of the survivors without the quorum device.
    private let votes: UInt32

    /// The properties of a survivor that its decisions depend on.
    private struct Decider: Hashable {
        /// Its own expected votes.
        let expected: UInt32
        let castsDeviceVote: Bool
        let allowsMasterWins: Bool?
        /// Whether it was quorate before; nil when that is not known.
        var wasQuorate: Bool?
    }

    /// The recalculation by these survivors.
    ///
    /// A member raises its own expected votes when there are more votes than it expects, and does not tell the others.
    /// The local node therefore knows only a lower and an upper bound of the expected votes of the others.
    ///
    /// - Parameters:
    ///   - before: The state before the failure.
    ///   - survivors: The survivors, by ID.
    ///   - losingDevice: Whether the quorum device fails on all of them.
    ///   - raised: Whether to use the upper bounds.
    init(_ before: VotingSnapshot, survivors: [VotingSnapshot.Member], losingDevice: Bool, raised: Bool) {
        self.before = before
        self.survivors = survivors.map { member in
            var member = member
            if losingDevice { member.castsDeviceVote = false }
            return member
        }
        votes = survivors.reduce(0) { $0 &+ $1.votes }
        let local = before.members.first { $0.id == before.localNode }
        let localExpected = local?.expectedVotes ?? 0
        let totalVotes = before.members.reduce(before.deviceVotes) { $0 &+ $1.votes }
        let wasQuorate = before.flags.contains(.quorate)
        let hasMaster = before.members.contains { $0.isMaster && $0.castsDeviceVote }
        deciders = survivors.map { member in
            let agreesWithLocal =
                member.castsDeviceVote == local?.castsDeviceVote
                && (!hasMaster || member.allowsMasterWins != nil && member.allowsMasterWins == local?.allowsMasterWins)
            return Decider(
                expected: max(member.expectedVotes, raised ? localExpected : min(localExpected, totalVotes)),
                castsDeviceVote: member.castsDeviceVote && !losingDevice, allowsMasterWins: member.allowsMasterWins,
                wasQuorate: agreesWithLocal || member.id == before.localNode ? wasQuorate : nil)
        }
    }

    /// Whether a survivor was quorate before, or may have been.
    var mayHaveBeenQuorate: Bool { deciders.contains { $0.wasQuorate != false } }

    /// The possible decisions of all survivors. The survivors agree if there is only one.
    var decisions: Set<Decision> {
        var distinct: [Decider: Int] = [:]
        for decider in deciders { distinct[decider, default: 0] += 1 }
        return distinct.reduce(into: []) { decisions, decider in
            let others = distinct.keys.filter { $0 != decider.key || decider.value > 1 }
            decisions.formUnion(self.decisions(of: decider.key, others))
        }
    }

    private func decisions(of decider: Decider, _ others: [Decider]) -> Set<Decision> {
        var decisions: Set<Decision> = []
        let own = decider.expected
        let known = knownExpectations(of: others)
        var quorate = Set(others.filter { $0.wasQuorate != false }.map(\.expected))
        if decider.wasQuorate != false {
            for known in known {
                decisions.insert(decision(of: decider, expecting: own, others: known, atLeast: before.quorum))
            }
            if decider.wasQuorate == true, decisions.allSatisfy({ $0.quorate == true }) { return decisions }
        }
        if decider.wasQuorate != true {
            // The message of a quorate member ends the wait for all votes.
            let mayWait = decider.wasQuorate == nil ? before.flags.contains(.waitForAll) : before.isWaitingForAll
            let mayNotWait = decider.wasQuorate == nil || !mayWait || !quorate.isEmpty
            for known in known {
                for waits in [true, false] where waits ? mayWait : mayNotWait {
                    decisions.insert(
                        decision(of: decider, expecting: own, others: known, atLeast: before.quorum, waits: waits))
                }
            }
        }
        // A member that is not quorate adopts the expected votes from each message of a member that was quorate when it
        // sent the message, its own included, and then may lower the quorum.
        if decider.wasQuorate != false, !others.isEmpty { quorate.insert(own) }
        for other in quorate {
            for known in known {
                for quorum in [before.quorum, 0] {
                    decisions.insert(decision(of: decider, expecting: other, others: known, atLeast: quorum))
                }
            }
        }
        return decisions
    }

    /// The possible sets of expected votes that a member records for the others. For another member that was not
    /// quorate, it records its own expected votes, unless it tracks expected votes.
    private func knownExpectations(of others: [Decider]) -> [Set<UInt32>] {
        let all = Set(others.map(\.expected))
        guard !before.tracksExpectedVotes, others.contains(where: { $0.wasQuorate != true }) else { return [all] }
        // Only the highest of a set matters.
        return [all] + all.map { most in all.filter { $0 < most } }
    }

    /// The result of one recalculation (`calculate_quorum` and `are_we_quorate`).
    private func decision(
        of decider: Decider, expecting own: UInt32, others: Set<UInt32>, atLeast presentQuorum: UInt32,
        waits: Bool = false
    ) -> Decision {
        let total = decider.castsDeviceVote ? votes &+ before.deviceVotes : votes
        // The votes of the quorum device are expected even if it does not cast them.
        let expected = max(own, votes &+ before.deviceVotes)
        let highest = max(expected, others.max() ?? 0)
        let majority = max((highest &+ 2) / 2, (total &+ 2) / 2)
        let isPair = before.flags.contains(.twoNode) && survivors.count + (decider.castsDeviceVote ? 1 : 0) <= 2
        let quorum = (isPair ? 1 : max(presentQuorum, majority)) & 0xff

        var decision = Decision(total: total, expected: expected, highest: highest, quorum: quorum)
        guard !waits || total == expected else { return decision }
        if quorum <= total {
            decision.quorate = true
            decision.rule = isPair && majority > total ? .twoNode : .votes
        } else if let winsTie = total == expected / 2 ? winsTie(quorum: quorum) : false {
            let winsAsMaster = winsTie ? false : winsAsMaster(decider)
            decision.quorate = winsTie ? true : winsAsMaster
            decision.rule = winsTie ? .autoTieBreaker : winsAsMaster == true ? .masterWins : nil
        } else {
            decision.quorate = nil
        }
        return decision
    }

    /// Whether `auto_tie_breaker` gives quorum to the survivors if they have half of the votes; nil when not known.
    private func winsTie(quorum: UInt32) -> Bool? {
        guard before.flags.contains(.autoTieBreaker), before.members.count - survivors.count < quorum else {
            return false
        }
        func survives(_ id: NodeID) -> Bool { survivors.contains { $0.id == id } }
        switch before.settings.tieBreaker {
        case nil: return nil
        case .lowest(let node), .highest(let node): return node.map(survives) ?? false
        case .list(let list):
            guard let first = list.firstIndex(where: survives) else { return false }
            return !list[..<first].contains { id in before.members.contains { $0.id == id } }
        }
    }

    /// Whether a member is quorate because the quorum device's master is a survivor; nil when not known.
    private func winsAsMaster(_ decider: Decider) -> Bool? {
        survivors.contains { $0.isMaster && $0.castsDeviceVote } ? decider.allowsMasterWins : false
    }
}

extension VotingSnapshot {
    /// Whether the local node waits for all votes. With `wait_for_all` it does whenever it is not quorate.
    fileprivate var isWaitingForAll: Bool {
        flags.contains(.waitForAll) && !flags.contains(.quorate) && settings.isWaitingForAll != false
    }

    /// Whether members record the expected votes of members that are not quorate. `allow_downscale` implies it.
    fileprivate var tracksExpectedVotes: Bool {
        flags.contains(.allowDownscale) || settings.tracksExpectedVotes == true
    }
}
