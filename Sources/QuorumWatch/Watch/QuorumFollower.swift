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

    /// Follows until the watch ends.
    func run() {
        var connecting = Backoff.connecting
        var asking = Backoff.asking
        var diagnosed: CorosyncError?
        var isFirst = true
        while stop.requested == nil {
            var isTracking = false
            var failure: CorosyncError?
            do throws(CorosyncError) {
                if plan.showsDetails { configuration.request() }
                watchdog.begin()
                let quorum = try VoteQuorum()
                let descriptor = try quorum.fileDescriptor
                connection.withLock { $0 = descriptor }
                defer { connection.withLock { $0 = nil } }
                try start(quorum, isFirst: isFirst)
                (isTracking, isFirst, diagnosed) = (true, false, nil)
                (connecting, asking) = (.connecting, .asking)
                try plan.follows ? follow(quorum, descriptor) : look(quorum, descriptor)
            } catch {
                failure = error
            }
            watchdog.end()
            guard let failure, stop.requested == nil else { return }
            if isTracking {
                recorder.record(.disconnected(failure))
            } else if failure.isTransient {
                _ = stop.wait(until: .now + asking.pause())
                continue
            }
            guard plan.reconnects else {
                return stop.request(.failed(isTracking ? failure.diagnosisOfLoss : failure.diagnosisOfConnecting))
            }
            if !isTracking, failure != diagnosed {
                recorder.diagnose(failure.diagnosisOfConnecting + "; waiting for it")
                diagnosed = failure
            }
            _ = stop.wait(until: .now + connecting.pause())
        }
    }

    /// Starts tracking, and brings the names.
    private func start(_ quorum: borrowing VoteQuorum, isFirst: Bool) throws(CorosyncError) {
        let onlyChanges = plan.changesOnly && isFirst
        let flags: TrackFlags = onlyChanges ? .changesOnly : plan.gate != nil || plan.follows ? .changes : .current
        try ask { () throws(CorosyncError) in try quorum.trackStart(flags) }
        if plan.showsDetails {
            switch configuration.result() {
            case .success(let configuration): recorder.record(.configuration(configuration))
            case .failure(let error):
                recorder.record(.configuration(nil))
                recorder.diagnose("cannot read the names of the nodes: \(error)")
            case nil: return
            }
        }
        if onlyChanges {
            recorder.record(.baseline(try read(recorder.ask(\.configuredNodes), from: quorum)))
        }
    }
}

// MARK: - Dispatching

extension QuorumFollower {
    /// Looks once, in the mode of the plan.
    private func look(_ quorum: borrowing VoteQuorum, _ descriptor: CInt) throws(CorosyncError) {
        do {
            while try dispatch(plan.mode, quorum, descriptor) == 0 {
                guard plan.mode == .all else { continue }
                if recorder.wantsConfiguration {
                    recorder.record(.configuration(readConfiguration()))
                    return
                }
                watchdog.end()
                let ready = wait(for: [(stop.descriptor, POLLIN), (descriptor, POLLIN)])
                if ready[0] != 0 { return }
            }
        } catch  where error.code == .tryAgain && plan.mode == .oneNonblocking {
            stop.request(.nothingPending)
        }
    }

    /// Follows until the watch ends or the connection is lost.
    private func follow(_ quorum: borrowing VoteQuorum, _ descriptor: CInt) throws(CorosyncError) {
        var nextReading = plan.refresh.map { Instant.now + $0 }
        while stop.requested == nil {
            watchdog.end()
            switch plan.mode {
            case .one, .blocking:
                _ = try dispatch(plan.mode, quorum, descriptor)
            case .all, .oneNonblocking:
                let ready = wait(for: [(stop.descriptor, POLLIN), (descriptor, POLLIN)], until: nextReading)
                if ready[0] != 0 { return }
                if ready[1] != 0 {
                    do {
                        _ = try dispatch(plan.mode, quorum, descriptor)
                    } catch  where error.code == .tryAgain {}
                }
                guard let refresh = plan.refresh, let due = nextReading, due <= .now else { continue }
                if recorder.ask(\.mayRead) {
                    recorder.record(.reading(try read(recorder.ask(\.knownNodes), from: quorum)))
                }
                nextReading = Instant.now + (recorder.ask(\.wantsSecondReading) ? min(refresh, .seconds(1)) : refresh)
            }
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
            throw error
        } catch {}
        if let failure { throw failure }
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
