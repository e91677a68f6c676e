// SPDX-License-Identifier: MIT

internal import Corosync

/// Turns notifications and readings into states and events. Pure: it makes no request and has no clock.
///
/// An event contains the new state; the ``ChangeTracker`` of each output computes the changes.
///
/// A membership change consists of a nodelist notification and a later quorum notification. Between the two, votequorum
/// recalculates, and its answers mix old and new values; ``isSettled`` is false then.
struct Reducer: Sendable {
    /// A notification, a reading, or a change of the connection.
    enum Input: Hashable, Sendable {
        /// A nodelist notification.
        case nodelist(ring: RingID, members: [NodeID])
        /// A quorum notification, and the reading made in its callback. The first of a connection is a snapshot, which
        /// may have been taken during a recalculation.
        case quorum(
            quorate: Bool, nodes: [VoteQuorum.Notification.ListedNode], Reading, isRecalculating: Bool = false)
        /// An expected-votes notification, and the reading made in its callback; nil if ``Reducer/isSettled`` is false.
        case expectedVotes(UInt32, Reading?)
        /// A reading without a notification.
        case reading(Reading)
        /// The configuration that was read; nil when it cannot be read.
        case configuration(Configuration?)
        /// The changed values of `runtime.members` in the configuration map.
        case members([NodeID: TotemMember])
        /// A reading of the statistics map; nil: it cannot be read.
        case statistics(Statistics?)
        /// The last reading of the statistics map was made immediately after this nodelist.
        case counted(ring: RingID, members: [NodeID])
        /// Evidence for a nodelist or a scheduling miss is due.
        case evidence
        /// The connection is lost.
        case disconnected(CorosyncError)
        /// A request has not been answered for this long; `ofMap`: a request to a map.
        case unresponsive(silent: Duration, ofMap: Bool = false)
        /// The ``Reducer/deadline`` has passed.
        case deadline
    }

    /// How long what votequorum says may be outdated before that is an event.
    struct Limits: Hashable, Sendable {
        /// For how long votequorum waits for a quorum device in a recalculation, if the configuration does not say.
        var syncTimeout = Duration.seconds(30)
        /// The consensus timeout of totem, if the configuration does not say.
        var consensus = Duration.milliseconds(3600)
        /// The time allowed after these timeouts.
        var grace = Duration.seconds(5)
        /// The time between two events about the same state.
        var repetition = Duration.seconds(60)
    }

    private enum Phase {
        /// The connection has no state yet.
        case starting
        /// The last notification ended a recalculation.
        case settled
        /// A nodelist notification came, and the quorum notification that ends the recalculation has not come yet.
        case recalculating(since: Instant)
        /// What votequorum says has been outdated for too long, so whether the cluster is quorate is unknown.
        case unsettled(since: Instant, reported: Instant)
    }

    private let limits: Limits
    private let requirements: Requirements
    private let predictsIfDown: Bool
    private let needsStatistics: Bool

    private var phase = Phase.starting
    private var known = Knowledge()
    private var current = ClusterState()
    private var members: [NodeID] = []
    private var totem = TotemTracker()
    private var evidence = EvidenceCollector()
    /// The node states of the last reading, if it was rejected because they or the quorum changed without a
    /// notification.
    private var unconfirmed: [VoteQuorum.Notification.ListedNode]?
    /// Whether a reading says nothing until the statistics are read: without them, a change without a notification may be
    /// that of a ring that is not completed.
    private var awaitsStatistics = false
    /// When a silence of corosync was reported last.
    private var reportedSilence: Instant?

    /// A reducer without a state.
    ///
    /// - Parameters:
    ///   - limits: How long what votequorum says may be outdated.
    ///   - requirements: The requirements on the cluster, for the problems.
    ///   - predictsIfDown: Whether to compute ``Node/quorateIfDown`` for each member.
    ///   - needsStatistics: Whether it is a problem if the statistics cannot be read.
    init(
        limits: Limits = Limits(), requirements: Requirements = Requirements(), predictsIfDown: Bool = false,
        needsStatistics: Bool = false
    ) {
        self.limits = limits
        self.requirements = requirements
        self.predictsIfDown = predictsIfDown
        self.needsStatistics = needsStatistics
    }

    /// Processes an input of this moment. Returns the events that it causes.
    mutating func reduce(_ input: Input, at moment: Moment) -> [Event] {
        let bodies: [Event.Body] =
            switch input {
            case .nodelist(let ring, let members): nodelist(ring: ring, members: members, at: moment.instant)
            case .quorum(let quorate, let nodes, let reading, let isRecalculating):
                quorum(quorate: quorate, nodes, reading, isRecalculating: isRecalculating, at: moment.instant)
            case .expectedVotes(let votes, let reading): expectedVotes(votes, reading)
            case .reading(let reading): refreshed(reading)
            case .configuration(let configuration): configured(configuration)
            case .members(let members): info { $0.known.configuration?.members = members }
            case .statistics(let statistics): read(statistics, at: moment.instant)
            case .counted(let ring, let members): counted(ring: ring, members: members, at: moment.instant)
            case .evidence: evidenceIsDue()
            case .disconnected(let error): disconnected(error)
            case .unresponsive(let silent, let ofMap): isSilent(for: silent, ofMap: ofMap, at: moment.instant)
            case .deadline: deadlineHasPassed(at: moment.instant)
            }
        return bodies.map { event($0, at: moment.time) }
    }

    private func event(_ body: Event.Body, at time: Timestamp) -> Event {
        Event(
            time: time, clusterName: current.clusterName, localNode: current.localNode, localName: current.localName,
            quorate: quorate(in: body), body: body)
    }

    /// Whether the cluster is quorate during an event; nil when that is not known.
    private func quorate(in body: Event.Body) -> Bool? {
        switch body {
        case .status(let state), .quorum(let state), .expectedVotes(let state), .info(let state): state.quorate
        case .link, .evidence, .dropped: current.quorate
        case .nodelist, .disconnected, .unsettled, .unresponsive, .prediction: nil
        }
    }
}

// MARK: - What is known

extension Reducer {
    /// Whether the connection has a state.
    var hasState: Bool {
        if case .starting = phase { return false }
        return true
    }

    /// Whether votequorum's answers are consistent and up to date: it does not recalculate, and totem has a membership.
    var isSettled: Bool {
        guard case .settled = phase else { return false }
        return !isTotemPending
    }

    /// Whether totem has no membership that was completed.
    var isTotemPending: Bool { totem.pendingSince != nil }

    /// Whether corosync synchronises its services after a change of the ring, as far as totem's counters tell.
    var isSynchronizing: Bool { totem.isSynchronizing }

    /// Whether votequorum recalculates.
    var isRecalculating: Bool {
        switch phase {
        case .starting, .settled: false
        case .recalculating, .unsettled: true
        }
    }

    /// Whether what votequorum says has been outdated for too long.
    var isUnsettled: Bool {
        if case .unsettled = phase { return true }
        return false
    }

    /// Why what votequorum says is outdated; nil when it is not.
    var unsettledReason: UnsettledReason? {
        if isTotemPending { return totem.isNetworkBlocked ? .network : .membership }
        return isRecalculating ? .recalculation : nil
    }

    /// When ``Input/deadline`` is due; nil: never.
    var deadline: Instant? {
        switch phase {
        case .starting: return nil
        case .unsettled(_, let reported): return reported + limits.repetition
        case .recalculating(let since):
            let timeout = known.configuration?.device?.syncTimeout ?? limits.syncTimeout
            return [since + timeout + limits.grace, membershipDeadline].compactMap { $0 }.min()
        case .settled: return membershipDeadline
        }
    }

    private var membershipDeadline: Instant? {
        totem.pendingSince.map { $0 + (known.configuration?.consensus ?? limits.consensus) + limits.grace }
    }

    /// Whether the last reading was rejected, because a node's state or the quorum changed in it, for which a
    /// notification should follow. If none follows and a second reading is the same, that is accepted.
    var wantsSecondReading: Bool { unconfirmed != nil || awaitsStatistics }

    /// The state; nil before the first status, while corosync is not connected or does not answer, and while it is
    /// unknown whether the cluster is quorate.
    var knownState: ClusterState? { hasState && current.quorate != nil ? current : nil }

    /// The state without what is outdated, if what votequorum says is.
    var validState: ClusterState { isSettled ? current : stateWithoutQuorum }

    private var stateWithoutQuorum: ClusterState {
        var known = known
        known.quorate = nil
        known.areVotesValid = false
        known.unsettled = unsettledReason
        known.predict()
        return state(of: known)
    }

    /// The input of votequorum's next decision; nil while parts of it are unknown.
    var voting: VotingSnapshot? { known.voting }

    /// The configuration; nil while it is not known.
    var configuration: Configuration? { known.configuration }

    /// The IDs of the configured nodes.
    var configuredNodes: [NodeID] { known.configuration?.nodes.map(\.id) ?? [] }

    /// The IDs of all nodes that votequorum knows, with the local node.
    var knownNodes: [NodeID] { known.listed.map(\.id) }

    /// Whether there are scheduling misses that no evidence event contained yet.
    var hasSchedulingMiss: Bool { !evidence.schedulingMisses.isEmpty }

    /// The total scheduling delay of corosync since the start of the watch, in milliseconds; nil if it is not read.
    var missedMilliseconds: Int64? { evidence.latest.map { _ in evidence.missed } }

    private func state(of known: Knowledge) -> ClusterState {
        ClusterState(
            known, requirements, lacksStatistics: needsStatistics && known.statistics == nil)
    }

    private mutating func assemble() {
        if predictsIfDown { known.predict() }
        current = state(of: known)
    }
}

// MARK: - Votequorum

extension Reducer {
    private mutating func nodelist(ring: RingID, members: [NodeID], at now: Instant) -> [Event.Body] {
        unconfirmed = nil
        known.ring = ring
        let previous = self.members
        self.members = Set(members).sorted()
        guard hasState else { return [] }
        totem.noteNodelist()
        if case .settled = phase { phase = .recalculating(since: now) }
        assemble()
        return [
            .nodelist(
                NodelistReport(
                    ring: ring, members: self.members.map(known.reference),
                    joined: self.members.filter { !previous.contains($0) }.map(known.reference),
                    left: previous.filter { !self.members.contains($0) }.map(known.reference)))
        ]
    }

    private mutating func quorum(
        quorate: Bool, _ nodes: [VoteQuorum.Notification.ListedNode], _ reading: Reading, isRecalculating: Bool,
        at now: Instant
    ) -> [Event.Body] {
        let isFirst = !hasState
        phase = .settled
        (unconfirmed, awaitsStatistics) = (nil, false)
        // The list is not sorted, and may contain duplicates and the quorum device.
        known.listed = Array(byNode: nodes.reversed().filter { $0.id != .quorumDevice })
        known.unsettled = nil
        take(reading, quorate: quorate)
        if reading.local.flags.contains(.quorate) != quorate { known.areVotesValid = false }
        assemble()
        if isFirst { evidence.begin(withMembers: members, known.configuration?.members ?? [:]) }
        if isFirst, isRecalculating || isTotemPending || isOutdated {
            if isRecalculating || !isTotemPending { phase = .recalculating(since: now) }
            forgetQuorum()
        }
        return [isFirst ? .status(current) : .quorum(current)]
    }

    /// Whether the first snapshot was taken during a recalculation: the votes are new, and the quorate flag is old.
    /// Without auto_tie_breaker and master-wins, a cluster with a negative margin cannot be quorate.
    private var isOutdated: Bool {
        guard current.quorate == true, let margin = current.votes.margin, margin < 0 else { return false }
        return current.flags?.contains(.autoTieBreaker) != true
            && !current.nodes.contains { $0.isMember && $0.device?.masterWins == true }
    }

    private mutating func expectedVotes(_ votes: UInt32, _ reading: Reading?) -> [Event.Body] {
        guard hasState else { return [] }
        guard isSettled, let reading else {
            var state = stateWithoutQuorum
            state.votes.expected = votes
            return [.expectedVotes(state)]
        }
        take(reading, quorate: reading.local.flags.contains(.quorate))
        assemble()
        current.votes.expected = votes
        return [.expectedVotes(current)]
    }

    private mutating func refreshed(_ reading: Reading) -> [Event.Body] {
        guard isSettled, !awaitsStatistics else { return [] }
        let listed = known.listed(in: reading)
        let quorate = reading.local.flags.contains(.quorate)
        if listed != known.listed || (known.quorate ?? quorate) != quorate, unconfirmed != listed {
            unconfirmed = listed
            awaitsStatistics = known.statistics != nil
            return []
        }
        unconfirmed = nil
        known.listed = listed
        return info { $0.take(reading, quorate: quorate) }
    }

    /// Stores a reading. If its node states differ from votequorum's list, the next recalculation had already begun, and
    /// its totals are not consistent with the list.
    private mutating func take(_ reading: Reading, quorate: Bool) {
        // Before the first reading of a connection, the settings have just been read.
        if predictsIfDown, known.reading != nil {
            known.settings.update(after: VotingSnapshot(reading, settings: known.settings))
        }
        known.reading = reading
        known.quorate = quorate
        known.areVotesValid = known.listed(in: reading) == known.listed
    }

    private mutating func disconnected(_ error: CorosyncError) -> [Event.Body] {
        phase = .starting
        members = []
        (known.reading, known.ring, known.statistics, known.unsettled) = (nil, nil, nil, nil)
        known.settings = VotingSettings()
        totem = TotemTracker()
        (awaitsStatistics, reportedSilence) = (false, nil)
        evidence.begin(with: nil)
        return unknown(.disconnected(error))
    }

    private mutating func isSilent(for silent: Duration, ofMap: Bool, at now: Instant) -> [Event.Body] {
        // While corosync synchronises its services, it answers requests to votequorum only.
        guard !ofMap || !hasState || isSettled else { return [] }
        if ofMap { awaitsStatistics = known.statistics != nil }
        // A corosync that is stopped answers neither votequorum's requests nor those of the maps.
        if known.quorate == nil, let last = reportedSilence, now.since(last) < limits.repetition { return [] }
        reportedSilence = now
        return unknown(.unresponsive(silent: silent))
    }

    private mutating func deadlineHasPassed(at now: Instant) -> [Event.Body] {
        guard let deadline, deadline <= now, let reason = unsettledReason else { return [] }
        var since = totem.pendingSince ?? now
        switch phase {
        case .recalculating(let begin), .unsettled(let begin, _): since = min(since, begin)
        case .starting, .settled: break
        }
        phase = .unsettled(since: since, reported: now)
        known.unsettled = reason
        return unknown(.unsettled(UnsettledReport(ring: known.ring, reason: reason, elapsed: now.since(since))))
    }

    /// An event after which it is unknown whether the cluster is quorate.
    private mutating func unknown(_ body: Event.Body) -> [Event.Body] {
        unconfirmed = nil
        known.quorate = nil
        assemble()
        return [body]
    }

    /// Clears what a recalculation in progress will change.
    private mutating func forgetQuorum() {
        known.quorate = nil
        known.areVotesValid = false
        known.unsettled = unsettledReason
        assemble()
    }
}

// MARK: - The maps

extension Reducer {
    private mutating func configured(_ configuration: Configuration?) -> [Event.Body] {
        info { reducer in
            reducer.known.configuration = configuration
            let settings = configuration?.voting ?? VotingSettings()
            reducer.known.settings = settings.keepingList(of: reducer.known.settings)
        }
    }

    private mutating func read(_ statistics: Statistics?, at now: Instant) -> [Event.Body] {
        awaitsStatistics = false
        var changes: [EvidenceCollector.LinkChange] = []
        if let statistics {
            // Before the first state, a reading can still be of a corosync that has ended.
            if hasState {
                changes = evidence.add(statistics, at: now)
            } else {
                evidence.begin(with: statistics)
                totem = TotemTracker()
            }
        }
        totem.read(statistics?.totem, at: now)
        var links: [Event.Body] = []
        let old = current
        if hasState {
            links = changes.filter { $0.link.id.node != current.localNode }.map { change in
                .link(
                    LinkReport(
                        node: known.reference(change.link.id.node), number: change.link.id.number,
                        isConnected: change.link.isConnected, downs: change.downs))
            }
        }
        known.statistics = statistics
        assemble()
        return links + infoEvent(since: old.with(changes.map(\.link), problems: current.problems))
    }

    private mutating func counted(ring: RingID, members: [NodeID], at now: Instant) -> [Event.Body] {
        guard hasState, evidence.latest != nil else { return [] }
        totem.noteReadingAfterNodelist(at: now)
        // Complete the evidence of the previous nodelist now.
        let events = evidence.isOpen ? evidenceIsDue() : []
        evidence.begin(nodelistOf: ring, members: members, at: now)
        return events
    }

    private mutating func evidenceIsDue() -> [Event.Body] {
        guard hasState else { return [] }
        return evidence.report(known, localNode: current.localNode).map { [.evidence($0)] } ?? []
    }

    /// Makes a change that no notification tells of. Returns an `info` event if the state is different after it.
    private mutating func info(_ change: (inout Reducer) -> Void) -> [Event.Body] {
        let old = current
        change(&self)
        assemble()
        return infoEvent(since: old)
    }

    /// An `info` event if the state has changed. During a recalculation, the state that ends it contains the change.
    private func infoEvent(since old: ClusterState) -> [Event.Body] {
        guard case .settled = phase, current.changes(since: old).contains(where: \.causesEvent) else { return [] }
        return [.info(current)]
    }
}

extension ClusterState {
    /// The same state with these links connected or not, of which `link` events tell, and with the new problems if they
    /// differ in failed links alone.
    fileprivate func with(_ changed: [Link], problems new: [Problem]) -> ClusterState {
        var state = self
        if !changed.isEmpty, problems.subjects(except: .linkDown) == new.subjects(except: .linkDown) {
            state.problems = new
        }
        for link in changed {
            guard let index = state.links?.firstIndex(where: { $0.id == link.id }) else { continue }
            state.links?[index].isConnected = link.isConnected
        }
        return state
    }
}
