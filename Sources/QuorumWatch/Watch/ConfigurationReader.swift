// SPDX-License-Identifier: MIT

internal import CLinux
internal import Corosync
internal import Glibc

/// Reads the configuration map in a separate thread: the names are read while another thread connects to votequorum,
/// and a reload is noticed while a dispatch blocks that thread.
///
/// The names are optional: the status waits for them for ``patience`` at most.
final class ConfigurationReader: Sendable {
    private struct State: Sendable {
        var wanted = 0
        var read = 0
        /// Whether a timeout of the current request has been reported.
        var isGivenUp = false
        var result: Result<Configuration, ConfigurationFailure> = .success(Configuration())
    }

    private let state = Guarded(State())
    private let wake: Flag
    private let stop: StopRequest
    /// Whether to track changes of the map.
    private let follows: Bool
    /// Whether to read the values for predictions as well.
    private let readsVoting: Bool
    /// Called with the result of every request, and with later results that differ.
    private let report: @Sendable (Result<Configuration, ConfigurationFailure>) -> Void
    /// Called with the time of every change of totem's membership.
    private let reportMembership: @Sendable (Instant) -> Void
    /// Notices when corosync does not answer.
    let watchdog: Watchdog

    /// The timeout for the names. Names that were read before stay valid for as long while the map cannot be read.
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

    /// Requests a new reading.
    func request() {
        state.withLock { $0.wanted += 1 }
        wake.raise()
    }

    /// Waits until the result of the last request is reported. Returns the error if it failed or did not come in time.
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
        // A reading before the first request would have to be repeated for the request.
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
                // A short loss of the map is not reported unless a thread waits: the configuration rarely changes
                // meanwhile.
                if isAwaited || failing >= Self.patience {
                    publish(.failure(.corosync(error)), for: state.withLock { $0.wanted })
                }
                // Without a request, retry only if changes are tracked.
                _ = wait(
                    for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN)],
                    until: follows ? .now + connecting.pause() : nil)
                continue
            }
            _ = wait(for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN)])
        }
    }

    /// Answers requests and tracks changes until the watch ends. If changes are not tracked, answers one request and
    /// returns, so that the connection is closed while the status is being printed.
    private func serve(_ map: borrowing ConfigurationMap, succeeded: () -> Void) throws(CorosyncError) {
        var membersTrack: ConfigurationMap.Track?
        if follows {
            // Do not track all of "quorum.": votequorum resets quorum.cancel_wait_for_all in its own track callback,
            // and corosync crashes if another callback for the key has to be called after that one.
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
                    // Corosync replaces its configuration as a whole: at the first notification, all of it can be read.
                    isMembershipAlone = change.track == membersTrack
                    if isMembershipAlone { membership.note(change) } else { isOutdated = true }
                }
                // A change whose callback was not called may concern the configuration.
                if !isMembershipAlone { isOutdated = true }
            }
            if let deadline = membership.deadline, deadline <= .now, let change = membership.take() {
                reportMembership(change)
            }
        }
    }

    /// Whether a request has no result yet.
    private var isAwaited: Bool { state.withLock { $0.read != $0.wanted } }

    private func publish(_ result: Result<Configuration, ConfigurationFailure>, for ticket: Int) {
        let mustReport = state.withLock { $0.read != ticket || $0.result != result }
        // Report before waking the waiting thread, which needs the names.
        if mustReport { report(result) }
        let hasTimedOut = state.withLock { state in
            defer { (state.result, state.read, state.isGivenUp) = (result, ticket, false) }
            return state.isGivenUp
        }
        // The waiting thread may have reported a timeout after the result: the result has to be reported last.
        if hasTimedOut { report(result) }
    }
}
