// SPDX-License-Identifier: MIT

internal import Corosync

/// Follows votequorum in one thread: connects, dispatches notifications, reads votes, and reconnects.
final class QuorumFollower: Sendable {
    private enum Source { case stop, votequorum }

    /// The time until the second reading of a change without a notification. A ring that is not completed changes the
    /// states of nodes too, and corosync looks only every 1.5 s whether it has to notify of totem's counters.
    private static let confirmation = Duration.seconds(2)

    private let plan: WatchPlan
    private let core: Core
    private let maps: MapFollower
    private let stop: StopRequest
    /// Detects that corosync does not answer.
    let silence: SilenceTimer
    /// The interrupter of the connection; nil while there is none.
    private let connection = Guarded<Interrupter?>(nil)

    init(plan: WatchPlan, core: Core, maps: MapFollower, stop: StopRequest) throws(SystemError) {
        self.plan = plan
        self.core = core
        self.maps = maps
        self.stop = stop
        silence = try SilenceTimer()
    }

    /// Whether there is a connection.
    var isConnected: Bool { connection.withLock { $0 != nil } }

    /// Interrupts a dispatch that blocks. To be called from another thread, after the end was requested.
    func hangUp() { connection.withLock { $0 }?.interrupt() }

    /// Follows until the watch ends.
    func run() {
        var attempts = ConnectionAttempts()
        while stop.requested == nil {
            guard let failure = connectAndFollow(), stop.requested == nil else { return }
            let error = failure.error
            if failure.lifetime == nil, error.isTransient {
                if plan.follows, attempts.areLongBusy {
                    core.recordWaiting(because: diagnosis(ofConnecting: error), "trying again")
                }
                _ = stop.wait(until: .now + attempts.pauseWhileBusy())
                continue
            }
            guard plan.reconnects else {
                let diagnosis = failure.lifetime == nil ? diagnosis(ofConnecting: error) : error.diagnosisOfLoss
                if stop.requested == nil { stop.request(.failed(diagnosis)) }
                return
            }
            if let lifetime = failure.lifetime {
                if attempts.noteLoss(after: lifetime) { core.diagnose(error.diagnosisOfRepeatedLoss) }
            } else if attempts.isNews(error) {
                core.recordWaiting(because: diagnosis(ofConnecting: error), "waiting for it")
            }
            _ = stop.wait(until: .now + attempts.pause(after: error))
        }
    }

    /// Connects, and follows until the connection fails or the watch ends. Returns the failure; nil if the watch ended.
    /// Its lifetime is nil if there was no state yet: that counts as a failure to connect.
    private func connectAndFollow() -> (error: CorosyncError, lifetime: Duration?)? {
        defer { silence.requestEnds() }
        do throws(CorosyncError) {
            silence.requestBegins()
            let quorum = try VoteQuorum()
            let start = Instant.now
            let interrupter = quorum.interrupter
            connection.withLock { $0 = interrupter }
            var progress = Progress()
            do throws(CorosyncError) {
                defer { connection.withLock { $0 = nil } }
                try request { () throws(CorosyncError) in try quorum.startTracking(.changes) }
                // Only now: a membership that totem forms after the first reading of its state has to be notified of.
                maps.activate()
                try plan.follows ? follow(quorum, &progress) : readOnce(quorum, &progress)
                return nil
            } catch {
                silence.requestEnds()
                maps.deactivate()
                if progress.hasState, plan.follows, stop.requested == nil { core.record(.disconnected(error)) }
                return (error, progress.hasState ? Instant.now.since(start) : nil)
            }
        } catch {
            return (error, nil)
        }
    }

    /// Why a connection cannot be made, and what to do.
    private func diagnosis(ofConnecting error: CorosyncError) -> String {
        // The library returns the same error if corosync does not run and if it runs without votequorum.
        let isAmbiguous =
            error.code == .libraryFailure && error.operation == .votequorumInitialize && !error.lacksDescriptors
        return error.diagnosisOfConnecting(isAmbiguous ? maps.provider() : nil)
    }
}

// MARK: - Dispatching

extension QuorumFollower {
    /// What the thread knows of its connection.
    private struct Progress {
        /// Whether the connection has a state.
        var hasState = false
        /// The result of the last input.
        var next: Core.Next?
        /// How many events the outputs have been given.
        var shown = 0
        /// The snapshot, if the maps have not answered since and no notification has replaced it.
        var lateSnapshot: QuorumSnapshot?
        /// The nodelists since the last quorum notification.
        var nodelists: [EvidenceSchedule.Nodelist] = []
        /// The end of the last reload at which the votes were read again.
        var lastReload: Instant?
        /// When the votes have to be read again, at the end of a reload; nil: not.
        var reloadEnd: Instant? { next?.reloadEnd == lastReload ? nil : next?.reloadEnd }
    }

    /// The quorum notification with which a connection begins.
    private typealias QuorumSnapshot = (quorate: Bool, nodes: [VoteQuorum.Notification.ListedNode])

    /// Reads the status once, in the mode of the plan.
    private func readOnce(_ quorum: borrowing VoteQuorum, _ progress: inout Progress) throws(CorosyncError) {
        var backoff = Backoff.asking
        while stop.requested == nil {
            silence.requestEnds()
            do throws(CorosyncError) {
                try dispatch(quorum, &progress)
                if progress.shown > 0 { return }
                backoff = .asking
            } catch  where plan.mode == .oneNonblocking && error.isNothingPending && progress.next?.reloadEnd == nil {
                return stop.request(.nothingPending)
            } catch  where error.isTransient {
                _ = stop.wait(until: .now + backoff.pause())
            }
            try readAfterReload(quorum, &progress)
            guard plan.mode == .all else { continue }
            silence.requestEnds()
            if waitForNotification(quorum, until: progress.reloadEnd).contains(.stop) { return }
        }
    }

    /// Follows until the watch ends or the connection is lost.
    private func follow(_ quorum: borrowing VoteQuorum, _ progress: inout Progress) throws(CorosyncError) {
        var backoff = Backoff.asking
        var nextReading = plan.refresh.map { Instant.now + $0 }
        while stop.requested == nil {
            silence.requestEnds()
            var isReadable = true
            if !plan.mode.waitsItself {
                let nextLook = progress.lateSnapshot.map { _ in Instant.now + .milliseconds(200) }
                let deadlines = [nextReading, nextLook, progress.reloadEnd]
                let ready = waitForNotification(quorum, until: deadlines.compactMap { $0 }.min())
                if ready.contains(.stop) { return }
                isReadable = ready.contains(.votequorum)
            }
            if isReadable {
                do throws(CorosyncError) {
                    try dispatch(quorum, &progress)
                    backoff = .asking
                } catch  where error.isTransient {
                    // The descriptor stays readable: without a pause this would be a busy loop.
                    _ = stop.wait(until: .now + backoff.pause())
                }
            }
            if progress.lateSnapshot != nil {
                // A request, because a corosync that hangs answers neither this nor the maps.
                _ = try read([], from: quorum)
                try recordLateSnapshot(by: .now, from: quorum, &progress)
            }
            try readAfterReload(quorum, &progress)
            guard let refresh = plan.refresh, let due = nextReading, due <= .now else { continue }
            try refreshVotes(quorum, &progress)
            let isUnconfirmed = progress.next?.wantsSecondReading ?? false
            if isUnconfirmed { maps.refreshStatistics() }
            nextReading = Instant.now + (isUnconfirmed ? Self.confirmation : refresh)
        }
    }

    /// Reads the votes again at the end of a reload, because the last of them change without a notification.
    private func readAfterReload(_ quorum: borrowing VoteQuorum, _ progress: inout Progress) throws(CorosyncError) {
        guard let end = progress.reloadEnd, end <= .now else { return }
        progress.lastReload = end
        try refreshVotes(quorum, &progress)
    }

    /// Reads the votes again, unless votequorum recalculates: its quorum notification comes with a reading.
    private func refreshVotes(_ quorum: borrowing VoteQuorum, _ progress: inout Progress) throws(CorosyncError) {
        guard progress.hasState, let next = progress.next, !next.phase.isRecalculating else { return }
        record(.reading(try read(next.nodes, from: quorum)), &progress)
    }

    private func waitForNotification(_ quorum: borrowing VoteQuorum, until deadline: Instant?) -> [Source] {
        wait(for: [Polled(Source.stop, stop.descriptor), Polled(.votequorum, quorum.fileDescriptor)], until: deadline)
    }

    /// Dispatches in the mode of the plan.
    private func dispatch(_ quorum: borrowing VoteQuorum, _ progress: inout Progress) throws(CorosyncError) {
        do {
            try quorum.dispatch(plan.mode) { notification throws(CorosyncError) in
                try record(notification, from: quorum, &progress)
            }
        } catch  where plan.follows || progress.shown == 0 {
            throw error
        } catch {
            // The status has been recorded, so an error after it does not matter.
        }
    }

    /// Records a notification with the votes, which it does not contain. They are read in the callback, since the next
    /// change may begin after it.
    private func record(
        _ notification: VoteQuorum.Notification, from quorum: borrowing VoteQuorum, _ progress: inout Progress
    ) throws(CorosyncError) {
        let moment = Moment.now
        defer { if plan.mode == .blocking { silence.requestEnds() } }
        switch notification {
        case .nodelist(let ring, let members):
            progress.lateSnapshot = nil
            record(.nodelist(ring: ring, members: members), at: moment, &progress)
            if progress.hasState { progress.nodelists.append((ring, members)) }
        case .quorum(let quorate, let nodes):
            guard progress.hasState else {
                return try record((quorate, nodes), at: moment, from: quorum, &progress)
            }
            progress.lateSnapshot = nil
            let reading = try read(nodes.map(\.id), from: quorum)
            record(.quorum(quorate: quorate, nodes: nodes, reading), at: moment, &progress)
            // Only now corosync has synchronised its services, and answers for its maps.
            maps.note(progress.nodelists)
            progress.nodelists = []
        case .expectedVotes(let votes):
            var reading: Reading?
            // Also if the reading fails: the votes are unknown then, and the connection is lost.
            defer { record(.expectedVotes(votes, reading), at: moment, &progress) }
            if progress.hasState, let next = progress.next, !next.phase.isRecalculating {
                reading = try read(next.nodes, from: quorum)
                // Votes are compared with a configuration that is not older, or at the end of a reload.
                if plan.needsDetails, next.phase.isSettled, progress.lateSnapshot == nil, next.reloadEnd == nil {
                    maps.refreshConfiguration()
                }
            }
        }
    }

    /// Passes an input to the core.
    private func record(_ input: Reducer.Input, at moment: Moment? = nil, _ progress: inout Progress) {
        let next = core.record(input, at: moment)
        if next.reloadEnd != nil, next.reloadEnd != progress.next?.reloadEnd { maps.requestConfiguration() }
        progress.next = next
        progress.shown += next.shown
    }

    /// Records the snapshot with which a connection begins, after the maps were read.
    ///
    /// Votequorum may be recalculating: for a long time with a quorum device, or because the ring breaks again and again.
    /// If all nodes are members and there is no device, it has nothing to wait for.
    private func record(
        _ snapshot: QuorumSnapshot, at moment: Moment, from quorum: borrowing VoteQuorum, _ progress: inout Progress
    ) throws(CorosyncError) {
        // A status whose timeout expires meanwhile shows what is known.
        if plan.trigger != nil, !plan.follows {
            let reading = try read([], from: quorum)
            core.record(
                .quorum(quorate: snapshot.quorate, nodes: snapshot.nodes, reading, .recalculating), at: moment)
        }
        silence.requestEnds()
        let mayRecalculate = snapshot.nodes.contains { $0.id == .quorumDevice || $0.state != .member }
        let isSynchronizing = maps.survey(includingSynchronization: mayRecalculate)
        // Show no status rather than one without names.
        guard stop.requested == nil else { return }
        // While corosync synchronises its services, it does not answer for the maps, and quorum may be lost.
        let isLate = isSynchronizing == nil && mayRecalculate && snapshot.quorate
        try recordAfterMaps(snapshot, isSynchronizing ?? isLate, at: moment, from: quorum, &progress)
        guard isLate else { return }
        progress.lateSnapshot = snapshot
        silence.requestEnds()
        if plan.follows, !plan.mode.waitsItself { return }
        // Not longer, because notifications that are not dispatched wait in the memory of corosync.
        try recordLateSnapshot(by: plan.follows ? .now + .seconds(30) : nil, from: quorum, &progress)
    }

    /// Records the late snapshot again when the maps have answered.
    private func recordLateSnapshot(
        by deadline: Instant?, from quorum: borrowing VoteQuorum, _ progress: inout Progress
    ) throws(CorosyncError) {
        guard let snapshot = progress.lateSnapshot, let isSynchronizing = maps.lateSurvey(by: deadline) else { return }
        progress.lateSnapshot = nil
        try recordAfterMaps(snapshot, isSynchronizing, at: .now, from: quorum, &progress)
    }

    private func recordAfterMaps(
        _ snapshot: QuorumSnapshot, _ isRecalculating: Bool, at moment: Moment, from quorum: borrowing VoteQuorum,
        _ progress: inout Progress
    ) throws(CorosyncError) {
        // Only now, because totem may have formed the next ring while the maps were read.
        let reading = try read(snapshot.nodes.map(\.id), from: quorum)
        progress.hasState = true
        let state: Reducer.SnapshotState = isRecalculating ? .recalculating : .settled
        record(.quorum(quorate: snapshot.quorate, nodes: snapshot.nodes, reading, state), at: moment, &progress)
    }
}

// MARK: - Requests

extension QuorumFollower {
    /// Reads the votes of the cluster, and of these nodes if they are needed.
    private func read(_ nodes: [NodeID], from quorum: borrowing VoteQuorum) throws(CorosyncError) -> Reading {
        let local = try request { () throws(CorosyncError) in try quorum.info() }
        var others: [NodeInfo] = []
        if plan.needsDetails {
            for id in nodes where id != local.id && id != .quorumDevice {
                do {
                    others.append(try request { () throws(CorosyncError) in try quorum.info(of: id) })
                } catch  where !error.endsConnection {
                    // The votes of this node stay unknown.
                }
            }
        }
        return Reading(local: local, others: others)
    }

    /// Makes a request. Retries while corosync is too busy for it.
    private func request<Answer>(_ body: () throws(CorosyncError) -> Answer) throws(CorosyncError) -> Answer {
        silence.requestBegins()
        return try stop.retrying(body)
    }
}

extension CorosyncError {
    /// Whether a nonblocking dispatch found no notification, which is not a failure.
    fileprivate var isNothingPending: Bool { code == .tryAgain && operation == .votequorumDispatch }
}
