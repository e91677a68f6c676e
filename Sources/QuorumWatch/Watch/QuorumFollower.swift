// SPDX-License-Identifier: MIT

internal import CLinux
internal import Corosync
internal import Glibc

/// Follows votequorum in a separate thread: connects, dispatches notifications, reads votes, and reconnects.
final class QuorumFollower: Sendable {
    private let plan: WatchPlan
    private let distributor: EventDistributor
    private let configuration: ConfigurationReader
    private let statistics: StatisticsReader?
    private let watchdog: Watchdog
    private let probe: ProviderProbe
    private let stop: StopRequest
    /// The interrupter of the connection; nil while there is none.
    private let connection = Guarded<Interrupter?>(nil)

    init(
        plan: WatchPlan, distributor: EventDistributor, configuration: ConfigurationReader,
        statistics: StatisticsReader?, watchdog: Watchdog, probe: ProviderProbe, stop: StopRequest
    ) {
        self.plan = plan
        self.distributor = distributor
        self.configuration = configuration
        self.statistics = statistics
        self.watchdog = watchdog
        self.probe = probe
        self.stop = stop
    }

    /// Whether there is a connection.
    var isConnected: Bool { connection.withLock { $0 != nil } }

    /// Interrupts a dispatch that blocks. To be called from another thread, after the end was requested.
    func hangUp() { connection.withLock { $0 }?.interrupt() }

    /// Follows until the watch ends. The names for the first connection must have been requested before.
    func run() {
        var attempts = ConnectionAttempts()
        while stop.requested == nil {
            // Not needed at every attempt while corosync is busy, since the names are tracked.
            if plan.needsDetails, attempts.needNames {
                configuration.request()
                statistics?.request()
            }
            guard let failure = connectAndFollow(isFirst: attempts.isFirst), stop.requested == nil else { return }
            let error = failure.error
            if failure.lifetime == nil, error.isTransient {
                if plan.follows, attempts.areLongBusy {
                    distributor.recordWaiting(because: diagnosis(ofConnecting: error), "trying again")
                }
                _ = stop.wait(until: .now + attempts.pauseWhileBusy())
                continue
            }
            guard plan.reconnects else {
                let diagnosis = failure.lifetime == nil ? diagnosis(ofConnecting: error) : error.diagnosisOfLoss
                return stop.request(.failed(diagnosis))
            }
            if let lifetime = failure.lifetime {
                if attempts.noteLoss(after: lifetime) { distributor.diagnose(error.diagnosisOfRepeatedLoss) }
            } else if attempts.isNews(error) {
                distributor.recordWaiting(because: diagnosis(ofConnecting: error), "waiting for it")
            }
            _ = stop.wait(until: .now + attempts.pause())
        }
    }

    /// Connects, and follows until the connection fails or the watch ends. Returns the failure; nil if the watch ended.
    /// Its lifetime is nil if there was no state yet: that counts as a failure to connect.
    private func connectAndFollow(isFirst: Bool) -> (error: CorosyncError, lifetime: Duration?)? {
        defer { watchdog.end() }
        do throws(CorosyncError) {
            watchdog.begin()
            let quorum = try VoteQuorum()
            let start = Instant.now
            let interrupter = quorum.interrupter
            connection.withLock { $0 = interrupter }
            do throws(CorosyncError) {
                defer { connection.withLock { $0 = nil } }
                try startTracking(quorum, isFirst: isFirst)
                try plan.follows ? follow(quorum) : look(quorum)
                return nil
            } catch {
                watchdog.end()
                let isLoss = distributor.reducer(\.hasState)
                if isLoss, plan.follows, stop.requested == nil { distributor.record(.disconnected(error)) }
                stop.waitUntilGone(daemonOf: quorum.fileDescriptor)
                return (error, isLoss ? Instant.now.since(start) : nil)
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
        return error.diagnosisOfConnecting(isAmbiguous ? probe.provider() : nil)
    }

    /// Starts tracking.
    private func startTracking(_ quorum: borrowing VoteQuorum, isFirst: Bool) throws(CorosyncError) {
        let onlyChanges = plan.changesOnly && isFirst
        let flags: VoteQuorum.TrackFlags =
            onlyChanges ? .changesOnly : plan.trigger != nil || plan.follows ? .changes : .current
        try ask { () throws(CorosyncError) in try quorum.startTracking(flags) }
        guard onlyChanges else { return }
        waitForMaps()
        distributor.record(.baseline(try read(distributor.reducer(\.configuredNodes), from: quorum)))
    }

    /// Waits for the names and the links, if they are printed. Returns false and reports it if they cannot be read in time.
    @discardableResult
    private func waitForMaps() -> Bool {
        guard plan.needsDetails else { return true }
        let deadline = Instant.now + MapFailure.patience
        let failures = [
            configuration.failure(until: deadline)?.diagnosisOfConfiguration,
            statistics?.failure(until: deadline)?.diagnosisOfLinks,
        ]
        let diagnoses = failures.compactMap { $0 }
        if stop.requested == nil { diagnoses.forEach(distributor.diagnose) }
        return diagnoses.isEmpty
    }
}

// MARK: - Dispatching

extension QuorumFollower {
    /// Reads the status once, in the mode of the plan.
    private func look(_ quorum: borrowing VoteQuorum) throws(CorosyncError) {
        var backoff = Backoff.asking
        while stop.requested == nil {
            do throws(CorosyncError) {
                if try dispatch(plan.mode, quorum) > 0 { return }
                backoff.reset()
            } catch  where plan.mode == .oneNonblocking && error.isNothingPending {
                return stop.request(.nothingPending)
            } catch  where error.isTransient {
                _ = stop.wait(until: .now + backoff.pause())
            }
            guard plan.mode == .all else { continue }
            watchdog.end()
            let ready = wait(for: [(stop.descriptor, POLLIN), (quorum.fileDescriptor, POLLIN)])
            if ready[0] != 0 { return }
        }
    }

    /// Follows until the watch ends or the connection is lost.
    private func follow(_ quorum: borrowing VoteQuorum) throws(CorosyncError) {
        var backoff = Backoff.asking
        var nextReading = plan.refresh.map { Instant.now + $0 }
        while stop.requested == nil {
            watchdog.end()
            var isReadable = true
            if !plan.mode.waitsItself {
                let ready = wait(for: [(stop.descriptor, POLLIN), (quorum.fileDescriptor, POLLIN)], until: nextReading)
                if ready[0] != 0 { return }
                isReadable = ready[1] != 0
            }
            if isReadable {
                do throws(CorosyncError) {
                    _ = try dispatch(plan.mode, quorum)
                    backoff.reset()
                } catch  where error.isTransient {
                    // The descriptor stays readable: without a pause this would be a busy loop.
                    _ = stop.wait(until: .now + backoff.pause())
                }
            }
            guard let refresh = plan.refresh, let due = nextReading, due <= .now else { continue }
            if distributor.reducer(\.mayRead) {
                distributor.record(.reading(try read(distributor.reducer(\.knownNodes), from: quorum)))
            }
            nextReading =
                Instant.now + (distributor.reducer(\.wantsSecondReading) ? min(refresh, .seconds(1)) : refresh)
        }
    }

    /// Dispatches in a mode. Returns how many events that caused.
    private func dispatch(_ mode: DispatchMode, _ quorum: borrowing VoteQuorum) throws(CorosyncError) -> Int {
        var events = 0
        do {
            try quorum.dispatch(mode) { notification throws(CorosyncError) in
                events += try take(notification, from: quorum)
            }
        } catch  where plan.follows || events == 0 {
            throw error
        } catch {
            // The status has been recorded, so an error after it does not matter.
        }
        return events
    }

    /// Records a notification with the votes, which it does not contain. They are read in the callback, since the next
    /// change may begin after it.
    private func take(
        _ notification: VoteQuorum.Notification, from quorum: borrowing VoteQuorum
    ) throws(CorosyncError) -> Int {
        let moment = distributor.moment()
        defer { if plan.mode == .blocking { watchdog.end() } }
        switch notification {
        case .nodelist(let ring, let members):
            let events = distributor.record(.nodelist(ring: ring, members: members), at: moment)
            if plan.follows, events > 0 { statistics?.noteNodelist(of: ring, members) }
            return events
        case .quorum(let quorate, let nodes):
            var reading = try read(nodes.map(\.id), from: quorum)
            var isRecalculating = false
            // Only now, because another thread reads the names at the same time as this one reads the votes.
            if !distributor.reducer(\.hasState) {
                let canReadMaps = waitForMaps()
                // The watch ended before the names were read: print no status rather than one without names.
                if stop.requested != nil { return 0 }
                // Votequorum may be recalculating: for a long time with a quorum device, or because the ring breaks again
                // and again. If all nodes are members and there is no device, the result can only be the snapshot.
                let mayChange = !reading.local.quorumDeviceName.isEmpty || nodes.contains { $0.state != .member }
                if mayChange, canReadMaps {
                    do {
                        isRecalculating = try ask(isSynchronizing)
                    } catch {
                        distributor.diagnose("cannot see whether votequorum is recalculating: \(error.withAdvice)")
                    }
                    // The first reading may have been made during a recalculation that has ended since.
                    reading = try read(nodes.map(\.id), from: quorum)
                }
            }
            return distributor.record(
                .quorum(quorate: quorate, nodes: nodes, reading, isRecalculating: isRecalculating), at: moment)
        case .expectedVotes(let votes):
            let reading =
                distributor.reducer(\.mayRead) ? try read(distributor.reducer(\.knownNodes), from: quorum) : nil
            return distributor.record(.expectedVotes(votes, reading), at: moment)
        }
    }
}

// MARK: - Requests

extension QuorumFollower {
    /// Reads the votes of the cluster, and of these nodes if they are needed.
    private func read(_ nodes: [NodeID], from quorum: borrowing VoteQuorum) throws(CorosyncError) -> Reading {
        watchdog.begin()
        let local = try ask { () throws(CorosyncError) in try quorum.info() }
        var others: [NodeInfo] = []
        if plan.needsDetails {
            for id in nodes where id != local.id && id != .quorumDevice {
                do {
                    others.append(try ask { () throws(CorosyncError) in try quorum.info(of: id) })
                } catch  where !error.endsConnection {
                    // The votes of this node stay unknown.
                }
            }
        }
        return Reading(local: local, others: others)
    }

    /// Makes a request. Retries while corosync is too busy for it.
    private func ask<Answer>(
        _ request: () throws(CorosyncError) -> Answer
    ) throws(CorosyncError) -> Answer {
        var backoff = Backoff.asking
        while true {
            do {
                let answer = try request()
                watchdog.answered()
                return answer
            } catch  where error.isTransient {
                if stop.wait(until: .now + backoff.pause()) { throw error }
            }
        }
    }
}

extension CorosyncError {
    /// Whether a nonblocking dispatch found no notification, which is not a failure.
    fileprivate var isNothingPending: Bool { code == .tryAgain && operation == .votequorumDispatch }
}

extension DispatchMode {
    /// Whether the dispatch function blocks until a notification comes.
    var waitsItself: Bool { self == .one || self == .blocking }
}
