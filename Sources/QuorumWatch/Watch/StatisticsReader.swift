// SPDX-License-Identifier: MIT

internal import Corosync
internal import Glibc

/// Reads the statistics map in a separate thread: when corosync notifies of a change of a link, when evidence is due, and
/// at every refresh.
///
/// The statistics are optional: the status waits for them no longer than for the names, and a watch does not wait at all.
final class StatisticsReader: Sendable {
    private struct State: Sendable {
        var links = ConfiguredLinks.awaited
        var schedule = EvidenceSchedule()
    }

    /// The links in the configuration.
    private enum ConfiguredLinks: Hashable, Sendable {
        /// The configuration has not been read yet.
        case awaited
        /// The configuration cannot be read.
        case unknown
        /// All links.
        case known([LinkID])

        var ids: [LinkID]? {
            if case .known(let ids) = self { return ids }
            return nil
        }
    }

    private let reader: MapReader<Statistics>
    private let state = Guarded(State())
    private let stop: StopRequest
    private let distributor: EventDistributor
    /// Whether to track changes.
    private let follows: Bool
    /// Whether to read the counters, not only the links.
    private let readsCounters: Bool
    /// The interval of readings without a notification; nil: none.
    private let refresh: Duration?
    /// Whether to report once that corosync has no links.
    private let reportsNoLinks: Bool

    init(
        stop: StopRequest, follows: Bool, readsCounters: Bool, refresh: Duration?, reportsNoLinks: Bool,
        distributor: EventDistributor
    ) throws(SystemError) {
        reader = try MapReader(of: .statistics, stop: stop, follows: follows) { result in
            switch result {
            case .success(let statistics): distributor.record(.statistics(statistics))
            case .failure(let error):
                distributor.record(.statistics(nil), mayWait: false)
                // Before the first state, the thread that waits for the links reports the error.
                if distributor.reducer(\.hasState) { distributor.diagnose(error.diagnosisOfLinks) }
            }
        }
        self.stop = stop
        self.follows = follows
        self.readsCounters = readsCounters
        self.refresh = refresh
        self.reportsNoLinks = reportsNoLinks
        self.distributor = distributor
    }

    /// Notices when corosync does not answer.
    var watchdog: Watchdog { reader.watchdog }

    /// Requests a new reading.
    func request() { reader.request() }

    /// Waits until the result of the last request is reported. Returns the error if it failed or did not come in time.
    func failure(until deadline: Instant) -> MapFailure? { reader.failure(until: deadline) }

    /// Reports that corosync does not answer.
    func giveUp() { reader.giveUp() }

    /// Sets the configuration, which defines the links; nil if it cannot be read.
    func configure(_ configuration: Configuration?) {
        let links = configuration.map { configuration in
            ConfiguredLinks.known(
                configuration.nodes.flatMap { node in node.links.map { LinkID(node: node.id, number: $0) } })
        }
        let hasChanged = state.withLock { state in
            let old = state.links
            // While the configuration cannot be read, the links that were read before stay valid.
            if let links { state.links = links } else if old == .awaited { state.links = .unknown }
            return state.links != old
        }
        if hasChanged { reader.wake.raise() }
    }

    /// Schedules the evidence for a nodelist.
    func noteNodelist(of ring: RingID, _ members: [NodeID]) {
        state.withLock { $0.schedule.note((ring, members), at: .now) }
        reader.wake.raise()
    }

    /// Reads until the watch ends.
    func run() {
        // The configuration is read first: it defines the links, and only one thread at a time can connect.
        while stop.requested == nil, state.withLock({ $0.links == .awaited }) {
            _ = wait(for: [(stop.descriptor, POLLIN), (reader.wake.descriptor, POLLIN)])
            reader.wake.lower()
        }
        reader.wake.raise()
        var reportsNoLinks = reportsNoLinks
        reader.run { (map: borrowing ConfigurationMap, succeeded: () -> Void) throws(CorosyncError) in
            // The counters of another run of corosync cannot be compared with those of this one.
            defer { state.withLock { $0.schedule.cancel() } }
            try serve(map) { statistics in
                succeeded()
                guard statistics.links == [], reportsNoLinks else { return }
                reportsNoLinks = false
                distributor.diagnose(
                    "--links: corosync has no links, because its transport is not knet; see corosync.conf(5)")
            }
        }
    }

    /// Reads and tracks changes until the watch ends. If changes are not tracked, reads once and returns, so that the
    /// connection is closed while the status is being printed.
    private func serve(
        _ map: borrowing ConfigurationMap, succeeded: (Statistics) -> Void
    ) throws(CorosyncError) {
        if follows {
            try ask { () throws(CorosyncError) in _ = try map.startTracking(Statistics.latestMissKey, for: .modify) }
        }
        var tracked: [LinkID: [ConfigurationMap.Track]] = [:]
        // Nil: outdated.
        var read: ConfiguredLinks?
        var nextRefresh: Instant?
        while true {
            let now = Instant.now
            let (links, due) = state.withLock { ($0.links, $0.schedule.due(at: now)) }
            let isDue = links != read || reader.isAwaited || due != nil || nextRefresh.map { $0 <= now } ?? false
            if isDue {
                let ticket = reader.ticket
                try ask { () throws(CorosyncError) in
                    if follows, links != read { try track(links.ids ?? [], &tracked, on: map) }
                    let statistics = try Statistics(reading: map, links: links.ids, withCounters: readsCounters)
                    // The diagnostic about missing links comes first: a published reading can end a status.
                    succeeded(statistics)
                    reader.publish(.success(statistics), for: ticket)
                }
                read = links
                for nodelist in due?.nodelists ?? [] {
                    distributor.record(.counted(ring: nodelist.ring, members: nodelist.members))
                }
                if due?.isEvidence == true { distributor.record(.evidence) }
                if distributor.reducer(\.hasSchedulingMiss) { state.withLock { $0.schedule.noteMiss(at: now) } }
                nextRefresh = refresh.map { now + $0 }
                guard follows else { return }
            }
            let deadline = [state.withLock { $0.schedule.deadline }, nextRefresh].compactMap { $0 }.min()
            let ready = wait(
                for: [(stop.descriptor, POLLIN), (reader.wake.descriptor, POLLIN), (map.fileDescriptor, POLLIN)],
                until: deadline)
            if ready[0] != 0 { return }
            if ready[1] != 0 { reader.wake.lower() }
            if ready[2] != 0 {
                try map.dispatch(.all) { _ in }
                read = nil
            }
        }
    }

    /// Tracks these links, and no others.
    ///
    /// Each key is tracked separately. For a prefix, corosync notifies only of added and deleted keys, and logs a warning
    /// for each key that is deleted.
    private func track(
        _ links: [LinkID], _ tracked: inout [LinkID: [ConfigurationMap.Track]], on map: borrowing ConfigurationMap
    ) throws(CorosyncError) {
        let wanted = Set(links)
        for (link, tracks) in tracked where !wanted.contains(link) {
            for track in tracks { try map.stopTracking(track) }
            tracked[link] = nil
        }
        for link in links where tracked[link] == nil {
            var tracks: [ConfigurationMap.Track] = []
            for key in link.trackedKeys { tracks.append(try map.startTracking(key, for: .modify)) }
            tracked[link] = tracks
        }
    }

    /// Makes requests, supervised by the watchdog.
    private func ask(_ requests: () throws(CorosyncError) -> Void) throws(CorosyncError) {
        watchdog.begin()
        defer { watchdog.end() }
        try requests()
    }
}
