// SPDX-License-Identifier: MIT

internal import Corosync

/// A reading of corosync's statistics map (the `stats.…` keys of cmap_keys(8)).
struct Statistics: Hashable, Sendable {
    /// The links to all configured nodes, by node and number, with the loopback link of the local node; empty if the
    /// transport is not knet; nil if the configured nodes are unknown.
    var links: [Link]? = []
    var totem = TotemState()
    var counters = TotemCounters()
    /// The last scheduling misses, at most ten, the latest first.
    var schedulingMisses: [SchedulingMiss] = []
}

/// The identity of a link: the node at its other end, and its number, the N of the address `ringN_addr`.
struct LinkID: Hashable, Comparable, Sendable {
    var node: NodeID
    var number: Int

    static func < (one: LinkID, other: LinkID) -> Bool {
        (one.node, one.number) < (other.node, other.number)
    }
}

/// A network link of the local node to another node (`stats.knet.nodeN.linkL`).
struct Link: Hashable, Sendable {
    var id: LinkID
    /// Whether knet can reach the node over the link.
    var isConnected: Bool
    /// Whether corosync has enabled the link; nil if unknown.
    var isEnabled: Bool? = true
    /// The running average of the latency in microseconds; nil before the first sample.
    var latency: UInt32?
    /// The largest payload of a packet over the link in bytes; nil if unknown.
    var mtu: UInt32?
    /// How often the link failed since corosync started or its counters were cleared; nil if unknown.
    var downs: UInt32?
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
