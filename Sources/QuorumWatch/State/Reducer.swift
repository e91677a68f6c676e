// SPDX-License-Identifier: MIT

internal import Corosync

/// Turns notifications and readings into states and events. Pure: it makes no request and has no clock.
///
/// An event contains the new state; the ``ChangeTracker`` of each output computes the changes.
///
/// A membership change consists of a nodelist notification and a later quorum notification. Between the two, votequorum
/// recalculates, and its answers mix old and new values; ``QuorumPhase/isSettled`` is false then.
struct Reducer: Sendable {
    /// The requirements on the cluster, for the problems.
    private let requirements: Requirements
    /// Whether to compute ``Node/quorateIfDown`` for each member.
    private let predictsIfDown: Bool
    /// Whether it is a problem if the statistics cannot be read.
    private let needsStatistics: Bool

    /// Whether what votequorum says is up to date.
    private(set) var phase: QuorumPhase
    private var known = Knowledge()
    private var current = ClusterState()
    private var members: [NodeID] = []
    private var evidence = EvidenceCollector()
    /// The node states of the last reading, if it was rejected because they or the quorum changed without a
    /// notification.
    private var unconfirmed: [VoteQuorum.Notification.ListedNode]?
    /// Whether a reading waits for the statistics: its change may be that of a ring that is not completed.
    private var awaitsStatistics = false
    /// Whether a request to votequorum has not been answered for too long.
    private var isVotequorumSilent = false
    /// The last reading, if it did not count because a map was silent or totem had no membership.
    private var heldBack: Reading?
    /// When a silence of corosync was reported last.
    private var reportedSilence: Instant?
    private var reload: Reload

    /// A reducer without a state.
    init(
        limits: QuorumPhase.Limits = .init(), requirements: Requirements = Requirements(), predictsIfDown: Bool = false,
        needsStatistics: Bool = false, confirmsProblems: Bool = false
    ) {
        phase = QuorumPhase(limits)
        self.requirements = requirements
        self.predictsIfDown = predictsIfDown
        self.needsStatistics = needsStatistics
        reload = Reload(confirmsProblems: confirmsProblems)
    }

    /// Processes an input of this moment. Returns the events that it causes.
    mutating func reduce(_ input: Input, at moment: Moment) -> [Event] {
        let bodies: [Event.Body] =
            switch input {
            case .nodelist(let ring, let members): nodelist(ring: ring, members: members, at: moment.instant)
            case .quorum(let quorate, let nodes, let reading, let snapshot):
                quorum(quorate: quorate, nodes, reading, snapshot, at: moment.instant)
            case .expectedVotes(let votes, let reading): expectedVotes(votes, reading)
            case .reading(let reading): refreshed(reading, at: moment.instant)
            case .configuration(let read): configured(read, at: moment.instant)
            case .members(let members): joined(members, at: moment.instant)
            case .statistics(let statistics): read(statistics, at: moment.instant)
            case .counted(let ring, let members): counted(ring: ring, members: members, at: moment.instant)
            case .evidence: evidenceIsDue() + info { $0.known.joined = [] }
            case .disconnected(let error): disconnected(error)
            case .unresponsive(let silent, let ofMap): isSilent(for: silent, ofMap: ofMap, at: moment.instant)
            case .deadline: deadlineHasPassed(at: moment.instant)
            }
        return bodies.map { event($0, at: moment.time) }
    }

    private func event(_ body: Event.Body, at time: Timestamp) -> Event {
        Event(
            time: time, clusterName: current.clusterName, localNode: current.localNode, localName: current.localName,
            quorate: body.quorate(now: current.quorate), body: body)
    }
}

// MARK: - What is known

extension Reducer {
    /// When ``Input/deadline`` is due; nil: never.
    var deadline: Instant? { phase.deadline(known.configuration) }

    /// When the configuration has to be read again, at the end of a reload; nil: there is no reload.
    var reloadEnd: Instant? { reload.end }

    /// Whether the last reading was rejected, because a node's state or the quorum changed in it, for which a
    /// notification should follow. If none follows and a second reading is the same, that is accepted.
    var wantsSecondReading: Bool { unconfirmed != nil || awaitsStatistics }

    /// The state; nil before the first status, while corosync is not connected or does not answer, and while it is
    /// unknown whether the cluster is quorate.
    var knownState: ClusterState? { phase.hasState && current.quorate != nil ? current : nil }

    /// The state without what votequorum says, if that is outdated, or of another moment of a reload than the rest.
    var validState: ClusterState { phase.isSettled && reload.end == nil ? current : stateWithoutQuorum }

    private var stateWithoutQuorum: ClusterState {
        var known = known
        known.forgetQuorum(phase.unsettledReason)
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
        ClusterState(known, requirements, lacksStatistics: needsStatistics && known.statistics == nil)
    }

    private mutating func assemble() {
        if predictsIfDown { known.predict() }
        var state = state(of: known)
        state.problems = reload.shown(state.problems, told: current.problems)
        current = state
    }
}

// MARK: - Votequorum

extension Reducer {
    private mutating func nodelist(ring: RingID, members: [NodeID], at now: Instant) -> [Event.Body] {
        unconfirmed = nil
        known.ring = ring
        let previous = self.members
        self.members = Set(members).sorted()
        guard phase.hasState else { return [] }
        let joined = self.members.filter { !previous.contains($0) }
        known.joined.formUnion(joined)
        phase.noteNodelist()
        phase.recalculate(since: now)
        current.ring = ring
        return [
            .nodelist(
                NodelistReport(
                    ring: ring, members: self.members.map(known.reference), joined: joined.map(known.reference),
                    left: previous.filter { !self.members.contains($0) }.map(known.reference)))
        ]
    }

    private mutating func quorum(
        quorate: Bool, _ nodes: [VoteQuorum.Notification.ListedNode], _ reading: Reading, _ snapshot: SnapshotState?,
        at now: Instant
    ) -> [Event.Body] {
        let (isFirst, old) = (!phase.hasState, current)
        let snapshot = snapshot ?? (isFirst ? .settled : nil)
        phase.decide()
        (unconfirmed, awaitsStatistics) = (nil, false)
        // The list is not sorted, and may contain duplicates and the quorum device.
        known.listed = Array(byNode: nodes.filter { $0.id != .quorumDevice })
        noteReload(known.reading.map(reading.isReload), at: now)
        take(reading, quorate: quorate)
        if reading.local.flags.contains(.quorate) != quorate { known.areVotesValid = false }
        assemble()
        if snapshot == .settled, known.configuration != nil { reload.noteFirst(current.problems, at: now) }
        if isFirst { evidence.begin(withMembers: members, known.configuration?.members ?? [:]) }
        // If the reading differs from the snapshot, it is newer, and the next notifications are waiting.
        if let snapshot, snapshot == .recalculating || current.isContradictory || !known.areVotesValid {
            phase.recalculate(since: now)
        }
        if phase.isUnsettled || snapshot != nil && !phase.isSettled { forgetQuorum() }
        return isFirst ? [.status(current)] : snapshot == nil ? [.quorum(current)] : infoEvent(since: old)
    }

    private mutating func expectedVotes(_ votes: UInt32, _ reading: Reading?) -> [Event.Body] {
        guard phase.hasState else { return [] }
        if let reading { hold(reading) }
        guard phase.isSettled, let reading else {
            var state = stateWithoutQuorum
            state.votes.expected = votes
            return [.expectedVotes(state)]
        }
        // The votes of the reading, which may be newer: they belong together, and the next notification may wait already.
        take(reading, quorate: reading.local.flags.contains(.quorate))
        assemble()
        return [.expectedVotes(current)]
    }

    private mutating func refreshed(_ reading: Reading, at now: Instant) -> [Event.Body] {
        hold(reading)
        guard phase.isSettled, !awaitsStatistics else { return [] }
        return info { $0.accept(reading, at: now) }
    }

    /// Notes a change that may be that of a reload, unless there is no configuration to compare with.
    private mutating func noteReload(_ isReload: Bool?, at now: Instant) {
        if isReload == true, phase.hasState, known.configuration != nil { reload.noteChange(at: now) }
    }

    private mutating func hold(_ reading: Reading) {
        (heldBack, isVotequorumSilent, reportedSilence) = (reading, false, nil)
    }

    /// Takes a reading without a notification, unless a second one has to confirm it.
    private mutating func accept(_ reading: Reading, at now: Instant) {
        let listed = known.listed(in: reading)
        let quorate = reading.local.flags.contains(.quorate)
        if listed != known.listed || (known.quorate ?? quorate) != quorate, unconfirmed != listed {
            unconfirmed = listed
            awaitsStatistics = known.statistics != nil
            return
        }
        unconfirmed = nil
        known.listed = listed
        noteReload(known.reading.map(reading.isReload), at: now)
        take(reading, quorate: quorate)
    }

    /// Stores a reading. If its node states differ from votequorum's list, the next recalculation had already begun, and
    /// its totals are not consistent with the list.
    private mutating func take(_ reading: Reading, quorate: Bool) {
        // Before the first reading of a connection, the settings have just been read.
        if predictsIfDown, known.reading != nil {
            known.settings.update(after: reading)
        }
        (heldBack, isVotequorumSilent) = (nil, false)
        (known.reading, known.localNode) = (reading, reading.local.id)
        known.quorate = quorate
        known.areVotesValid = known.listed(in: reading) == known.listed
        known.unsettled = nil
    }

    private mutating func disconnected(_ error: CorosyncError) -> [Event.Body] {
        (phase, members) = (QuorumPhase(phase.limits), [])
        (known.reading, known.ring, known.statistics, known.joined) = (nil, nil, nil, [])
        (known.settings, known.unsettled, reload.end) = (VotingSettings(), nil, nil)
        (awaitsStatistics, isVotequorumSilent, heldBack, reportedSilence) = (false, false, nil, nil)
        evidence.begin(with: nil)
        return unknown(.disconnected(error))
    }

    private mutating func isSilent(for silent: Duration, ofMap: Bool, at now: Instant) -> [Event.Body] {
        // While corosync synchronises its services, it answers requests to votequorum only.
        guard !ofMap || !phase.hasState || phase.isSettled else { return [] }
        if ofMap { awaitsStatistics = known.statistics != nil } else { isVotequorumSilent = true }
        // A corosync that is stopped answers neither votequorum's requests nor those of the maps.
        if known.quorate == nil, let last = reportedSilence, now.since(last) < phase.limits.repetition { return [] }
        reportedSilence = now
        return unknown(.unresponsive(silent: silent))
    }

    private mutating func deadlineHasPassed(at now: Instant) -> [Event.Body] {
        guard let (elapsed, reason) = phase.unsettle(at: now, known.configuration) else { return [] }
        known.unsettled = reason
        return unknown(.unsettled(UnsettledReport(ring: known.ring, reason: reason, elapsed: elapsed)))
    }

    /// An event after which it is unknown whether the cluster is quorate.
    private mutating func unknown(_ body: Event.Body) -> [Event.Body] {
        unconfirmed = nil
        known.quorate = nil
        assemble()
        return [body]
    }

    private mutating func forgetQuorum() {
        known.forgetQuorum(phase.unsettledReason)
        assemble()
    }
}

// MARK: - The maps

extension Reducer {
    private mutating func configured(_ read: Configuration?, at begin: Instant) -> [Event.Body] {
        reload.noteReading(isRead: read != nil, since: begin)
        noteReload(known.configuration.flatMap { read?.isReload(of: $0) }, at: begin)
        return info { reducer in
            reducer.known.configuration = read
            let settings = read?.voting ?? VotingSettings()
            reducer.known.settings = settings.keepingList(of: reducer.known.settings)
        }
    }

    private mutating func joined(_ members: [NodeID: TotemMember], at now: Instant) -> [Event.Body] {
        noteReload(known.configuration.map { members.isReload(of: $0.members) }, at: now)
        return info { $0.known.configuration?.members = members }
    }

    private mutating func read(_ statistics: Statistics?, at now: Instant) -> [Event.Body] {
        awaitsStatistics = false
        var changes: [EvidenceCollector.LinkChange] = []
        if let statistics {
            // Before the first state, a reading can still be of a corosync that has ended.
            if phase.hasState { changes = evidence.add(statistics, at: now) } else { evidence.begin(with: statistics) }
        }
        phase.read(statistics?.totem, at: now)
        let old = current
        let links = changes.filter { $0.link.id.node != known.localNode }.map { change in
            Event.Body.link(
                LinkReport(
                    node: known.reference(change.link.id.node), number: change.link.id.number,
                    isConnected: change.link.isConnected, downs: change.downs))
        }
        known.statistics = statistics
        // A map answers again, or the token is back without another ring: no notification and, in some modes, no reading
        // follows.
        if statistics != nil, known.quorate == nil, phase.isSettled, !isVotequorumSilent,
            let reading = heldBack ?? known.reading
        {
            accept(reading, at: now)
        }
        assemble()
        return links + infoEvent(since: old.with(changes.map(\.link)))
    }

    private mutating func counted(ring: RingID, members: [NodeID], at now: Instant) -> [Event.Body] {
        guard phase.hasState, evidence.latest != nil else { return [] }
        phase.noteReadingAfterNodelist(at: now)
        // Complete the evidence of the previous nodelist now.
        let events = evidence.isOpen ? evidenceIsDue() : []
        evidence.begin(nodelistOf: ring, members: members, at: now)
        return events
    }

    private mutating func evidenceIsDue() -> [Event.Body] {
        guard phase.hasState else { return [] }
        return evidence.report(known).map { [.evidence($0)] } ?? []
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
        guard phase.isDecided, current.changes(since: old).contains(where: \.causesEvent) else { return [] }
        return [.info(current)]
    }
}
