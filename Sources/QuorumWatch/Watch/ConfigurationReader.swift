// SPDX-License-Identifier: MIT

internal import CLinux
internal import Corosync
internal import Glibc

/// Reads the configuration map in a thread of its own, so that names are read while votequorum is connected to, and a
/// reload is noticed while a dispatch holds the other thread.
final class ConfigurationReader: Sendable {
    private struct State: Sendable {
        var wanted = 0
        var read = 0
        var result: Result<Configuration, CorosyncError> = .success(Configuration())
    }

    private let state = Guarded(State())
    private let wake = Flag()
    private let stop: StopRequest
    /// Called with every later reading that differs; nil when changes are of no interest.
    private let changed: (@Sendable (Configuration) -> Void)?

    init(stop: StopRequest, changed: (@Sendable (Configuration) -> Void)?) {
        self.stop = stop
        self.changed = changed
    }

    /// Asks for a new reading.
    func request() {
        state.withLock { $0.wanted += 1 }
        wake.raise()
    }

    /// Waits for the reading that was asked for last, or the error that prevents it; nil when the watch ends sooner.
    func result() -> Result<Configuration, CorosyncError>? {
        state.wait { state in
            if state.read == state.wanted { return .some(state.result) }
            return self.stop.requested == nil ? nil : .some(nil)
        } ?? nil
    }

    /// Reads until the watch ends.
    func run() {
        var connecting = Backoff.connecting
        var asking = Backoff.asking
        var busy = 0
        while stop.requested == nil {
            wake.lower()
            let ticket = state.withLock { $0.wanted }
            do throws(CorosyncError) {
                let map = try ConfigurationMap()
                (connecting, asking, busy) = (.connecting, .asking, 0)
                return try serve(map)
            } catch  where error.isTransient && busy < 10 {
                busy += 1
                _ = stop.wait(until: .now + asking.pause())
            } catch {
                publish(.failure(error), for: ticket)
                // Try again unasked only for the sake of changes.
                _ = wait(
                    for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN)],
                    until: changed == nil ? nil : .now + connecting.pause())
            }
        }
    }

    /// Answers requests and follows changes until the watch ends.
    private func serve(_ map: borrowing ConfigurationMap) throws(CorosyncError) {
        if changed != nil {
            _ = try map.track("nodelist.", [.add, .modify, .delete, .prefix])
            _ = try map.track("totem.cluster_name", [.add, .modify, .delete])
        }
        let descriptor = try map.fileDescriptor
        while true {
            let ticket = state.withLock { $0.wanted }
            publish(.success(try Configuration(reading: map)), for: ticket)
            let ready = wait(for: [(stop.descriptor, POLLIN), (wake.descriptor, POLLIN), (descriptor, POLLIN)])
            if ready[0] != 0 { return }
            wake.lower()
            // Corosync takes a new configuration in one go: once the first change is told, all of it can be read.
            if ready[2] != 0 { try map.dispatch(.all) { _ in } }
        }
    }

    private func publish(_ result: Result<Configuration, CorosyncError>, for ticket: Int) {
        let isNew = state.withLock { state in
            defer { (state.result, state.read) = (result, ticket) }
            return state.result != result
        }
        if isNew, case .success(let configuration) = result { changed?(configuration) }
    }
}
