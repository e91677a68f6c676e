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
        let mayStart = state.withLock { state in
            guard state.isConnecting else {
                state.isConnecting = true
                return true
            }
            state.waiting.removeAll { $0.isCancelled() }
            state.waiting.append(job)
            return false
        }
        if mayStart { launch(job) }
    }

    /// Records that a thread has connected, or has failed to.
    static func ended() {
        let next = state.withLock { state -> Job? in
            state.waiting.removeAll { $0.isCancelled() }
            state.isConnecting = !state.waiting.isEmpty
            return state.isConnecting ? state.waiting.removeFirst() : nil
        }
        if let next { launch(next) }
    }

    private static func launch(_ job: Job) {
        let error = startThread(job.run)
        guard error != 0 else { return }
        job.fail(error)
        ended()
    }
}
