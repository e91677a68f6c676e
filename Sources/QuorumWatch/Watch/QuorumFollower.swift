// SPDX-License-Identifier: MIT

internal import CLinux
internal import Corosync
internal import Glibc

/// Follows votequorum in a thread of its own: connects, dispatches, reads, and connects again.
final class QuorumFollower: Sendable {
    private let plan: WatchPlan
    private let distributor: EventDistributor
    private let configuration: ConfigurationReader
    private let watchdog: Watchdog
    private let probe: ProviderProbe
    private let stop: StopRequest
    /// The interrupter of the connection, for as long as there is one.
    private let connection = Guarded<Interrupter?>(nil)

    init(
        plan: WatchPlan, distributor: EventDistributor, configuration: ConfigurationReader, watchdog: Watchdog,
        probe: ProviderProbe, stop: StopRequest
    ) {
        self.plan = plan
        self.distributor = distributor
        self.configuration = configuration
        self.watchdog = watchdog
        self.probe = probe
        self.stop = stop
    }

    /// Whether there is a connection.
    var isConnected: Bool { connection.withLock { $0 != nil } }

    /// Interrupts a dispatch that blocks. To be called from another thread once the end is requested.
    func hangUp() { connection.withLock { $0 }?.interrupt() }

    /// Follows until the watch ends. The names for the first connection were requested before.
    func run() {
        var attempts = ConnectionAttempts()
        while stop.requested == nil {
            // Not at every attempt while corosync is busy: changes of the names come by themselves.
            if plan.needsDetails, attempts.needNames { configuration.request() }
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

    /// Connects, and follows until the connection fails or the watch ends. Returns the failure, and how long the connection
    /// lasted; nil if there was no state yet, since such a connection counts as one that cannot be made.
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
        // The library gives the same error whether corosync does not run or has no votequorum.
        let isAmbiguous = error.code == .library && error.operation == .votequorumInitialize
        return error.diagnosisOfConnecting(isAmbiguous ? probe.provider() : nil)
    }

    /// Starts tracking.
    private func startTracking(_ quorum: borrowing VoteQuorum, isFirst: Bool) throws(CorosyncError) {
        let onlyChanges = plan.changesOnly && isFirst
        let flags: TrackFlags = onlyChanges ? .changesOnly : plan.trigger != nil || plan.follows ? .changes : .current
        try ask { () throws(CorosyncError) in try quorum.trackStart(flags) }
        guard onlyChanges else { return }
        waitForNames()
        distributor.record(.baseline(try read(distributor.reducer(\.configuredNodes), from: quorum)))
    }

    /// Waits for the names, if they are shown, and reports why when they cannot be read in time.
    private func waitForNames() {
        guard plan.needsDetails, let failure = configuration.failure(), stop.requested == nil else { return }
        distributor.diagnose(failure.diagnosisOfConfiguration)
    }
}

// MARK: - Dispatching

extension QuorumFollower {
    /// Looks once, in the mode of the plan.
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
                    // What is readable stays so: without a pause this would go round as fast as it can.
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

    /// Dispatches in a mode; returns how many events that made.
    private func dispatch(_ mode: DispatchMode, _ quorum: borrowing VoteQuorum) throws(CorosyncError) -> Int {
        var events = 0
        do {
            try quorum.dispatch(mode) { notification throws(CorosyncError) in
                events += try take(notification, from: quorum)
            }
        } catch  where plan.follows || events == 0 {
            throw error
        } catch {
            // A status that was given stands, whatever failed after it.
        }
        return events
    }

    /// Takes one notification, and reads at once the votes that it does not carry: later, the next change may have begun.
    private func take(
        _ notification: VoteQuorumNotification, from quorum: borrowing VoteQuorum
    ) throws(CorosyncError) -> Int {
        let moment = distributor.moment()
        defer { if plan.mode == .blocking { watchdog.end() } }
        switch notification {
        case .nodelist(let ring, let members):
            return distributor.record(.nodelist(ring: ring, members: members), at: moment)
        case .quorum(let quorate, let nodes):
            var reading = try read(nodes.map(\.id), from: quorum)
            var isRecalculating = false
            // Not sooner: names are read at the same time, in their own thread.
            if !distributor.reducer(\.hasState) {
                waitForNames()
                // The end came before the names: better no status than one without names.
                if stop.requested != nil { return 0 }
                // Without a quorum device, a recalculation takes milliseconds.
                if !reading.local.quorumDeviceName.isEmpty {
                    isRecalculating = (try? isSynchronizing()) ?? false
                    // What was read before can be of a recalculation that has ended since.
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
    /// Reads the votes of the cluster and of these nodes.
    private func read(_ nodes: [NodeID], from quorum: borrowing VoteQuorum) throws(CorosyncError) -> Reading {
        watchdog.begin()
        let local = try ask { () throws(CorosyncError) in try quorum.info() }
        var others: [NodeInfo] = []
        if plan.needsDetails {
            for id in nodes where id != local.id && id != .quorumDevice {
                do {
                    others.append(try ask { () throws(CorosyncError) in try quorum.info(of: id) })
                } catch  where !error.endsConnection {
                    // The votes of this one node stay unknown.
                }
            }
        }
        return Reading(local: local, others: others)
    }

    /// Makes a request, again and again while corosync is too busy for it.
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
    /// Whether it is the answer of a dispatch that does not wait, and no failure.
    fileprivate var isNothingPending: Bool { code == .tryAgain && operation == .votequorumDispatch }
}

extension DispatchMode {
    /// Whether the library waits for notifications, not the caller.
    var waitsItself: Bool { self == .one || self == .blocking }
}
