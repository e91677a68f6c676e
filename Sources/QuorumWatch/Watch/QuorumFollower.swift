// SPDX-License-Identifier: MIT

internal import CLinux
internal import Corosync
internal import Glibc

/// Follows votequorum in a thread of its own: connects, dispatches, reads, and connects again.
final class QuorumFollower: Sendable {
    private let plan: WatchPlan
    private let recorder: Recorder
    private let configuration: ConfigurationReader
    private let watchdog: Watchdog
    private let stop: StopRequest
    /// The descriptor of the connection, for as long as there is one.
    private let connection = Guarded<CInt?>(nil)

    init(
        plan: WatchPlan, recorder: Recorder, configuration: ConfigurationReader, watchdog: Watchdog, stop: StopRequest
    ) {
        self.plan = plan
        self.recorder = recorder
        self.configuration = configuration
        self.watchdog = watchdog
        self.stop = stop
    }

    /// Whether there is a connection.
    var isConnected: Bool { connection.withLock { $0 != nil } }

    /// Makes a dispatch that waits return. To be called from another thread once the end is requested.
    func hangUp() { connection.withLock { $0.map(VoteQuorum.hangUp(descriptor:)) } }

    /// Follows until the watch ends; the names for the first connection are asked for already.
    func run() {
        var connecting = Backoff.connecting
        var asking = Backoff.asking
        var diagnosed: CorosyncError?
        var busySince: Instant?
        var isFirst = true
        var needsNames = false
        while stop.requested == nil {
            var failure: CorosyncError?
            var isLoss = false
            do throws(CorosyncError) {
                // Not for every attempt of a corosync that is busy: changes are told anyway.
                if plan.showsDetails, needsNames, busySince == nil { configuration.request() }
                needsNames = true
                watchdog.begin()
                let quorum = try VoteQuorum()
                let descriptor = try quorum.fileDescriptor
                connection.withLock { $0 = descriptor }
                do throws(CorosyncError) {
                    defer { connection.withLock { $0 = nil } }
                    try start(quorum, isFirst: isFirst)
                    try plan.follows ? follow(quorum, descriptor) : look(quorum, descriptor)
                } catch {
                    watchdog.end()
                    // A connection counts from its first state on: one that fails before cannot be made.
                    isLoss = recorder.ask(\.hasState)
                    if stop.requested == nil, isLoss, plan.follows { recorder.record(.disconnected(error)) }
                    stop.waitUntilGone(daemonOf: descriptor)
                    throw error
                }
            } catch {
                failure = error
            }
            watchdog.end()
            guard let failure, stop.requested == nil else { return }
            if isLoss {
                (connecting, asking, diagnosed, busySince, isFirst) = (.connecting, .asking, nil, nil, false)
            } else if failure.isTransient {
                let busy = Instant.now.since(busySince ?? .now)
                busySince = busySince ?? .now
                if plan.follows, busy >= .seconds(1), diagnosed?.isTransient != true {
                    recorder.wait(because: failure.diagnosisOfConnecting, "trying again")
                    diagnosed = failure
                }
                _ = stop.wait(until: .now + asking.pause())
                continue
            }
            busySince = nil
            guard plan.reconnects else {
                return stop.request(.failed(isLoss ? failure.diagnosisOfLoss : failure.diagnosisOfConnecting))
            }
            if !isLoss, failure != diagnosed {
                recorder.wait(because: failure.diagnosisOfConnecting, "waiting for it")
                diagnosed = failure
            }
            _ = stop.wait(until: .now + connecting.pause())
        }
    }

    /// Starts tracking.
    private func start(_ quorum: borrowing VoteQuorum, isFirst: Bool) throws(CorosyncError) {
        let onlyChanges = plan.changesOnly && isFirst
        let flags: TrackFlags = onlyChanges ? .changesOnly : plan.gate != nil || plan.follows ? .changes : .current
        try ask { () throws(CorosyncError) in try quorum.trackStart(flags) }
        guard onlyChanges else { return }
        waitForNames()
        recorder.record(.baseline(try read(recorder.ask(\.configuredNodes), from: quorum)))
    }

    /// Waits for the names, if they are shown, and says why when there are none to be had in time.
    private func waitForNames() {
        guard plan.showsDetails, let failure = configuration.failure(), stop.requested == nil else { return }
        recorder.diagnose(failure.diagnosisOfNames)
    }
}

// MARK: - Dispatching

extension QuorumFollower {
    /// Looks once, in the mode of the plan.
    private func look(_ quorum: borrowing VoteQuorum, _ descriptor: CInt) throws(CorosyncError) {
        var backoff = Backoff.asking
        while stop.requested == nil {
            do throws(CorosyncError) {
                if try dispatch(plan.mode, quorum, descriptor) > 0 { return }
                backoff.reset()
            } catch  where plan.mode == .oneNonblocking && error.isNothingPending {
                return stop.request(.nothingPending)
            } catch  where error.isTransient {
                _ = stop.wait(until: .now + backoff.pause())
            }
            guard plan.mode == .all else { continue }
            if recorder.wantsConfiguration {
                recorder.record(.configuration(readConfiguration()))
                return
            }
            watchdog.end()
            let ready = wait(for: [(stop.descriptor, POLLIN), (descriptor, POLLIN)])
            if ready[0] != 0 { return }
        }
    }

    /// Follows until the watch ends or the connection is lost.
    private func follow(_ quorum: borrowing VoteQuorum, _ descriptor: CInt) throws(CorosyncError) {
        var backoff = Backoff.asking
        var nextReading = plan.refresh.map { Instant.now + $0 }
        while stop.requested == nil {
            watchdog.end()
            var isReadable = true
            if !plan.mode.waitsItself {
                let ready = wait(for: [(stop.descriptor, POLLIN), (descriptor, POLLIN)], until: nextReading)
                if ready[0] != 0 { return }
                isReadable = ready[1] != 0
            }
            if isReadable {
                do throws(CorosyncError) {
                    _ = try dispatch(plan.mode, quorum, descriptor)
                    backoff.reset()
                } catch  where error.isTransient {
                    // What is readable stays so: without a pause this would go round as fast as it can.
                    _ = stop.wait(until: .now + backoff.pause())
                }
            }
            guard let refresh = plan.refresh, let due = nextReading, due <= .now else { continue }
            if recorder.ask(\.mayRead) {
                recorder.record(.reading(try read(recorder.ask(\.knownNodes), from: quorum)))
            }
            nextReading = Instant.now + (recorder.ask(\.wantsSecondReading) ? min(refresh, .seconds(1)) : refresh)
        }
    }

    /// Dispatches in a mode; returns how many events that made.
    private func dispatch(
        _ mode: DispatchMode, _ quorum: borrowing VoteQuorum, _ descriptor: CInt
    ) throws(CorosyncError) -> Int {
        var events = 0
        var failure: CorosyncError?
        do {
            try quorum.dispatch(mode) { notification in
                guard failure == nil else { return }
                do throws(CorosyncError) {
                    events += try take(notification, from: quorum)
                } catch {
                    failure = error
                    // Nothing else makes the library return from here.
                    if mode == .blocking { VoteQuorum.hangUp(descriptor: descriptor) }
                }
            }
        } catch  where failure == nil {
            failure = error
        } catch {}
        // Who looks once has what was wanted, whatever came after it.
        if let failure, plan.follows || events == 0 { throw failure }
        return events
    }

    /// Takes one notification, and reads at once what it only hints at: later, the next change may have begun.
    private func take(
        _ notification: VoteQuorumNotification, from quorum: borrowing VoteQuorum
    ) throws(CorosyncError) -> Int {
        let time = Timestamp.now
        defer { if plan.mode == .blocking { watchdog.end() } }
        switch notification {
        case .nodelist(let ring, let members):
            return recorder.record(.nodelist(ring: ring, members: members), at: time)
        case .quorum(let quorate, let nodes):
            let reading = try read(nodes.map(\.id), from: quorum)
            // Not sooner: names are read at the same time, in their own thread.
            if !recorder.ask(\.hasState) {
                waitForNames()
                // Without them for want of time: better no status than one that says there are no names.
                if stop.requested != nil { return 0 }
            }
            return recorder.record(.quorum(quorate: quorate, nodes: nodes, reading), at: time)
        case .expectedVotes(let votes):
            let reading = recorder.ask(\.mayRead) ? try read(recorder.ask(\.knownNodes), from: quorum) : nil
            return recorder.record(.expectedVotes(votes, reading), at: time)
        }
    }
}

// MARK: - Asking

extension QuorumFollower {
    /// Asks for what is known of the cluster and of these nodes.
    private func read(_ nodes: [NodeID], from quorum: borrowing VoteQuorum) throws(CorosyncError) -> Reading {
        watchdog.begin()
        let local = try ask { () throws(CorosyncError) in try quorum.info() }
        var others: [NodeInfo] = []
        if plan.showsDetails {
            for id in nodes where id != local.id && id != .quorumDevice {
                do {
                    others.append(try ask { () throws(CorosyncError) in try quorum.info(of: id) })
                } catch  where !error.endsConnection {
                    // What votequorum will not say of one node is not known; the rest is.
                }
            }
        }
        return Reading(local: local, others: others)
    }

    /// Reads the configuration in this very thread, for who has nothing else to do; nil when it cannot be read.
    private func readConfiguration() -> Configuration? {
        try? ask { () throws(CorosyncError) in try Configuration(reading: ConfigurationMap()) }
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
