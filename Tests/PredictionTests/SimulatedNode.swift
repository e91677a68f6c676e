// SPDX-License-Identifier: MIT

import Corosync
@testable import QuorumWatch

/// The state of votequorum on one node of a ``Simulation``, as its debug log shows it.
struct SimulatedNode {
    /// The flags of the cluster in votequorum_getinfo(3), without `quorate`.
    private(set) var flags: NodeInfo.Flags
    private(set) var id: UInt32?
    private(set) var isQuorate = false
    private(set) var quorum: UInt32 = 0
    private(set) var expectedVotes: UInt32 = 0
    private(set) var lowest: UInt32?
    private(set) var highest: UInt32?
    /// `wait_for_all_status`.
    private(set) var isWaitingForAll: Bool
    /// The number of nodeinfo messages that it has received so far.
    private(set) var messages = 0

    /// The last recalculation.
    private var recalculation = Recalculation()
    /// The flags of each node in its last message (`NODE_FLAGS_…` in exec/votequorum.c of corosync).
    private var nodeFlags: [UInt32: UInt32] = [:]
    /// Whether the message that is being handled ends the wait for all votes (`wait_for_all`).
    private var endsWait = false
    private var allowsDecrease = false

    private struct Recalculation {
        var members: [UInt32: (votes: UInt32, expected: UInt32)] = [:]
        var total: UInt32 = 0
        var castsDeviceVotes = false
        var quorumBefore: UInt32 = 0
        var allowsDecrease = false
        /// Whether it ended because not all votes are present (`wait_for_all`).
        var waits = false
        var isDone = true
    }

    /// A node that has not logged anything yet, in a cluster with these flags.
    init(flags: NodeInfo.Flags) {
        self.flags = flags
        isWaitingForAll = flags.contains(.waitForAll)
    }

    /// The IDs of the members.
    var members: [UInt32] { recalculation.members.keys.sorted() }
    /// Whether it counts the votes of the quorum device.
    var castsDeviceVotes: Bool { recalculation.castsDeviceVotes }
    /// The votes of the members, with those of the quorum device if it casts them.
    var totalVotes: UInt32 { memberVotes + (recalculation.castsDeviceVotes ? deviceVotes : 0) }
    var highestExpected: UInt32 { recalculation.members.values.map(\.expected).max() ?? 0 }

    private var memberVotes: UInt32 { recalculation.members.values.reduce(0) { $0 + $1.votes } }
    /// Zero where the log is behind on a busy machine, and the comparison fails then.
    private var deviceVotes: UInt32 { recalculation.total - min(recalculation.total, memberVotes) }

    // MARK: The log

    /// Takes one message of the log.
    mutating func take(_ message: Substring) {
        let utf8 = message.utf8
        switch utf8.first {
        case UInt8(ascii: "g") where message.hasPrefix("got nodeinfo message"): endMessage()
        case UInt8(ascii: "n") where message.hasPrefix("nodeinfo message["):
            let values = numbers(in: utf8)
            beginMessage(about: values[0], expected: values[2], flags: values[3])
        case UInt8(ascii: "n") where message.hasPrefix("node "):
            let values = numbers(in: utf8)
            if values.count == 3 {
                recalculation.castsDeviceVotes = true
            } else if values.count == 4, values[1] == 1 {
                recalculation.members[values[0]] = (values[2], values[3])
                // The first recalculation is of a node that knows only itself.
                if id == nil { id = values[0] }
            }
        case UInt8(ascii: "t") where message.hasPrefix("total_votes="):
            let values = numbers(in: utf8)
            beginRecalculation(total: values[0], expected: values[1])
        case UInt8(ascii: "l") where message.hasPrefix("lowest node id"): lowest = numbers(in: utf8)[0]
        case UInt8(ascii: "h") where message.hasPrefix("highest node id"): highest = numbers(in: utf8)[0]
        case UInt8(ascii: "q") where message.hasPrefix("quorum lost"): isQuorate = false
        case UInt8(ascii: "q") where message.hasPrefix("quorum regained"): isQuorate = true
        case UInt8(ascii: "W") where message.hasPrefix("Waiting for all cluster members"): recalculation.waits = true
        case UInt8(ascii: "T") where message.hasPrefix("Therefore auto_tie_breaker has been disabled"):
            flags.remove(.autoTieBreaker)
        case UInt8(ascii: "S") where message.hasPrefix("Sending"): endMessage()
        default: break
        }
    }

    private mutating func beginMessage(about node: UInt32, expected: UInt32, flags: UInt32) {
        messages += 1
        // A message about the quorum device, which is node 0, has no flags.
        guard node != 0 else { return }
        nodeFlags[node] = flags
        // Its own flags are those after the recalculation, which ends the wait by itself if they contain `quorate`.
        endsWait = node != id && flags & 1 != 0 && flags & 4 == 0
        guard !isQuorate, flags & 1 != 0 else { return }
        allowsDecrease = true
        expectedVotes = expected
    }

    private mutating func endMessage() {
        endRecalculation()
        if endsWait { isWaitingForAll = false }
        endsWait = false
        allowsDecrease = false
    }

    private mutating func beginRecalculation(total: UInt32, expected: UInt32) {
        endRecalculation()
        expectedVotes = max(total, expected)
        recalculation = Recalculation(
            total: total, quorumBefore: quorum, allowsDecrease: allowsDecrease, isDone: false)
        allowsDecrease = false
    }

    private mutating func endRecalculation() {
        guard !recalculation.isDone else { return }
        recalculation.isDone = true
        quorum = max((highestExpected + 2) / 2, (totalVotes + 2) / 2)
        if !recalculation.allowsDecrease { quorum = max(quorum, recalculation.quorumBefore) }
        let nodes = recalculation.members.count + (recalculation.castsDeviceVotes ? 1 : 0)
        if flags.contains(.twoNode), nodes <= 2 { quorum = 1 }
        quorum &= 0xff
        if !recalculation.waits { isWaitingForAll = flags.contains(.waitForAll) && !isQuorate }
    }

    // MARK: What vqwatch would read

    /// This state, if no further message of the log belongs to the last recalculation.
    var settled: SimulatedNode {
        var node = self
        node.endMessage()
        return node
    }

    /// The settled state as votequorum_getinfo(3) and the configuration map would show it.
    ///
    /// - Parameter configuration: The configuration of the cluster.
    /// - Returns: The state.
    func snapshot(_ configuration: SimulatedConfiguration) -> VotingSnapshot {
        let infos = recalculation.members.map { id, member in
            let bits = nodeFlags[id] ?? 0
            var flags = isQuorate ? self.flags.union(.quorate) : self.flags
            if bits & 16 != 0 { flags.insert(.quorumDeviceRegistered) }
            if bits & 32 != 0 { flags.insert(.quorumDeviceAlive) }
            if bits & 64 != 0 { flags.insert(.quorumDeviceCastVote) }
            return NodeInfo(
                id: NodeID(id), state: .member, votes: member.votes, expectedVotes: member.expected,
                highestExpected: highestExpected, totalVotes: totalVotes, quorum: quorum, flags: flags,
                quorumDeviceVotes: deviceVotes)
        }
        var local = infos.first { $0.id.rawValue == id }!
        local.expectedVotes = expectedVotes
        let tieBreaker: TieBreaker? =
            switch flags.contains(.autoTieBreaker) ? configuration.tieBreaker : nil {
            case nil: nil
            case .lowest: .lowest(lowest.map(NodeID.init(_:)))
            case .highest: .highest(highest.map(NodeID.init(_:)))
            case .list(let list): .list(list)
            }
        return VotingSnapshot(
            Reading(local: local, others: infos),
            settings: VotingSettings(
                tieBreaker: tieBreaker, isWaitingForAll: isWaitingForAll,
                tracksExpectedVotes: configuration.tracksExpectedVotes,
                allowsMasterWins: false))
    }
}

/// The decimal numbers in a text.
private func numbers(in text: Substring.UTF8View) -> [UInt32] {
    var numbers: [UInt32] = []
    var isInside = false
    for byte in text {
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        if isDigit {
            let digit = UInt32(byte - UInt8(ascii: "0"))
            if isInside {
                numbers[numbers.count - 1] = numbers[numbers.count - 1] &* 10 &+ digit
            } else {
                numbers.append(digit)
            }
        }
        isInside = isDigit
    }
    return numbers
}
