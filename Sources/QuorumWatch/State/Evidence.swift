// SPDX-License-Identifier: MIT

internal import Corosync

/// A link that failed, recovered, or both.
struct LinkReport: Hashable, Sendable {
    /// The node at the other end.
    var node: NodeReference
    /// The number of the link.
    var number: Int
    /// Whether it is connected now.
    var isConnected: Bool
    /// How often it failed since the last report; nil if its counter was cleared.
    var downs: UInt64?

    /// The identity of the link.
    var id: LinkID { LinkID(node: node.id, number: number) }
}

/// The growth of corosync's counters since the last evidence. It coincides with a change, and need not be its cause.
///
/// A count is nil if it is unknown, or if the counter was cleared meanwhile.
struct EvidenceReport: Hashable, Sendable {
    /// The ring of the nodelist that the evidence follows.
    var ring: RingID?
    /// How often the token was lost.
    var tokenLosses: UInt64?
    /// How often the nodes did not agree on a membership in time.
    var consensusTimeouts: UInt64?
    /// The number of retransmitted messages.
    var retransmits: UInt64?
    /// The number of rings that totem formed, with those that votequorum was not notified of.
    var memberships: UInt64?
    /// The links that failed, by node and number; nil if a counter of a link was cleared.
    var linksDown: [LinkDown]?
    /// The links whose MTU changed.
    var mtuChanges: [MTUChange] = []
    /// The nodes that are in the rings before and after, and that left in between, by their join count: their corosync
    /// restarted within the token timeout.
    var rejoined: [NodeReference] = []
    /// The nodes whose version of the configuration is not that of the local node.
    var configVersions: [NodeConfigVersion] = []
    /// When corosync was not scheduled, the oldest first.
    var schedulingMisses: [SchedulingMiss]
}

/// A link that failed.
struct LinkDown: Hashable, Sendable {
    /// The node at the other end.
    var node: NodeReference
    /// The number of the link.
    var number: Int
    /// How long before the nodelist the failure was noticed, in milliseconds; nil for a failure without a nodelist.
    var before: Int64?
}

/// A link whose MTU changed.
struct MTUChange: Hashable, Sendable {
    /// The node at the other end.
    var node: NodeReference
    /// The number of the link.
    var number: Int
    /// The MTU before, in bytes.
    var from: UInt32
    /// The MTU after, in bytes.
    var to: UInt32
}

/// The version of a node's configuration.
struct NodeConfigVersion: Hashable, Sendable {
    /// The node.
    var node: NodeReference
    /// Its `runtime.members.N.config_version`.
    var version: UInt64
}

/// Compares successive readings of the statistics map, and adds up the differences until evidence is due. Pure.
struct EvidenceCollector: Sendable {
    /// A link that failed or recovered between two readings, and how often it failed.
    typealias LinkChange = (link: Link, downs: UInt64?)

    /// A nodelist whose evidence is incomplete, and what was counted before it.
    private struct Open: Sendable {
        let ring: RingID
        let members: Set<NodeID>
        let counted: TotemCounters
        let linksDown: Set<LinkID>?
    }

    /// The last statistics of this connection to corosync; nil before the first.
    private(set) var latest: Statistics?
    private var open: Open?
    /// Whether the last nodelist has no evidence yet.
    var isOpen: Bool { open != nil }
    /// The growth of the counters since the last evidence.
    private var counted = TotemCounters.zero
    /// The links that failed since then; nil if a counter of a link was cleared.
    private var linksDown: Set<LinkID>? = []
    /// The scheduling misses since then, the oldest first.
    private(set) var schedulingMisses: [SchedulingMiss] = []
    /// The total scheduling delay of corosync since the start of the watch, in milliseconds.
    private(set) var missed: Int64 = 0

    /// Sets the first statistics of a connection, with which later ones are compared; nil: there are none.
    mutating func begin(with statistics: Statistics?) {
        latest = statistics
        open = nil
        schedulingMisses = []
        restart()
    }

    /// Adds later statistics. Returns the links that failed or recovered.
    mutating func add(_ statistics: Statistics) -> [LinkChange] {
        guard let old = latest else {
            begin(with: statistics)
            return []
        }
        latest = statistics
        counted.add(from: old.counters, to: statistics.counters)
        // The latest come first. Times are not compared, because the clock can be set back.
        let misses = statistics.schedulingMisses.filter { !old.schedulingMisses.contains($0) }
        schedulingMisses += misses.reversed()
        missed = misses.reduce(missed) { $0.addingReportingOverflow(max(0, $1.delay)).partialValue }
        return changes(from: old.links, to: statistics.links)
    }

    private mutating func changes(from old: [Link]?, to new: [Link]?) -> [LinkChange] {
        guard var old = old?[...], let new else {
            linksDown = nil
            return []
        }
        var changes: [LinkChange] = []
        for link in new {
            while let first = old.first, first.id < link.id { old.removeFirst() }
            guard let before = old.first, before.id == link.id else { continue }
            let downs = difference(from: before.downs.map(UInt64.init), to: link.downs.map(UInt64.init))
            let isDown = before.isConnected && !link.isConnected
            if isDown || downs ?? 0 > 0 { linksDown?.insert(link.id) } else if downs == nil { linksDown = nil }
            if before.isConnected != link.isConnected || downs ?? 0 > 0 { changes.append((link, downs)) }
        }
        return changes
    }

    /// Assigns what was counted so far to a nodelist.
    mutating func begin(nodelistOf ring: RingID, members: [NodeID]) {
        open = Open(ring: ring, members: Set(members), counted: counted, linksDown: linksDown)
        restart()
    }

    /// Returns the evidence for the last nodelist. If that was returned before, returns the evidence for the scheduling
    /// misses since, or nil without any.
    ///
    /// Corosync may notice a failed link after the membership change: failures of links to nodes that are no longer
    /// members belong to the nodelist as well.
    mutating func report(currentRing: RingID?, names: (NodeID) -> NodeReference) -> EvidenceReport? {
        if open == nil {
            guard !schedulingMisses.isEmpty else { return nil }
            defer { restart() }
            return report(of: currentRing, counted, linksDown, names)
        }
        guard let nodelist = open.take() else { return nil }
        let late = linksDown?.filter { !nodelist.members.contains($0.node) }
        let before = nodelist.linksDown
        linksDown?.subtract(late ?? [])
        return report(of: nodelist.ring, nodelist.counted, before.flatMap { late?.union($0) }, names)
    }

    private mutating func report(
        of ring: RingID?, _ counted: TotemCounters, _ links: Set<LinkID>?, _ names: (NodeID) -> NodeReference
    ) -> EvidenceReport {
        defer { schedulingMisses = [] }
        return EvidenceReport(
            ring: ring, tokenLosses: counted.tokenLosses, consensusTimeouts: counted.consensusTimeouts,
            retransmits: counted.retransmits, memberships: counted.memberships,
            linksDown: links?.sorted().map { LinkDown(node: names($0.node), number: $0.number, before: nil) },
            schedulingMisses: schedulingMisses)
    }

    private mutating func restart() {
        counted = .zero
        linksDown = []
    }
}

extension TotemCounters {
    fileprivate static let zero = TotemCounters(tokenLosses: 0, consensusTimeouts: 0, retransmits: 0, memberships: 0)

    /// Adds what was counted between two readings. The sum of a counter that was cleared meanwhile is unknown.
    fileprivate mutating func add(from old: TotemCounters, to new: TotemCounters) {
        for counter in [\TotemCounters.tokenLosses, \.consensusTimeouts, \.retransmits, \.memberships] {
            guard let sum = self[keyPath: counter] else { continue }
            let more = difference(from: old[keyPath: counter], to: new[keyPath: counter])
            // Not all JSON parsers accept larger numbers.
            self[keyPath: counter] = more.map { min(sum.addingReportingOverflow($0).partialValue, UInt64(Int64.max)) }
        }
    }
}

/// The growth of a counter; nil if it is unknown, or if the counter was cleared.
private func difference(from old: UInt64?, to new: UInt64?) -> UInt64? {
    guard let old, let new, new >= old else { return nil }
    return new - old
}
