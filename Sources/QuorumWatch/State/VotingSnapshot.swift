// SPDX-License-Identifier: MIT

internal import Corosync

/// The input of votequorum's decision about quorum, as one node (the local node) knows it at one moment.
///
/// Most of it comes from votequorum_getinfo(3) on that node, for every member; the rest comes from its configuration
/// map.
struct VotingSnapshot: Hashable, Sendable {
    /// A member, as the local node last received its values.
    struct Member: Hashable, Sendable {
        var id: NodeID
        var votes: UInt32 = 1
        var expectedVotes: UInt32
        var hasDevice = false
        var castsDeviceVote = false
        /// Whether it has the master-wins flag: its partition is quorate while the quorum device casts its votes on it.
        var isMaster = false
        /// Whether it applies the master-wins rule; nil when not known.
        var allowsMasterWins: Bool? = false
    }

    /// The members, sorted by ID.
    var members: [Member]
    var localNode: NodeID
    /// The present quorum.
    var quorum: UInt32
    /// The flags of the cluster, without those of the quorum device.
    var flags: NodeInfo.Flags
    var deviceVotes: UInt32
    /// The values from the configuration map.
    var settings: VotingSettings

    /// A snapshot from its parts, with the members in any order.
    init(
        members: [Member], localNode: NodeID, quorum: UInt32, flags: NodeInfo.Flags, deviceVotes: UInt32 = 0,
        settings: VotingSettings = VotingSettings()
    ) {
        self.members = members.sorted { $0.id < $1.id }
        self.localNode = localNode
        self.quorum = quorum
        self.flags = flags.intersection([.twoNode, .quorate, .waitForAll, .autoTieBreaker, .allowDownscale])
        self.deviceVotes = deviceVotes
        self.settings = settings
    }

    /// A snapshot from a reading; nodes that are not members are ignored.
    init(_ reading: Reading, settings: VotingSettings) {
        let members = reading.nodes.filter { $0.state == .member }.map { info in
            let hasDevice = info.flags.contains(.quorumDeviceRegistered)
            let isMaster = info.flags.contains(.quorumDeviceMasterWins)
            // Unregistering a device clears the flag, but the node continues to apply the rule.
            let permission = hasDevice ? isMaster : nil
            return Member(
                id: info.id, votes: info.votes, expectedVotes: info.expectedVotes, hasDevice: hasDevice,
                castsDeviceVote: info.flags.contains(.quorumDeviceCastVote), isMaster: isMaster,
                allowsMasterWins: info.id == reading.local.id ? settings.allowsMasterWins ?? permission : permission)
        }
        self.init(
            members: members, localNode: reading.local.id, quorum: reading.local.quorum, flags: reading.local.flags,
            deviceVotes: reading.local.quorumDeviceVotes, settings: settings)
    }
}

/// The part of votequorum's state that is available only from the configuration map of a node. Nil is unknown.
struct VotingSettings: Hashable, Sendable {
    /// The tie breaker (`runtime.votequorum.atb_type` and the keys of each type).
    var tieBreaker: TieBreaker?
    /// Whether the node waits for all votes (`runtime.votequorum.wait_for_all_status`).
    var isWaitingForAll: Bool?
    /// Whether expected votes are recorded also from members that are not quorate (`expected_votes_tracking`).
    var tracksExpectedVotes: Bool?
    /// Whether the node applies the master-wins rule (`runtime.votequorum.qdevice_master_wins`).
    var allowsMasterWins: Bool?

    /// These settings, with the list of tie breakers of an earlier reading of the same corosync if it is unknown now:
    /// votequorum keeps the list of its start.
    func keepingList(of earlier: VotingSettings) -> VotingSettings {
        guard tieBreaker == nil, case .list = earlier.tieBreaker else { return self }
        var settings = self
        settings.tieBreaker = earlier.tieBreaker
        return settings
    }

    /// Updates the values as votequorum does when it decides (`are_we_quorate` in exec/votequorum.c of corosync).
    mutating func update(after decision: Reading) {
        let local = decision.local
        let isQuorate = local.flags.contains(.quorate)
        isWaitingForAll = local.flags.contains(.waitForAll) && !isQuorate
        if local.flags.contains(.quorumDeviceRegistered) {
            allowsMasterWins = local.flags.contains(.quorumDeviceMasterWins)
        }
        guard isQuorate, let tieBreaker else { return }
        let members = decision.nodes.filter { $0.state == .member }
        let deviceVotes = local.flags.contains(.quorumDeviceCastVote) ? local.quorumDeviceVotes : 0
        guard members.reduce(deviceVotes, { $0 &+ $1.votes }) >= local.quorum else { return }
        // votequorum compares IDs as signed numbers.
        let ids = members.map(\.id).sorted { Int32(bitPattern: $0.rawValue) < Int32(bitPattern: $1.rawValue) }
        switch tieBreaker {
        case .lowest: self.tieBreaker = .lowest(ids.first)
        case .highest: self.tieBreaker = .highest(ids.last)
        case .list: break
        }
    }
}

/// The rule by which one half of a cluster is quorate (`auto_tie_breaker` and `auto_tie_breaker_node` in
/// votequorum(5)).
enum TieBreaker: Hashable, Sendable {
    /// The half with this node is quorate: the lowest ID of the last membership that was quorate by votes
    /// (`runtime.votequorum.lowest_node_id`); nil when there was none.
    case lowest(NodeID?)
    /// The half with this node is quorate: the highest ID of the last membership that was quorate by votes
    /// (`runtime.votequorum.highest_node_id`); nil when there was none.
    case highest(NodeID?)
    /// The half with the first node of the list is quorate; nodes that were not members before are skipped.
    case list([NodeID])
}
