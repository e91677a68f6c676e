// SPDX-License-Identifier: MIT

package import Corosync

/// The values of corosync's configuration map that the program uses (cmap_keys(8)).
struct Configuration: Hashable, Sendable {
    /// `totem.cluster_name`
    var clusterName: String?
    /// The nodes of `nodelist.node.N`, sorted by ID.
    var nodes: [ConfiguredNode]
    /// `quorum.expected_votes`
    var expectedVotes: UInt32?
    /// The quorum device, nil when none is configured.
    var device: ConfiguredDevice?
    /// `totem.config_version`
    var version: UInt64?
    /// What totem knows of each node (`runtime.members.N`).
    var members: [NodeID: TotemMember] = [:]
    /// The consensus timeout of totem (`runtime.config.totem.consensus`).
    var consensus: Duration?
    /// How the configuration file of this node differs from what corosync runs with; nil if it does not, or where it
    /// cannot be read or is of another cluster.
    var fileDifference: String?
    /// The additional values for predictions; nil when they were not read.
    var voting: VotingSettings?

    /// A configuration from its parts, with the nodes in any order. Of several nodes with one ID, the first is kept.
    init(
        clusterName: String? = nil, nodes: [ConfiguredNode] = [], expectedVotes: UInt32? = nil,
        device: ConfiguredDevice? = nil, voting: VotingSettings? = nil
    ) {
        self.clusterName = clusterName
        self.nodes = Array(byNode: nodes)
        self.expectedVotes = expectedVotes
        self.device = device
        self.voting = voting
    }

    /// The configured node with an ID.
    func node(_ id: NodeID) -> ConfiguredNode? { nodes.about(id) }

    /// The votes of the complete cluster: the expected votes if they are set, otherwise the sum of the votes of the
    /// nodes and the device. Nil when there are neither nodes nor expected votes.
    var votes: Int? {
        if let expectedVotes { return Int(expectedVotes) }
        guard !nodes.isEmpty else { return nil }
        let ofNodes = nodes.reduce(0) { $0 + Int($1.votes) }
        guard let device else { return ofNodes }
        // Without a setting, votequorum gives the device one vote less than there are nodes.
        return ofNodes + (device.votes.map(Int.init) ?? ofNodes - 1)
    }

    /// The maximum duration of a recalculation: votequorum waits for a quorum device up to its sync timeout, 30 s by
    /// default.
    var longestRecalculation: Duration { (device?.syncTimeout ?? .seconds(30)) + .seconds(5) }

    /// A node by ID and, where configured, name.
    func reference(_ id: NodeID) -> NodeReference { NodeReference(id: id, name: node(id)?.name) }
}

/// What totem knows of a node (`runtime.members.N` of cmap_keys(8)).
struct TotemMember: Hashable, Sendable {
    /// Whether it is in the ring (`status` is `joined`).
    var isJoined: Bool
    /// How often it has joined a ring (`join_count`).
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
    var addresses: [String]
    /// The numbers of its links: N of `ringN_addr`.
    var links: [Int]
    /// `quorum_votes`, 1 by default.
    var votes: UInt32

    /// A configured node from its parts, with links that are numbered from 0.
    init(
        id: NodeID, name: String? = nil, addresses: [String] = [], links: [Int]? = nil, votes: UInt32 = 1
    ) {
        self.id = id
        self.name = name
        self.addresses = addresses
        self.links = links ?? Array(addresses.indices)
        self.votes = votes
    }
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
