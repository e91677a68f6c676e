// SPDX-License-Identifier: MIT

internal import Corosync
internal import DequeModule

/// The facts that a page shows: the state, how long it has lasted, and the latest events. Pure.
struct LiveFacts: Sendable {
    /// The state of the connection to corosync.
    enum Connection: Sendable {
        /// There was no connection yet.
        case starting
        case connected
        /// There is no connection, for this reason.
        case missing(reason: String)
        /// Corosync has not answered since this moment.
        case silent(since: Instant)
        /// What votequorum says has been outdated since this moment.
        case unsettled(UnsettledReason, since: Instant)
    }

    /// The moment at which a state began.
    struct Since: Sendable {
        var instant: Instant
        /// Whether the beginning was observed; if not, the moment is the latest possible one.
        var isExact: Bool
    }

    /// A recalculation of votequorum that has not ended yet.
    struct Recalculation: Sendable {
        var members: Set<NodeID>
        var since: Instant
    }

    /// An event or a diagnostic.
    enum Entry: Sendable {
        case event(EventItem)
        case diagnostic(String, time: Timestamp)
    }

    /// How many entries are kept.
    static let limits = (count: 1000, bytes: 8 << 20)

    private(set) var clusterName: String?
    /// The state; nil while corosync is not connected or does not answer.
    private(set) var state: ClusterState?
    private(set) var connection = Connection.starting
    private(set) var recalculation: Recalculation?
    /// When the cluster became quorate, not quorate, or unknown.
    private(set) var verdictSince: Since
    /// When the state of each node began.
    private(set) var nodesSince: [NodeID: Since] = [:]
    /// The latest entries, the newest last.
    private(set) var entries: Deque<Entry> = []
    /// How many entries were added since the start.
    private(set) var added = 0

    private let kinds: Set<EventKind>
    private var tracker = ChangeTracker()
    private var bytes = 0

    /// Facts at the start of a watch. Events of other kinds than these are not kept as entries.
    init(kinds: Set<EventKind> = Set(EventKind.allCases), at now: Instant) {
        self.kinds = kinds
        verdictSince = Since(instant: now, isExact: true)
    }

    /// Records the events of an input and the state of the reducer after it. Returns whether anything changed.
    mutating func record(_ events: [Event], _ reducer: Reducer, at now: Instant) -> Bool {
        for event in events {
            note(event, at: now)
            guard kinds.contains(event.kind), let item = tracker.item(for: event) else { continue }
            add(.event(item))
        }
        if !reducer.phase.isRecalculating { recalculation = nil }
        let new = reducer.knownState
        guard new != state else { return !events.isEmpty }
        if let old = state, let new, !new.hasChanged(since: old) {
            state = new
            return !events.isEmpty
        }
        noteSince(new, isNewConnection: events.contains { $0.kind == .status }, at: now)
        state = new
        if let new {
            connection = .connected
            clusterName = new.clusterName
        }
        return true
    }

    /// Records that the watch is waiting for corosync, and why.
    mutating func recordWaiting(because reason: String) { connection = .missing(reason: reason) }

    /// Records a diagnostic.
    mutating func record(diagnostic text: String, time: Timestamp) { add(.diagnostic(text, time: time)) }

    private mutating func note(_ event: Event, at now: Instant) {
        switch event.body {
        case .nodelist(let report):
            recalculation = Recalculation(members: Set(report.members.map(\.id)), since: now)
            guard state == nil else { break }
            if case .unsettled = connection { break }
            connection = .unsettled(.recalculation, since: now)
        case .status where event.quorate == nil: connection = .unsettled(.recalculation, since: now)
        case .disconnected(let error): connection = .missing(reason: "\(error.reasonOfLoss) (\(error.code))")
        case .unresponsive(let silent): connection = .silent(since: now.before(silent))
        case .unsettled(let report): connection = .unsettled(report.reason, since: now.before(report.elapsed))
        case .status, .quorum, .expectedVotes, .info, .link, .evidence, .dropped, .prediction: break
        }
    }

    /// Records the beginning of the new states. It is not exact for states found when the connection was made.
    private mutating func noteSince(_ new: ClusterState?, isNewConnection: Bool, at now: Instant) {
        let isContinued = state != nil && !isNewConnection
        if new?.quorate != state?.quorate {
            verdictSince = Since(instant: now, isExact: new == nil || isContinued)
        }
        guard let new else {
            nodesSince = [:]
            return
        }
        var since: [NodeID: Since] = [:]
        for node in new.nodes {
            let isSame = isContinued && state?.node(node.id)?.state == node.state
            since[node.id] = isSame ? nodesSince[node.id] : Since(instant: now, isExact: isContinued)
        }
        nodesSince = since
    }

    private mutating func add(_ entry: Entry) {
        entries.append(entry)
        added += 1
        bytes += entry.footprint
        while entries.count > Self.limits.count || bytes > Self.limits.bytes, let oldest = entries.popFirst() {
            bytes -= oldest.footprint
        }
    }
}

extension LiveFacts.Entry {
    fileprivate var footprint: Int {
        switch self {
        case .event(let item): item.event.footprint + item.changes.count * MemoryLayout<Change>.stride
        case .diagnostic(let text, _): text.utf8.count
        }
    }
}
