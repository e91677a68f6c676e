// SPDX-License-Identifier: MIT

package import Corosync

/// The values of corosync's configuration map that the program uses (cmap_keys(8)).
struct Configuration: Hashable, Sendable {
    /// `totem.cluster_name`
    var clusterName: String?
    /// The nodes of `nodelist.node.N`, sorted by ID.
    var nodes: [ConfiguredNode] = []
    /// `quorum.expected_votes`; 0 counts as not set.
    var expectedVotes: UInt32?
    /// With `quorum.expected_votes_tracking`, the highest expected votes that votequorum has seen, which it starts with
    /// instead of ``expectedVotes`` (`runtime.votequorum.ev_tracking_barrier`).
    var trackedExpectedVotes: UInt32?
    /// Whether expected votes are lowered when nodes leave (`quorum.last_man_standing`).
    var hasLastManStanding = false
    /// The quorum device, nil when none is configured.
    var device: ConfiguredDevice?
    /// `totem.config_version`
    var version: UInt64?
    /// What totem knows of each node (`runtime.members.N`).
    var members: [NodeID: TotemMember] = [:]
    /// The consensus timeout of totem (`runtime.config.totem.consensus`).
    var consensus: Duration?
    /// How nodelist and quorum section of the configuration file of this node differ from what corosync runs with; nil if
    /// they do not, or where the file cannot be read or is of another cluster.
    var fileDifference: ConfigurationFile.Difference?
    /// The additional values for predictions; nil when they were not read.
    var voting: VotingSettings?

    /// The expected votes after a start of all nodes, by votequorum's own rules (`votequorum_readconfig` and
    /// `recalculate_quorum` in exec/votequorum.c of corosync): from those that votequorum starts with, to those that it has
    /// raised them to when all votes were there. Nil when there are neither nodes nor expected votes.
    var expectedVotesAfterStart: ClosedRange<Int>? {
        let ofNodes = nodes.reduce(0) { $0 + Int($1.votes) }
        var ofDevice = 0
        var start = ofNodes
        let set = Int(trackedExpectedVotes ?? expectedVotes ?? 0)
        if let device {
            if let votes = device.votes {
                // Not expected at the start, only when they are counted.
                ofDevice = Int(votes)
            } else if set == 0, ofNodes == nodes.count {
                // One vote less than there are nodes.
                ofDevice = max(0, ofNodes - 1)
                start += ofDevice
            }
        }
        if set > 0 { start = set }
        return start > 0 ? start...max(start, ofNodes + ofDevice) : nil
    }

    /// The votes that votequorum expects when all nodes have started.
    var votes: Int? { expectedVotesAfterStart?.upperBound }

    func reference(_ id: NodeID) -> NodeReference { NodeReference(id: id, name: nodes.about(id)?.name) }
}

/// What totem knows of a node (`runtime.members.N` of cmap_keys(8)).
struct TotemMember: Hashable, Sendable {
    /// Whether it is in the ring (`status` is `joined`); nil when not read.
    var isJoined: Bool?
    /// How often it has joined a ring (`join_count`); nil when not read.
    var joinCount: UInt32?
    /// The version of its configuration (`config_version`).
    var configVersion: UInt64?
}

/// A node of `nodelist.node.N`.
package struct ConfiguredNode: Hashable, Sendable {
    /// `nodeid`
    package var id: NodeID
    /// `name`
    package var name: String?
    /// `ring0_addr`, `ring1_addr`, …
    var addresses: [String] = []
    /// The numbers of its links: N of `ringN_addr`.
    var links: [Int] = []
    /// `quorum_votes`
    var votes: UInt32 = 1
}

/// The quorum device of `quorum.device`.
struct ConfiguredDevice: Hashable, Sendable {
    /// `model`
    var model: String
    /// `votes`, nil when not set.
    var votes: UInt32?
    /// `sync_timeout`, nil when not set.
    var syncTimeout: Duration?
}
