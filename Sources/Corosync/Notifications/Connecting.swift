// SPDX-License-Identifier: MIT

internal import Synchronization

/// Starts the threads that follow corosync, one after the other.
///
/// A thread that connects to a corosync that hangs cannot be ended, and connections are made one at a time anyway. So no
/// thread is started while another one connects: however often a sequence is iterated and cancelled meanwhile, one
/// thread waits.
enum Connecting {
    /// What a thread does.
    struct Job: Sendable {
        /// Whether nobody needs it any more.
        let isCancelled: @Sendable () -> Bool
        /// Connects, calls ``Connecting/ended()``, and follows.
        let run: @Sendable () -> Void
        /// Called with an error number instead of ``run`` if no thread can be started.
        let fail: @Sendable (CInt) -> Void
    }

    private struct State {
        var isConnecting = false
        var waiting: [Job] = []
    }

    private static let state = Mutex(State())

    /// Starts a thread as soon as no other one connects.
    static func start(_ job: Job) {
        state.withLock { $0.waiting.append(job) }
        launchNext()
    }

    /// Records that a thread has connected, or has failed to.
    static func ended() {
        state.withLock { $0.isConnecting = false }
        launchNext()
    }

    private static func launchNext() {
        let next = state.withLock { state -> Job? in
            state.waiting.removeAll { $0.isCancelled() }
            guard !state.isConnecting, !state.waiting.isEmpty else { return nil }
            state.isConnecting = true
            return state.waiting.removeFirst()
        }
        guard let next else { return }
        let error = startThread(next.run)
        guard error != 0 else { return }
        next.fail(error)
        ended()
    }
}
