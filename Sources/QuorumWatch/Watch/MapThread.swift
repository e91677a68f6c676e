// SPDX-License-Identifier: MIT

internal import Corosync
internal import Glibc

/// The thread that reads both maps, for ``MapFollower``.
final class MapThread {
    private enum Source { case stop, wake, configuration, statistics }

    private let follower: MapFollower
    private let plan: WatchPlan
    private let configuration: MapConnection
    private let statistics: MapConnection
    private var reader: StatisticsReader
    private var nextRefresh: Instant?
    /// When the configuration is read again, at the end of a reload; nil: not.
    private var secondReading: Instant?
    /// The configuration that was read last, with the changes since; nil when it cannot be read.
    private var configured: Configuration?
    /// The version of the configuration file that it was compared with.
    private var fileVersion: [Int]?
    /// Whether totem's counters say that corosync synchronises its services.
    private var isSynchronizing = false
    /// Until when corosync may be synchronising its services although its counters do not say so yet.
    private var mayAnswer: Instant?
    /// The members of the last ring that was completed.
    private var members: Set<NodeID> = []
    /// What the next reading of the statistics is made for.
    private var due: (nodelists: [EvidenceSchedule.Nodelist], isEvidence: Bool) = ([], false)

    private var core: Core { follower.core }

    init(_ follower: MapFollower) {
        self.follower = follower
        plan = follower.plan
        configuration = MapConnection(.configuration, silence: follower.silence)
        statistics = MapConnection(.statistics, silence: follower.silence)
        reader = StatisticsReader(plan)
    }

    /// Answers requests, and reads what changes, until the watch ends.
    func run() {
        var connection = 0
        while follower.stop.requested == nil {
            follower.wake.lower()
            let requests = follower.requests.withLock { $0 }
            if requests.wantsProvider { answer(provider: readProvider()) }
            if requests.isActive {
                if requests.connections != connection { restart() }
                connection = requests.connections
                read(isAwaited: requests.survey.isAwaited)
                answer(requests)
            } else {
                close()
            }
            waitForWork()
        }
        close()
    }

    private func restart() {
        // This thread may not have noticed that votequorum was connected to another run of corosync.
        close()
        configuration.restart()
        statistics.restart()
        reader = StatisticsReader(plan)
    }

    /// Closes the connections. Unless the watch ends, waits for a time until they hang up, as they do when corosync has
    /// died, and the connection to votequorum is lost a moment before. Of a connection that is closed before it hangs up,
    /// libqb leaves the shared memory to the daemon.
    private func close() {
        let deadline = Instant.now + .milliseconds(500)
        for map in [configuration, statistics] {
            if map.descriptor >= 0 {
                let hangUp = Polled(Source.configuration, map.descriptor, events: 0)
                _ = wait(for: [Polled(.stop, follower.stop.descriptor), hangUp], until: deadline)
            }
            map.close()
        }
        due = ([], false)
        (nextRefresh, secondReading) = (nil, nil)
        (isSynchronizing, mayAnswer, members) = (false, nil, [])
    }

    /// Whether nothing is requested for now: while corosync synchronises its services it answers no requests, and a
    /// request that waits keeps this thread from hearing of totem.
    private var isHeld: Bool { isSynchronizing || mayAnswer != nil }

    /// Takes what the thread of votequorum wants to be read.
    private func takeRequests(at now: Instant) {
        follower.requests.withLock { requests in
            if requests.wantsStatistics { statistics.isOutdated = true }
            if requests.configuration.isAwaited { configuration.isOutdated = true }
            requests.wantsStatistics = false
            guard let more = requests.schedule.due(at: now) else { return }
            // A nodelist ends the evidence of the one before.
            due = (due.nodelists + more.nodelists, more.isEvidence || due.isEvidence && more.nodelists.isEmpty)
            guard let last = more.nodelists.last else { return }
            members = Set(last.members)
            isSynchronizing = false
            // Otherwise, the next ring was formed already.
            if members == joined { mayAnswer = nil }
        }
    }

    /// The configured nodes that totem has in its ring.
    private var joined: Set<NodeID> {
        Set((configured?.members ?? [:]).filter { $0.value.isJoined == true }.keys)
    }

    /// Whether the configuration is read, or a failure to read it is reported; true if it is not needed.
    private var isConfigurationDecided: Bool { !plan.needsDetails || configuration.isDecided }

    /// Reads what is outdated.
    private func read(isAwaited: Bool) {
        let now = Instant.now
        takeRequests(at: now)
        if let due = mayAnswer, due <= now { mayAnswer = nil }
        guard isAwaited || !isHeld else { return }
        if let due = nextRefresh, due <= now {
            // Until the next reading succeeds.
            nextRefresh = nil
            statistics.isOutdated = true
            if fileVersion != ConfigurationFile.version { configuration.isOutdated = true }
        }
        if let due = secondReading, due <= now {
            secondReading = nil
            configuration.isOutdated = true
        }
        if plan.needsDetails, configuration.isDue {
            readConfiguration(isAwaited: isAwaited)
            if configuration.isDecided { follower.requests.withLock { $0.isConfigurationDecided = true } }
        }
        if !due.nodelists.isEmpty || due.isEvidence { statistics.isOutdated = true }
        // The configuration defines the links.
        if statistics.isDue, isConfigurationDecided {
            readStatistics(isAwaited: isAwaited)
            if statistics.isDecided { follower.requests.withLock { $0.areStatisticsDecided = true } }
        }
    }

    /// Passes an input to the core.
    @discardableResult
    private func record(_ input: Reducer.Input, at moment: Moment? = nil) -> Core.Next {
        let next = core.record(input, at: moment)
        // If it has passed, the configuration is outdated already.
        if let end = next.reloadEnd, end > .now { readAgain(after: end) }
        return next
    }

    /// Schedules a reading at the end of a reload, after that of the votes, which the other thread makes at the end.
    private func readAgain(after end: Instant) { secondReading = end + .milliseconds(100) }

    /// Waits until there is something to read or to answer.
    private func waitForWork() {
        let requests = follower.requests.withLock { $0 }
        // The statistics are read only after the configuration.
        let maps = isConfigurationDecided ? [configuration, statistics] : [configuration]
        let readings =
            maps.map { $0.isOutdated ? $0.nextAttempt : nil } + [
                requests.schedule.deadline, nextRefresh, secondReading,
            ]
        let deadline = isHeld && !requests.survey.isAwaited ? mayAnswer : readings.compactMap { $0 }.min()
        let ready = wait(
            for: [
                Polled(Source.stop, follower.stop.descriptor), Polled(.wake, follower.wake.descriptor),
                Polled(.configuration, configuration.descriptor), Polled(.statistics, statistics.descriptor),
            ],
            until: requests.isActive ? deadline : nil)
        if ready.contains(.configuration) { dispatchConfiguration() }
        if ready.contains(.statistics) {
            statistics.isOutdated = true
            statistics.use { open throws(CorosyncError) in
                guard let changed = try reader.dispatch(open.map) else { return }
                isSynchronizing = record(.statistics(changed)).phase.isSynchronizing
            }
        }
    }
}

// MARK: - The configuration

extension MapThread {
    private func readConfiguration(isAwaited: Bool) {
        let begin = Moment.now
        let failure = configuration.use(isAwaited: isAwaited) { open throws(CorosyncError) in
            if plan.follows, open.tracks.isEmpty { try track(open) }
            fileVersion = ConfigurationFile.version
            let read = try Configuration(
                reading: open.map, withVoting: plan.predictsIfDown, withMembers: plan.follows)
            configuration.isOutdated = false
            configure(read, since: begin)
        }
        guard let failure else { return }
        // First the diagnosis, because a status ends the watch.
        core.diagnose(failure.diagnosisOfConfiguration)
        configure(nil, since: begin)
    }

    private func configure(_ read: Configuration?, since begin: Moment) {
        configured = read
        let haveLinksChanged = reader.configure(read)
        let next = record(.configuration(read), at: begin)
        // Also if it has passed while the configuration was read.
        if let end = next.reloadEnd { readAgain(after: end) }
        // After a silence of this map, the statistics have to confirm what votequorum said.
        if haveLinksChanged || next.wantsSecondReading { statistics.isOutdated = true }
    }

    private func track(_ open: MapConnection.Open) throws(CorosyncError) {
        // Do not track all of "quorum.": votequorum resets quorum.cancel_wait_for_all in its own track callback, and
        // corosync crashes if another callback for the key has to be called after that one.
        for prefix in ["nodelist.", "quorum.device.", Configuration.membersPrefix] {
            open.tracks[prefix] = try open.map.startTracking(prefix, for: [.add, .modify, .delete, .prefix])
        }
        let keys = ["quorum.expected_votes", "totem.cluster_name", "totem.config_version", Configuration.barrierKey]
        for key in keys {
            open.tracks[key] = try open.map.startTracking(key, for: [.add, .modify, .delete])
        }
    }

    /// Corosync replaces its configuration as a whole: at the first notification, all of it can be read. What totem knows
    /// of the nodes changes while corosync synchronises its services, and is taken from the notifications.
    private func dispatchConfiguration() {
        let before = configured
        configuration.use { open throws(CorosyncError) in
            try open.map.dispatch(.all) { change in
                if configured?.update(change) != true { configuration.isOutdated = true }
            }
        }
        guard let configured, configured.members != before?.members else { return }
        record(.members(configured.members))
        let isNewRing = configured.members.mapValues(\.isJoined) != before?.members.mapValues(\.isJoined)
        // The counters follow within 1.5 s.
        if isNewRing, joined != members { mayAnswer = .now + .seconds(2) }
    }

    private func readProvider() -> QuorumProvider {
        follower.silence.requestBegins()
        defer { follower.silence.requestEnds() }
        do throws(CorosyncError) {
            let provider = try retrying { () throws(CorosyncError) in
                try ConfigurationMap().read("quorum.provider", as: String.self)
            }
            return provider.map(QuorumProvider.named) ?? .notSet
        } catch {
            return !error.isTransient && error.operation == .cmapInitialize ? .noConnection : .unknown
        }
    }

    private func retrying<Answer>(
        _ request: () throws(CorosyncError) -> Answer
    ) throws(CorosyncError) -> Answer {
        try follower.stop.retrying(until: .now + MapConnection.patience, request)
    }

    private func answer(provider: QuorumProvider) {
        follower.requests.withLock { ($0.wantsProvider, $0.provider) = (false, provider) }
    }
}

// MARK: - The statistics

extension MapThread {
    private func readStatistics(isAwaited: Bool) {
        let failure = statistics.use(isAwaited: isAwaited, lasting: configuration.reported) {
            open throws(CorosyncError) in
            var read = try reader.read(open)
            // At the first reading, corosync's last look at the token may be older than its last ring. Its next look is
            // awaited if the state is shown in any case.
            let nextLook = Instant.now + .milliseconds(1600)
            while isAwaited, !plan.printsOnce, read.totem.lacksToken, .now < nextLook,
                !follower.stop.wait(until: .now + .milliseconds(100))
            {
                read = try reader.read(open)
            }
            statistics.isOutdated = false
            // A frozen corosync can have blocked the reading for a long time.
            let now = Instant.now
            nextRefresh = plan.refresh.map { now + $0 }
            var next = record(.statistics(read))
            for nodelist in due.nodelists {
                next = record(.counted(ring: nodelist.ring, members: nodelist.members))
            }
            if due.isEvidence { next = record(.evidence) }
            isSynchronizing = plan.follows && next.phase.isSynchronizing
            due = ([], false)
            // A status waits until totem has a membership; a watch tracks all but the age of the token.
            if next.phase.isTotemPending, !plan.follows { nextRefresh = now + .milliseconds(200) }
            if read.totem.lacksToken, plan.follows { nextRefresh = now + .seconds(1) }
            if next.hasSchedulingMiss { follower.requests.withLock { $0.schedule.noteMiss(at: now) } }
        }
        guard let failure else { return }
        // One diagnosis for both maps.
        if failure != configuration.reported { core.diagnose(failure.diagnosisOfStatistics) }
        record(.statistics(nil))
    }

    /// Answers the requests once the configuration is read, or failed to be; one for a survey only when both maps are.
    private func answer(_ requests: MapFollower.Requests) {
        if requests.configuration.isAwaited, isConfigurationDecided {
            follower.requests.withLock { $0.configuration.answered = requests.configuration.wanted }
        }
        guard requests.survey.isAwaited, isConfigurationDecided, statistics.isDecided else { return }
        var isSynchronizing = false
        let isComplete = !(plan.needsDetails && configuration.isOutdated) && !statistics.isOutdated
        if requests.includesSynchronization, isComplete {
            statistics.use { open throws(CorosyncError) in
                isSynchronizing = try retrying { () throws(CorosyncError) in try open.map.isSynchronizing() }
            }
        }
        follower.requests.withLock {
            ($0.survey.answered, $0.isSynchronizing) = (requests.survey.wanted, isSynchronizing)
        }
    }
}

extension ConfigurationMap {
    /// Whether corosync is synchronising its services after a change of the ring. Votequorum waits for the quorum
    /// devices in this phase, and a client that connects during it gets a snapshot with the old flags and the old vote
    /// of the device.
    ///
    /// In this phase, flow control is on for all connections that existed before it, except those to votequorum
    /// (`stats.ipcs` in cmap_keys(8)). corosync-qdevice(8) has such a connection.
    fileprivate borrowing func isSynchronizing() throws(CorosyncError) -> Bool {
        var isHeld = false
        var isOverloaded = false
        for key in try keys(withPrefix: "stats.ipcs.service") where key.name.hasSuffix(".flow_control") {
            guard try read(key.name, as: UInt32.self) == 2 else { continue }
            // Flow control of votequorum's own connections means that corosync's message queue is full.
            if key.name.hasPrefix("stats.ipcs.service5.") { isOverloaded = true } else { isHeld = true }
        }
        return isHeld && !isOverloaded
    }
}
