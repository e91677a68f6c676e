// SPDX-License-Identifier: MIT

/// One node's votequorum, as `exec/votequorum.c` of corosync 3.1.7 has it: what the node holds of the cluster, and how it
/// recalculates quorum when the membership changes.
///
/// This is a second statement of the rules, written from corosync's source alone, that predictions are held against. It
/// follows the source function by function, in the source's order and with its widths (the quorum has 8 bits, votes have
/// 32 and wrap around), so that the two can be read side by side. Messages of other nodes are ``receive(_:)``; timers are
/// functions to call.
struct VotequorumModel: Hashable, Sendable {
    /// `nodestate_t`.
    enum State: Hashable, Sendable { case member, dead, leaving }

    /// `NODE_FLAGS_…` of `votequorum.c`; not the `VOTEQUORUM_INFO_…` that getinfo makes of them.
    struct Flags: OptionSet, Hashable, Sendable {
        let rawValue: UInt32
        static let quorate = Flags(rawValue: 1)
        static let leaving = Flags(rawValue: 2)
        static let waitsForAll = Flags(rawValue: 4)
        static let first = Flags(rawValue: 8)
        static let deviceRegistered = Flags(rawValue: 16)
        static let deviceAlive = Flags(rawValue: 32)
        static let deviceCastsVote = Flags(rawValue: 64)
        static let deviceMasterWins = Flags(rawValue: 128)
    }

    /// `struct cluster_node`.
    struct Node: Hashable, Sendable {
        var id: UInt32
        var state = State.member
        var votes: UInt32 = 1
        var expectedVotes: UInt32
        var flags: Flags = []
    }

    /// `auto_tie_breaker`, and with `list` also `atb_nodelist`.
    enum TieBreaker: Hashable, Sendable { case none, lowest, highest, list([UInt32]) }

    /// `cluster_members_list`: every node that this one has heard of, dead ones included, without the quorum device.
    var nodes: [Node]
    /// The ID of `us`, which is one of ``nodes``.
    let localID: UInt32
    /// `quorum`.
    var quorum: UInt8
    /// `cluster_is_quorate`.
    var isQuorate: Bool
    /// `quorum_members` and `previous_quorum_members`: totem's membership now and on the ring before.
    var members: [UInt32]
    var previousMembers: [UInt32] = []
    /// `two_node`.
    var isTwoNode = false
    /// `wait_for_all` and `wait_for_all_status`.
    var waitsForAll = false
    var isWaitingForAll = false
    /// `auto_tie_breaker`.
    var tieBreaker = TieBreaker.none
    /// `lowest_node_id` and `highest_node_id`, of the last partition that was quorate by votes; -1 before there is one.
    var lowestID: Int32 = -1
    var highestID: Int32 = -1
    /// `last_man_standing`, and whether its timer runs.
    var isLastManStanding = false
    var lastManStandingTimerRuns = false
    /// `allow_downscale` and `ev_barrier`.
    var allowsDownscale = false
    var expectedVotesBarrier: UInt32 = 0
    /// `ev_tracking`, which `allow_downscale` sets.
    var tracksExpectedVotes = false
    /// `qdevice->votes` and `qdevice_master_wins`.
    var deviceVotes: UInt32 = 0
    var deviceMasterWins = false

    /// Whether corosync has ended itself by its assertion that a node which waits for all is not quorate.
    private(set) var hasAborted = false

    /// - Parameters:
    ///   - nodes: What this node holds of every node. Those that are members make the membership.
    ///   - localID: This node, which must be one of them.
    ///   - quorum: The present quorum.
    ///   - isQuorate: Whether this node is quorate at present.
    init(nodes: [Node], localID: UInt32, quorum: UInt8, isQuorate: Bool) {
        precondition(nodes.contains { $0.id == localID })
        self.nodes = nodes
        self.localID = localID
        self.quorum = quorum
        self.isQuorate = isQuorate
        members = nodes.filter { $0.state == .member }.map(\.id)
    }

    /// `us`.
    private(set) var us: Node {
        get { nodes[nodes.firstIndex { $0.id == localID }!] }
        set { nodes[nodes.firstIndex { $0.id == localID }!] = newValue }
    }

    // MARK: Who breaks a tie

    /// `get_lowest_node_id`. Node IDs are compared as signed numbers there.
    private mutating func noteLowestID() {
        lowestID = Int32(bitPattern: localID)
        for node in nodes where node.state == .member && Int32(bitPattern: node.id) < lowestID {
            lowestID = Int32(bitPattern: node.id)
        }
    }

    /// `get_highest_node_id`.
    private mutating func noteHighestID() {
        highestID = Int32(bitPattern: localID)
        for node in nodes where node.state == .member && Int32(bitPattern: node.id) > highestID {
            highestID = Int32(bitPattern: node.id)
        }
    }

    /// `check_low_node_id_partition`.
    private var hasLowestID: Bool { nodes.contains { $0.state == .member && Int32(bitPattern: $0.id) == lowestID } }

    /// `check_high_node_id_partition`.
    private var hasHighestID: Bool { nodes.contains { $0.state == .member && Int32(bitPattern: $0.id) == highestID } }

    /// `check_auto_tie_breaker`.
    private var breaksTie: Bool {
        switch tieBreaker {
        case .none: return false
        case .lowest: return hasLowestID
        case .highest: return hasHighestID
        case .list(let list):
            // The first of the list that is here; one before it that was here until now may be on the other side.
            guard let first = list.firstIndex(where: { members.contains($0) }) else { return false }
            return !list[..<first].contains { previousMembers.contains($0) }
        }
    }

    /// `check_qdevice_master`.
    private var hasDeviceMaster: Bool {
        nodes.contains { $0.state == .member && $0.flags.isSuperset(of: [.deviceMasterWins, .deviceCastsVote]) }
    }

    // MARK: Quorum

    /// `update_wait_for_all_status`.
    private mutating func setWaitingForAll(_ isWaiting: Bool) {
        isWaitingForAll = isWaiting
        if isWaiting { us.flags.insert(.waitsForAll) } else { us.flags.remove(.waitsForAll) }
    }

    /// `calculate_quorum`.
    private func calculateQuorum(allowDecrease: Bool, maxExpected given: UInt32) -> (quorum: UInt32, totalVotes: UInt32)
    {
        var maxExpected = given
        if allowsDownscale && allowDecrease && maxExpected > 0 { maxExpected = max(expectedVotesBarrier, maxExpected) }
        var totalVotes: UInt32 = 0
        var highestExpected: UInt32 = 0
        var totalNodes = 0
        for node in nodes where node.state == .member {
            highestExpected = max(highestExpected, node.expectedVotes)
            totalVotes &+= node.votes
            totalNodes += 1
        }
        if us.flags.contains(.deviceCastsVote) {
            totalVotes &+= deviceVotes
            totalNodes += 1
        }
        if maxExpected > 0 { highestExpected = maxExpected }
        var newQuorum = max((highestExpected &+ 2) / 2, (totalVotes &+ 2) / 2)
        if !allowDecrease { newQuorum = max(UInt32(quorum), newQuorum) }
        if isTwoNode && totalNodes <= 2 { newQuorum = 1 }
        return (newQuorum, totalVotes)
    }

    /// `update_node_expected_votes`.
    private mutating func setExpectedVotes(_ votes: UInt32) {
        guard votes > 0 else { return }
        for index in nodes.indices where nodes[index].state == .member { nodes[index].expectedVotes = votes }
    }

    /// `are_we_quorate`.
    private mutating func decide(_ totalVotes: UInt32) {
        if waitsForAll && isWaitingForAll {
            if totalVotes != us.expectedVotes {
                hasAborted = hasAborted || isQuorate
                return
            }
            setWaitingForAll(false)
        }
        var quorate = false
        if UInt32(quorum) <= totalVotes {
            quorate = true
            noteLowestID()
            noteHighestID()
        }
        if tieBreaker != .none, totalVotes == us.expectedVotes / 2,
            previousMembers.count - members.count < Int(quorum), breaksTie
        {
            quorate = true
        }
        if deviceMasterWins, !quorate, hasDeviceMaster { quorate = true }
        isQuorate = quorate
        if quorate { us.flags.insert(.quorate) } else { us.flags.remove(.quorate) }
        if waitsForAll { setWaitingForAll(!quorate) }
    }

    /// `get_total_votes`. The device counts here whether or not it votes.
    private var possibleVotes: (total: UInt32, members: UInt32) {
        var (total, members): (UInt32, UInt32) = (0, 0)
        for node in nodes where node.state == .member {
            members += 1
            total &+= node.votes
        }
        return deviceVotes > 0 ? (total &+ deviceVotes, members + 1) : (total, members)
    }

    /// `recalculate_quorum`.
    private mutating func recalculate(allowDecrease: Bool, byCurrentNodes: Bool) {
        let possible = possibleVotes
        let clusterMembers = byCurrentNodes ? possible.members : 0
        if possible.total > us.expectedVotes { us.expectedVotes = possible.total }
        let (newQuorum, totalVotes) = calculateQuorum(allowDecrease: allowDecrease, maxExpected: clusterMembers)
        quorum = UInt8(truncatingIfNeeded: newQuorum)
        setExpectedVotes(clusterMembers)
        decide(totalVotes)
    }

    // MARK: A change of the membership

    /// `votequorum_sync_init`: a new ring.
    mutating func beginSync(_ newMembers: [UInt32]) {
        if newMembers.count > 1 { us.flags.remove(.first) }
        let left = members.filter { !newMembers.contains($0) }
        for index in nodes.indices where left.contains(nodes[index].id) { nodes[index].state = .dead }
        if isLastManStanding {
            let isEnough = newMembers.count >= Int(quorum) && !left.isEmpty
            let isTieBroken = newMembers.count <= Int(quorum) && tieBreaker != .none && hasLowestID
            if isEnough || isTieBroken { lastManStandingTimerRuns = true }
        }
        previousMembers = members
        members = newMembers
    }

    /// `votequorum_sync_activate`: the end of the transition.
    mutating func endSync() { recalculate(allowDecrease: false, byCurrentNodes: false) }

    /// A nodeinfo message: what a node says of itself on every new ring, or of the device as node 0.
    struct Announcement: Hashable, Sendable {
        var id: UInt32
        var votes: UInt32
        var expectedVotes: UInt32
        var flags: Flags
    }

    /// What this node says of itself (`votequorum_exec_send_nodeinfo`).
    var announcement: Announcement {
        Announcement(id: localID, votes: us.votes, expectedVotes: us.expectedVotes, flags: us.flags)
    }

    /// `message_handler_req_exec_votequorum_nodeinfo`, of nodes.
    mutating func receive(_ message: Announcement) {
        let index = nodes.firstIndex { $0.id == message.id } ?? nodes.endIndex
        let isNew = index == nodes.endIndex
        if isNew { nodes.append(Node(id: message.id, state: .dead, votes: 0, expectedVotes: 0)) }
        let old = nodes[index]
        var allowDecrease = false
        var byNode = false
        nodes[index].flags = message.flags
        nodes[index].votes = message.votes
        nodes[index].state = .member
        if message.flags.contains(.leaving) {
            nodes[index].state = .leaving
            allowDecrease = true
            byNode = true
        }
        if !isQuorate, message.flags.contains(.quorate) {
            allowDecrease = true
            us.expectedVotes = message.expectedVotes
        }
        nodes[index].expectedVotes =
            message.flags.contains(.quorate) || tracksExpectedVotes ? message.expectedVotes : us.expectedVotes
        if isLastManStanding, message.votes > 1 {
            isLastManStanding = false
            lastManStandingTimerRuns = false
        }
        if isNew || message.id == localID || message.flags.contains(.first) || nodes[index] != old {
            recalculate(allowDecrease: allowDecrease, byCurrentNodes: byNode)
        }
        if waitsForAll, message.flags.contains(.quorate), !message.flags.contains(.waitsForAll) {
            setWaitingForAll(false)
        }
    }

    /// `votequorum_last_man_standing_timer_fn`: the window has passed.
    mutating func lastManStandingWindowPasses() {
        guard lastManStandingTimerRuns else { return }
        lastManStandingTimerRuns = false
        if isQuorate { recalculate(allowDecrease: true, byCurrentNodes: true) }
    }

    /// What a poll of the quorum device (`message_handler_req_lib_votequorum_qdevice_poll`) or, with `nil`, its absence for
    /// too long (`qdevice_timer_fn`) makes of this node's flags, before the node announces them.
    mutating func devicePolls(castingVote casts: Bool?) {
        if casts == nil { us.flags.remove(.deviceAlive) } else { us.flags.insert(.deviceAlive) }
        if casts == true { us.flags.insert(.deviceCastsVote) } else { us.flags.remove(.deviceCastsVote) }
    }
}

// MARK: - Predictions

extension VotequorumModel {
    /// What `votequorum_getinfo` tells of this node.
    struct Decision: Hashable, Sendable {
        var isQuorate: Bool
        var totalVotes: UInt32
        var expectedVotes: UInt32
        var highestExpected: UInt32
        var quorum: UInt8
    }

    /// The present answer of `message_handler_req_lib_votequorum_getinfo`; `nil` when corosync has aborted.
    var decision: Decision? {
        guard !hasAborted else { return nil }
        let current = nodes.filter { $0.state == .member }
        let device = us.flags.contains(.deviceCastsVote) ? deviceVotes : 0
        return Decision(
            isQuorate: isQuorate, totalVotes: current.reduce(device) { $0 &+ $1.votes },
            expectedVotes: us.expectedVotes, highestExpected: current.map(\.expectedVotes).max() ?? 0, quorum: quorum)
    }

    /// What this node decides after other nodes have died at once, without a word.
    ///
    /// - Parameters:
    ///   - dead: Other nodes. Those that are no members make no difference.
    ///   - announcements: What the survivors say on the new ring, in the order in which totem delivers it; this node's own
    ///     ``announcement`` is one of them. Without any, the survivors say nothing that this node does not hold already.
    /// - Returns: The decision; `nil` when corosync would abort.
    func decision(losing dead: Set<UInt32>, hearing announcements: [Announcement] = []) -> Decision? {
        precondition(!dead.contains(localID))
        var survivor = self
        survivor.beginSync(members.filter { !dead.contains($0) })
        for announcement in announcements { survivor.receive(announcement) }
        survivor.endSync()
        return survivor.decision
    }
}
