// SPDX-License-Identifier: MIT

internal import Corosync
internal import Glibc

/// Keeps a connection to one of corosync's maps in a separate thread. Other threads request readings and wait for them.
///
/// The readings are optional: no thread waits for one for longer than ``MapFailure/patience``.
final class MapReader<Value: Hashable & Sendable>: Sendable {
    private struct State: Sendable {
        var wanted = 0
        var read = 0
        /// Whether a timeout of the current request has been reported.
        var isGivenUp = false
        var result: Result<Value, MapFailure>?
    }

    private let map: ConfigurationMap.Kind
    private let stop: StopRequest
    /// Whether to track changes of the map.
    private let follows: Bool
    /// Called with the result of every request, and with later results that differ.
    private let report: @Sendable (Result<Value, MapFailure>) -> Void
    private let state = Guarded(State())
    /// Notices when corosync does not answer.
    let watchdog: Watchdog
    /// Raised when the thread has something to do.
    let wake: Flag

    init(
        of map: ConfigurationMap.Kind, stop: StopRequest, follows: Bool,
        report: @escaping @Sendable (Result<Value, MapFailure>) -> Void
    ) throws(SystemError) {
        watchdog = try Watchdog()
        wake = try Flag()
        self.map = map
        self.stop = stop
        self.follows = follows
        self.report = report
    }

    /// Requests a new reading.
    func request() {
        state.withLock { $0.wanted += 1 }
        wake.raise()
    }

    /// Waits until the result of the last request is reported. Returns the error if it failed or did not come in time.
    func failure(until deadline: Instant) -> MapFailure? {
        let isOver = { (state: inout State) in
            state.read == state.wanted || self.stop.requested != nil ? () : nil
        }
        let isInTime = state.wait(until: deadline, for: isOver) != nil
        return state.withLock { state in
            if !isInTime, isOver(&state) == nil { giveUp(&state) }
            if state.isGivenUp { return .late }
            if case .failure(let error) = state.result { return error }
            return nil
        }
    }

    /// Reports a timeout of the current request. Its result is reported all the same when it comes.
    func giveUp() { state.withLock { giveUp(&$0) } }

    private func giveUp(_ state: inout State) {
        state.isGivenUp = true
        report(.failure(.late))
    }

    /// Connects and reconnects until the watch ends. `serve` reads and publishes, and calls `succeeded` after each reading.
    func run(
        _ serve: (borrowing ConfigurationMap, _ succeeded: () -> Void) throws(CorosyncError) -> Void
    ) {
        var connecting = Backoff.connecting
        var asking = Backoff.asking
        var failingSince: Instant?
        // A reading before the first request would have to be repeated for the request.
        _ = wait(for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN)])
        while stop.requested == nil {
            wake.lower()
            do throws(CorosyncError) {
                watchdog.begin()
                defer { watchdog.end() }
                let map = try ConfigurationMap(map)
                watchdog.end()
                do throws(CorosyncError) {
                    try serve(map) { (connecting, asking, failingSince) = (.connecting, .asking, nil) }
                } catch {
                    stop.waitUntilGone(daemonOf: map.fileDescriptor)
                    throw error
                }
            } catch {
                let failing = Instant.now.since(failingSince ?? .now)
                failingSince = failingSince ?? .now
                if error.isTransient, failing < MapFailure.patience / 2 {
                    _ = stop.wait(until: .now + asking.pause())
                    continue
                }
                // A short loss of the map is not reported unless a thread waits: its values rarely change meanwhile.
                if isAwaited || failing >= MapFailure.patience { publish(.failure(.corosync(error)), for: ticket) }
                // Without a request, retry only if changes are tracked.
                _ = wait(
                    for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN)],
                    until: follows ? .now + connecting.pause() : nil)
                continue
            }
            _ = wait(for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN)])
        }
    }

    /// The number of the last request.
    var ticket: Int { state.withLock { $0.wanted } }

    /// Whether a request has no result yet.
    var isAwaited: Bool { state.withLock { $0.read != $0.wanted } }

    /// Reports a result of the requests up to this number.
    func publish(_ result: Result<Value, MapFailure>, for ticket: Int) {
        let mustReport = state.withLock { $0.read != ticket || $0.result != result }
        // Report before waking the waiting thread, which needs the values.
        if mustReport { report(result) }
        let hasTimedOut = state.withLock { state in
            defer { (state.result, state.read, state.isGivenUp) = (result, ticket, false) }
            return state.isGivenUp
        }
        // The waiting thread may have reported a timeout after the result: the result has to be reported last.
        if hasTimedOut { report(result) }
    }
}
