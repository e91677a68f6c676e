// SPDX-License-Identifier: MIT

internal import Corosync

/// A reading of corosync's statistics map (the `stats.…` keys of cmap_keys(8)).
struct Statistics: Hashable, Sendable {
    /// The links to all configured nodes, by node and number, with the loopback link of the local node; empty if the
    /// transport is not knet; nil if the configured nodes are unknown.
    var links: [Link]?
    /// Whether totem has a membership, and what it counts.
    var totem: TotemState
    /// The counters of totem.
    var counters: TotemCounters
    /// The last scheduling misses, at most ten, the latest first.
    var schedulingMisses: [SchedulingMiss]

    /// Statistics from their parts, with the links in any order.
    init(
        links: [Link]? = [], totem: TotemState = TotemState(), counters: TotemCounters = TotemCounters(),
        schedulingMisses: [SchedulingMiss] = []
    ) {
        self.links = links?.sorted { $0.id < $1.id }
        self.totem = totem
        self.counters = counters
        self.schedulingMisses = schedulingMisses
    }
}

/// The identity of a link: the node at its other end, and its number, the N of the address `ringN_addr`.
struct LinkID: Hashable, Comparable, Sendable {
    /// The node at the other end.
    var node: NodeID
    /// The number of the link.
    var number: Int

    /// By node, then by number.
    static func < (one: LinkID, other: LinkID) -> Bool {
        (one.node, one.number) < (other.node, other.number)
    }
}

/// A network link of the local node to another node (`stats.knet.nodeN.linkL`).
struct Link: Hashable, Sendable {
    /// The identity of the link.
    var id: LinkID
    /// Whether knet can reach the node over the link.
    var isConnected: Bool
    /// Whether corosync has enabled the link; nil if unknown.
    var isEnabled: Bool?
    /// The running average of the latency in microseconds; nil before the first sample.
    var latency: UInt32?
    /// The largest payload of a packet over the link in bytes; nil if unknown.
    var mtu: UInt32?
    /// How often the link failed since corosync started or its counters were cleared; nil if unknown.
    var downs: UInt32?

    /// A link from its parts.
    init(
        _ id: LinkID, isConnected: Bool, isEnabled: Bool? = true, latency: UInt32? = nil, mtu: UInt32? = nil,
        downs: UInt32? = nil
    ) {
        self.id = id
        self.isConnected = isConnected
        self.isEnabled = isEnabled
        self.latency = latency
        self.mtu = mtu
        self.downs = downs
    }
}

/// Whether totem has a membership (`stats.srp`). Nil is unknown.
struct TotemState: Hashable, Sendable {
    /// How many gather states totem has entered in a row; 0 as soon as it is operational (`continuous_gather`).
    var continuousGather: UInt32?
    /// How often totem has begun to gather (`gather_entered`): whenever it leaves a ring, and again when that fails.
    var gatherEntered: UInt64?
    /// The number of rings that were formed (`operational_entered`).
    var operationalEntered: UInt64?
    /// Whether totem had last received the token longer ago than the token timeout when corosync looked, which it does
    /// every 1.5 s (`time_since_token_last_received`). Read only at the start of a watch, before changes of the others
    /// tell.
    var lacksToken = false
    /// Whether corosync has found that a firewall or a failed interface keeps it from hearing its own messages
    /// (`firewall_enabled_or_nic_failure`).
    var isNetworkBlocked: Bool?
}

/// Counters of totem since corosync started or they were cleared (`stats.srp`). Nil is unknown.
struct TotemCounters: Hashable, Sendable {
    /// How often the token of an operational ring was lost (`operational_token_lost`).
    var tokenLosses: UInt64?
    /// How often the nodes did not agree on a membership in time (`consensus_timeouts`).
    var consensusTimeouts: UInt64?
    /// The number of retransmitted messages (`mcast_retx`).
    var retransmits: UInt64?
    /// The number of rings that were formed (`operational_entered`).
    var memberships: UInt64?
}

/// A time in which corosync was not scheduled, longer than 80 % of the token timeout (`stats.schedmiss.N`).
struct SchedulingMiss: Hashable, Sendable {
    /// When corosync noticed it.
    var time: Timestamp
    /// How long corosync was not scheduled, in milliseconds.
    var delay: Int64
}
