// SPDX-License-Identifier: MIT

internal import Corosync

/// The state of a cluster at one moment, as its local node sees it. Nil is unknown, never "no" or zero.
struct ClusterState: Hashable, Sendable {
    var clusterName: String?
    /// The local node: the one whose corosync the watch is connected to.
    var localNode: NodeID?
    /// Whether votequorum says that the cluster is quorate. It is never computed from the votes.
    var quorate: Bool?
    /// The ring of the last nodelist notification.
    var ring: RingID?
    var votes = Votes()
    var flags: NodeInfo.Flags?
    /// The quorum device of the local node; nil when none is registered and none is configured.
    var device: QuorumDevice?
    /// The votes of the complete cluster by its configuration, nil when that is not known.
    var configuredVotes: Int?
    /// Every node that votequorum knows or that is configured, by ID.
    var nodes: [Node] = []
    /// The links to the other nodes, by node and number; empty if the transport is not knet; nil if they are unknown or not
    /// read.
    var links: [Link]?
    /// The counters of totem; nil if they are unknown or not read.
    var counters: TotemCounters?
    /// What keeps the cluster from being well, the most severe first.
    var problems: [Problem] = []
    /// The nodes that are not members, and of which these together would make the cluster quorate again: each element is
    /// one way. Nil when the cluster is quorate, or when that is not known. A change of it alone causes no event.
    var waysToQuorum: [[NodeReference]]?

    /// The nodes except those that were removed from the nodelist, which are in JSON alone.
    var shownNodes: [Node] { nodes.filter { !$0.isRemoved } }

    /// The nodes that are configured or known but not members.
    var missingNodes: [Node] { nodes.filter { !$0.isMember && !$0.isRemoved } }

    /// Whether the nodelist is known, and so the names and addresses of all nodes.
    var knowsNodelist: Bool { nodes.contains { $0.isConfigured != nil } }

    /// Whether it was read during a recalculation: the votes are new, and the quorate flag is old. Without
    /// auto_tie_breaker and master-wins, a cluster with a negative margin cannot be quorate.
    var isContradictory: Bool {
        guard quorate == true, let margin = votes.margin, margin < 0 else { return false }
        return flags?.contains(.autoTieBreaker) != true
            && !nodes.contains { $0.isMember && $0.device?.masterWins == true }
    }

    func node(_ id: NodeID) -> Node? { nodes.about(id) }

    /// A node by its ID, with its name if that is known.
    func reference(_ id: NodeID) -> NodeReference { nodes.reference(id) }
}

struct Votes: Hashable, Sendable {
    /// The total votes of all members, and of the quorum device if it casts its votes.
    var total: UInt32?
    /// The expected votes of the local node.
    var expected: UInt32?
    var highestExpected: UInt32?
    /// The number of votes that is needed to be quorate.
    var quorum: UInt32?

    /// The number of votes that can be lost without a loss of quorum. If it is negative, that many votes are missing.
    var margin: Int? {
        guard let total, let quorum else { return nil }
        return Int(total) - Int(quorum)
    }
}

/// The quorum device of the local node (corosync-qdevice(8)).
struct QuorumDevice: Hashable, Sendable {
    /// The name under which it registered; nil when it is not registered.
    var name: String?
    /// `quorum.device.model`; nil when it is not set or not known.
    var model: String?
    var votes: UInt32
    /// Its state in votequorum; nil when it is not registered.
    var state: DeviceState?

    var isRegistered: Bool { state != nil }
}

/// The state of the quorum device that is registered on a node (the `VOTEQUORUM_INFO_QDEVICE_…` flags).
struct DeviceState: Hashable, Sendable {
    /// Whether it reports in time.
    var alive: Bool
    /// Whether it gives its votes to the partition of the node.
    var castVote: Bool
    /// Whether the master-wins rule applies: the partition for which the device votes is quorate, whatever the votes.
    var masterWins: Bool

    /// Whether it is alive and casts its votes.
    var isWorking: Bool { alive && castVote }
}

extension DeviceState {
    /// The state from a node's flags; nil when no device is registered on the node.
    init?(_ flags: NodeInfo.Flags) {
        guard flags.contains(.quorumDeviceRegistered) else { return nil }
        self.init(
            alive: flags.contains(.quorumDeviceAlive), castVote: flags.contains(.quorumDeviceCastVote),
            masterWins: flags.contains(.quorumDeviceMasterWins))
    }
}

/// A node of the cluster.
struct Node: Hashable, Sendable {
    var id: NodeID
    /// Its name in the configuration.
    var name: String?
    /// Its state in votequorum; nil: absent, which means that it is configured but was never seen by votequorum.
    var state: NodeState?
    var votes: UInt32?
    var expectedVotes: UInt32?
    var isLocal: Bool
    /// Its addresses in the configuration, in the order of its links.
    var addresses: [String]
    /// The quorum device that is registered on it; nil when there is none or it is not known.
    var device: DeviceState?
    /// Whether the nodelist has it; nil when the configuration is not known. Votequorum lists a node that was removed from
    /// the nodelist as dead until every corosync has restarted.
    var isConfigured: Bool?
    /// Its votes in the configuration; nil when it is not configured, or the configuration is not known.
    var configuredVotes: UInt32?
    /// Whether a link to it is connected; nil for the local node, and where links are not read.
    var isReachable: Bool?
    /// The version of its configuration (`runtime.members.N.config_version`); nil when not known.
    var configVersion: UInt64?
    /// Whether the other members would be quorate if it failed. Nil when it is not a member, or the answer is not known
    /// or not computed. A change of it alone causes no event.
    var quorateIfDown: Bool?

    var isMember: Bool { state == .member }
    /// Whether it was removed from the nodelist. Such a node is in JSON, and nowhere else.
    var isRemoved: Bool { isConfigured == false && !isMember }
    /// `member`, `dead`, `leaving`, `absent`, or `state_9` for a number without a name.
    var stateName: String { state?.description ?? "absent" }
    var reference: NodeReference { NodeReference(id: id, name: name) }
}

struct NodeReference: Hashable, Sendable {
    var id: NodeID
    /// Its name in the configuration.
    var name: String?
}

extension [Node] {
    /// A node by its ID, with its name if it is one of these nodes.
    func reference(_ id: NodeID) -> NodeReference { about(id)?.reference ?? NodeReference(id: id) }
}
