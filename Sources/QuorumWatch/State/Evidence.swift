// SPDX-License-Identifier: MIT

internal import Corosync

/// A link that failed, recovered, or both.
struct LinkReport: Hashable, Sendable {
    /// The node at the other end.
    var node: NodeReference
    var number: Int
    var isConnected: Bool
    /// How often it failed since the last report; nil if its counter was cleared.
    var downs: UInt64?

    var id: LinkID { LinkID(node: node.id, number: number) }
}

/// The growth of corosync's counters since the last evidence. It coincides with a change, and need not be its cause.
///
/// A count, as in ``TotemCounters``, is nil if it is unknown, or if the counter was cleared meanwhile.
struct EvidenceReport: Hashable, Sendable {
    /// The ring of the nodelist that the evidence follows.
    var ring: RingID?
    var tokenLosses: UInt64?
    var consensusTimeouts: UInt64?
    var retransmits: UInt64?
    /// The number of rings that totem formed, with those that votequorum was not notified of.
    var memberships: UInt64?
    /// The links that failed, by node and number; nil if a counter of a link was cleared.
    var linksDown: [LinkDown]?
    var mtuChanges: [MTUChange] = []
    /// The nodes that are in the rings before and after, and that left in between, by their join count: their corosync
    /// restarted within the token timeout.
    var rejoined: [NodeReference] = []
    /// The nodes whose version of the configuration is not that of the local node.
    var configVersions: [NodeConfigVersion] = []
    /// When corosync was not scheduled, the oldest first.
    var schedulingMisses: [SchedulingMiss]
}

struct LinkDown: Hashable, Sendable {
    /// The node at the other end.
    var node: NodeReference
    var number: Int
    /// How long before the nodelist the failure was noticed, in milliseconds; negative: after it; nil for a failure without a
    /// nodelist.
    var before: Int64?
}

struct MTUChange: Hashable, Sendable {
    /// The node at the other end.
    var node: NodeReference
    var number: Int
    /// The MTU before and after, in bytes.
    var from: UInt32
    var to: UInt32
}

struct NodeConfigVersion: Hashable, Sendable {
    var node: NodeReference
    /// Its `runtime.members.N.config_version`.
    var version: UInt64
}

/// Compares successive readings of the maps, and adds up the differences until evidence is due. Pure.
struct EvidenceCollector: Sendable {
    /// A link that failed or recovered between two readings, and how often it failed.
    typealias LinkChange = (link: Link, downs: UInt64?)

    /// What was counted since the last evidence.
    private struct Counts: Sendable {
        var counters = TotemCounters(tokenLosses: 0, consensusTimeouts: 0, retransmits: 0, memberships: 0)
        /// The links that failed, and when that was noticed; nil if a counter of a link was cleared.
        var linksDown: [LinkID: Instant]? = [:]
        /// The MTU before and after, of the links whose MTU changed.
        var mtus: [LinkID: (from: UInt32, to: UInt32)] = [:]
    }

    /// A nodelist whose evidence is incomplete, and what was counted before it.
    private struct Open: Sendable {
        let ring: RingID
        let members: Set<NodeID>
        let time: Instant
        let counts: Counts
    }

    /// The last statistics of this connection to corosync; nil before the first.
    private(set) var latest: Statistics?
    private var open: Open?
    /// Whether the last nodelist has no evidence yet.
    var isOpen: Bool { open != nil }
    private var counts = Counts()
    /// The members of the ring before, and how often each node had joined a ring then.
    private var before: (members: Set<NodeID>, joinCounts: [NodeID: UInt32]) = ([], [:])
    /// The scheduling misses since the last evidence, the oldest first.
    private(set) var schedulingMisses: [SchedulingMiss] = []
    /// The total scheduling delay of corosync since the start of the watch, in milliseconds.
    private(set) var missed: Int64 = 0

    /// Sets the first statistics of a connection, with which later ones are compared; nil: there are none.
    mutating func begin(with statistics: Statistics?) {
        latest = statistics
        open = nil
        schedulingMisses = []
        counts = Counts()
        before = ([], [:])
    }

    /// Sets the ring and the join counts with which those of the first evidence are compared.
    mutating func begin(withMembers members: [NodeID], _ known: [NodeID: TotemMember]) {
        before = (Set(members), known.compactMapValues(\.joinCount))
    }

    /// Adds later statistics. Returns the links that failed or recovered.
    mutating func add(_ statistics: Statistics, at now: Instant) -> [LinkChange] {
        guard let old = latest else {
            latest = statistics
            return []
        }
        latest = statistics
        counts.counters.add(from: old.counters, to: statistics.counters)
        // The latest come first. Times are not compared, because the clock can be set back.
        let misses = statistics.schedulingMisses.filter { !old.schedulingMisses.contains($0) }
        schedulingMisses += misses.reversed()
        missed = misses.reduce(missed) { $0.addingReportingOverflow(max(0, $1.delay)).partialValue }
        return changes(from: old.links, to: statistics.links, at: now)
    }

    private mutating func changes(from old: [Link]?, to new: [Link]?, at now: Instant) -> [LinkChange] {
        guard var old = old?[...], let new else {
            counts.linksDown = nil
            return []
        }
        var changes: [LinkChange] = []
        for link in new {
            while let first = old.first, first.id < link.id { old.removeFirst() }
            guard let before = old.first, before.id == link.id else { continue }
            var downs = difference(from: before.downs.map(UInt64.init), to: link.downs.map(UInt64.init))
            let isDown = before.isConnected && !link.isConnected
            // Its counter was cleared after that.
            if isDown, downs == 0 { downs = nil }
            if isDown || downs ?? 0 > 0 {
                counts.linksDown?[link.id] = now
            } else if downs == nil {
                counts.linksDown = nil
            }
            if before.isConnected != link.isConnected || downs ?? 0 > 0 { changes.append((link, downs)) }
            if let from = before.mtu, let to = link.mtu, from != to {
                counts.mtus[link.id] = (counts.mtus[link.id]?.from ?? from, to)
            }
        }
        return changes
    }

    /// Assigns what was counted so far to a nodelist of this moment.
    mutating func begin(nodelistOf ring: RingID, members: [NodeID], at now: Instant) {
        open = Open(ring: ring, members: Set(members), time: now, counts: counts)
        counts = Counts()
    }

    /// Returns the evidence for the last nodelist. If that was returned before, returns the evidence for the scheduling
    /// misses since, or nil without any.
    ///
    /// Corosync may notice a failed link after the membership change: failures of links to nodes that are no longer
    /// members belong to the nodelist as well.
    mutating func report(_ known: Knowledge) -> EvidenceReport? {
        guard let nodelist = open.take() else {
            guard !schedulingMisses.isEmpty else { return nil }
            defer { counts = Counts() }
            return report(ring: known.ring, counts, nil, known)
        }
        var total = nodelist.counts
        let late = counts.linksDown?.filter { !nodelist.members.contains($0.key.node) }
        for link in late?.keys ?? [:].keys { counts.linksDown?[link] = nil }
        total.linksDown = total.linksDown.flatMap { before in late.map { before.merging($0) { one, _ in one } } }
        total.mtus.merge(counts.mtus) { ($0.from, $1.to) }
        counts.mtus = [:]
        var report = report(ring: nodelist.ring, total, nodelist.time, known)
        let joinCounts = known.configuration?.members.compactMapValues(\.joinCount) ?? [:]
        report.rejoined = nodelist.members.intersection(before.members).sorted()
            .filter { id in before.joinCounts[id].map { joinCounts[id] ?? $0 > $0 } ?? false }.map(known.reference)
        before = (nodelist.members, joinCounts)
        return report
    }

    private mutating func report(
        ring: RingID?, _ counts: Counts, _ time: Instant?, _ known: Knowledge
    ) -> EvidenceReport {
        defer { schedulingMisses = [] }
        var report = EvidenceReport(
            ring: ring, tokenLosses: counts.counters.tokenLosses, consensusTimeouts: counts.counters.consensusTimeouts,
            retransmits: counts.counters.retransmits, memberships: counts.counters.memberships,
            schedulingMisses: schedulingMisses)
        report.linksDown = counts.linksDown?.sorted { $0.key < $1.key }.map { link, noticed in
            LinkDown(
                node: known.reference(link.node), number: link.number,
                before: time.map { $0.since(noticed).milliseconds - noticed.since($0).milliseconds })
        }
        report.mtuChanges = counts.mtus.sorted { $0.key < $1.key }.filter { $1.from != $1.to }.map { link, mtu in
            MTUChange(node: known.reference(link.node), number: link.number, from: mtu.from, to: mtu.to)
        }
        let members = known.configuration?.members ?? [:]
        if let version = known.configuration?.version {
            report.configVersions = members.keys.sorted().compactMap { id in
                guard id != known.localNode, let other = members[id]?.configVersion, other != version else {
                    return nil
                }
                return NodeConfigVersion(node: known.reference(id), version: other)
            }
        }
        return report
    }
}

extension TotemCounters {
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
