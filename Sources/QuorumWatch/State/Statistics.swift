// SPDX-License-Identifier: MIT

public import Corosync

/// A reading of corosync's statistics map (the `stats.…` keys of cmap_keys(8)).
public struct Statistics: Hashable, Sendable {
    /// The links to all configured nodes, by node and number, with the loopback link of the local node; empty if the
    /// transport is not knet; nil if the configured nodes are unknown.
    public var links: [Link]?
    /// The counters of totem.
    public var counters: TotemCounters
    /// The last scheduling misses, at most ten, the latest first.
    public var schedulingMisses: [SchedulingMiss]

    /// Statistics from their parts, with the links in any order.
    public init(
        links: [Link]? = [], counters: TotemCounters = TotemCounters(), schedulingMisses: [SchedulingMiss] = []
    ) {
        self.links = links?.sorted { $0.id < $1.id }
        self.counters = counters
        self.schedulingMisses = schedulingMisses
    }
}

/// The identity of a link: the node at its other end, and its number, the N of the address `ringN_addr`.
public struct LinkID: Hashable, Comparable, Sendable {
    /// The node at the other end.
    public var node: NodeID
    /// The number of the link.
    public var number: Int

    /// A link's identity from its parts.
    public init(node: NodeID, number: Int) {
        self.node = node
        self.number = number
    }

    /// By node, then by number.
    public static func < (one: LinkID, other: LinkID) -> Bool {
        (one.node, one.number) < (other.node, other.number)
    }
}

/// A network link of the local node to another node (`stats.knet.nodeN.linkL`).
public struct Link: Hashable, Sendable {
    /// The identity of the link.
    public var id: LinkID
    /// Whether knet can reach the node over the link.
    public var isConnected: Bool
    /// Whether corosync has enabled the link; nil if unknown.
    public var isEnabled: Bool?
    /// The running average of the latency in microseconds; nil before the first sample.
    public var latency: UInt32?
    /// How often the link failed since corosync started or its counters were cleared; nil if unknown.
    public var downs: UInt32?

    /// A link from its parts.
    public init(
        _ id: LinkID, isConnected: Bool, isEnabled: Bool? = true, latency: UInt32? = nil, downs: UInt32? = nil
    ) {
        self.id = id
        self.isConnected = isConnected
        self.isEnabled = isEnabled
        self.latency = latency
        self.downs = downs
    }
}

/// Counters of totem since corosync started or they were cleared (`stats.srp`). Nil is unknown.
public struct TotemCounters: Hashable, Sendable {
    /// How often the token of an operational ring was lost (`operational_token_lost`).
    public var tokenLosses: UInt64?
    /// How often the nodes did not agree on a membership in time (`consensus_timeouts`).
    public var consensusTimeouts: UInt64?
    /// The number of retransmitted messages (`mcast_retx`).
    public var retransmits: UInt64?
    /// The number of rings that were formed (`operational_entered`).
    public var memberships: UInt64?

    /// Counters from their parts.
    public init(
        tokenLosses: UInt64? = nil, consensusTimeouts: UInt64? = nil, retransmits: UInt64? = nil,
        memberships: UInt64? = nil
    ) {
        self.tokenLosses = tokenLosses
        self.consensusTimeouts = consensusTimeouts
        self.retransmits = retransmits
        self.memberships = memberships
    }
}

/// A time in which corosync was not scheduled, longer than 80 % of the token timeout (`stats.schedmiss.N`).
public struct SchedulingMiss: Hashable, Sendable {
    /// When corosync noticed it.
    public var time: Timestamp
    /// How long corosync was not scheduled, in milliseconds.
    public var delay: Int64

    /// A miss from its parts.
    public init(time: Timestamp, delay: Int64) {
        self.time = time
        self.delay = delay
    }
}
