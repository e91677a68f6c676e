// SPDX-License-Identifier: MIT

internal import CLinux
internal import Corosync
internal import Glibc

/// Reads the configuration map in a thread of its own, so that names are read while votequorum is connected to, and a
/// reload is noticed while a dispatch holds the other thread.
///
/// Names are a courtesy: whatever the map does, the status does not wait for it for longer than ``patience``.
final class ConfigurationReader: Sendable {
    private struct State: Sendable {
        var wanted = 0
        var read = 0
        /// Whether it has been reported that what is being read does not come in time.
        var isGivenUp = false
        var result: Result<Configuration, ConfigurationFailure> = .success(Configuration())
    }

    private let state = Guarded(State())
    private let wake: Flag
    private let stop: StopRequest
    /// Whether changes are of interest.
    private let follows: Bool
    /// Whether to read the values for predictions as well.
    private let readsVoting: Bool
    /// Called with every reading that was asked for, and later ones that differ.
    private let report: @Sendable (Result<Configuration, ConfigurationFailure>) -> Void
    /// Called with the moment of every change of totem's membership.
    private let reportMembership: @Sendable (Instant) -> Void
    /// Notices when corosync does not answer.
    let watchdog: Watchdog

    /// How long names are waited for, and how long those that were read are believed while nothing can be read.
    static let patience = Duration.seconds(2)

    init(
        stop: StopRequest, follows: Bool, readsVoting: Bool,
        report: @escaping @Sendable (Result<Configuration, ConfigurationFailure>) -> Void,
        reportMembership: @escaping @Sendable (Instant) -> Void
    ) throws(SystemError) {
        wake = try Flag()
        watchdog = try Watchdog()
        self.stop = stop
        self.follows = follows
        self.readsVoting = readsVoting
        self.report = report
        self.reportMembership = reportMembership
    }

    /// Asks for a new reading.
    func request() {
        state.withLock { $0.wanted += 1 }
        wake.raise()
    }

    /// Waits until the reading that was asked for last is reported; the error when there is none to be had in time.
    func failure() -> ConfigurationFailure? {
        let deadline = Instant.now + Self.patience
        let isOver = { (state: inout State) in
            state.read == state.wanted || self.stop.requested != nil ? () : nil
        }
        let isInTime = state.wait(until: deadline, for: isOver) != nil
        let result = state.withLock { state in
            guard !isInTime, isOver(&state) == nil else { return state.result }
            let late = Result<Configuration, ConfigurationFailure>.failure(.late)
            state.isGivenUp = true
            report(late)
            return late
        }
        if case .failure(let error) = result { return error }
        return nil
    }

    /// Reads until the watch ends.
    func run() {
        var connecting = Backoff.connecting
        var asking = Backoff.asking
        var failingSince: Instant?
        // What is read before anybody asks is read twice.
        _ = wait(for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN)])
        while stop.requested == nil {
            wake.lower()
            watchdog.begin()
            do throws(CorosyncError) {
                let map = try ConfigurationMap()
                do throws(CorosyncError) {
                    try serve(map) { (connecting, asking, failingSince) = (.connecting, .asking, nil) }
                } catch {
                    stop.waitUntilGone(daemonOf: map.fileDescriptor)
                    throw error
                }
            } catch {
                watchdog.end()
                let failing = Instant.now.since(failingSince ?? .now)
                failingSince = failingSince ?? .now
                if error.isTransient, failing < Self.patience / 2 {
                    _ = stop.wait(until: .now + asking.pause())
                    continue
                }
                // A short loss of the map alone is nobody's concern: what it says has hardly changed meanwhile.
                if isAwaited || failing >= Self.patience {
                    publish(.failure(.corosync(error)), for: state.withLock { $0.wanted })
                }
                // Try again unasked only for the sake of changes.
                _ = wait(
                    for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN)],
                    until: follows ? .now + connecting.pause() : nil)
                continue
            }
            _ = wait(for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN)])
        }
    }

    /// Answers requests and follows changes until the watch ends; who looks once is given one answer, and the
    /// connection is closed while the status is made.
    private func serve(_ map: borrowing ConfigurationMap, succeeded: () -> Void) throws(CorosyncError) {
        var membersTrack: ConfigurationMap.Track?
        if follows {
            // Not all of "quorum.": votequorum sets quorum.cancel_wait_for_all back while the trackers of the key are called,
            // and corosync crashes when another is left to be called after that.
            for prefix in ["nodelist.", "quorum.device."] {
                _ = try map.track(prefix, [.add, .modify, .delete, .prefix])
            }
            for key in ["quorum.expected_votes", "totem.cluster_name"] {
                _ = try map.track(key, [.add, .modify, .delete])
            }
            membersTrack = try map.track(MembershipChanges.prefix, [.add, .modify, .delete, .prefix])
        }
        var membership = MembershipChanges()
        var isOutdated = true
        while true {
            if isOutdated {
                watchdog.begin()
                let ticket = state.withLock { $0.wanted }
                let configuration = try Configuration(reading: map, withVoting: readsVoting)
                watchdog.end()
                publish(.success(configuration), for: ticket)
                succeeded()
                isOutdated = false
            }
            guard follows else { return }
            let ready = wait(
                for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN), (map.fileDescriptor, POLLIN)],
                until: membership.deadline)
            if ready[0] != 0 { return }
            if ready[1] != 0 {
                wake.lower()
                isOutdated = true
            }
            if ready[2] != 0 {
                var isMembershipAlone = false
                try map.dispatch(.all) { change in
                    // Corosync takes a new configuration in one go: once the first change is told, all of it can be read.
                    isMembershipAlone = change.track == membersTrack
                    if isMembershipAlone { membership.note(change) } else { isOutdated = true }
                }
                // A change that did not find its handler is not known.
                if !isMembershipAlone { isOutdated = true }
            }
            if let deadline = membership.deadline, deadline <= .now, let change = membership.take() {
                reportMembership(change)
            }
        }
    }

    /// Whether somebody waits for a reading.
    private var isAwaited: Bool { state.withLock { $0.read != $0.wanted } }

    private func publish(_ result: Result<Configuration, ConfigurationFailure>, for ticket: Int) {
        let isNews = state.withLock { $0.read != ticket || $0.result != result }
        // Before the one who waits goes on.
        if isNews { report(result) }
        let isOverruled = state.withLock { state in
            defer { (state.result, state.read, state.isGivenUp) = (result, ticket, false) }
            return state.isGivenUp
        }
        // Whoever gave up may have done so just after it was reported.
        if isOverruled { report(result) }
    }
}
