// SPDX-License-Identifier: MIT

/// Detects requests that corosync does not answer. Such a request blocks its thread in the library forever, so another
/// thread has to detect it.
///
/// The thread that makes requests reports their beginning, and the end of the last one. Another thread polls
/// ``descriptor``, and calls ``silentFor(at:)``. The timer runs only during a request.
final class SilenceTimer: Sendable {
    /// How long a silence lasts before it is reported.
    struct Limits: Hashable, Sendable {
        /// The time without an answer after which a silence is reported.
        var silence = Duration.seconds(10)
        /// The time between two reports of one silence.
        var repetition = Duration.seconds(60)
    }

    private struct State: Sendable {
        /// The beginning of the request; nil: no request.
        var beginning: Instant?
        /// Whether the silence since then was reported.
        var isReported = false
    }

    private let limits: Limits
    private let state = Guarded(State())
    private let timer: Timer

    /// A descriptor that is readable when ``silentFor(at:)`` has to be called.
    var descriptor: CInt { timer.descriptor }

    /// A timer without a request. Throws when no descriptor is available.
    init(limits: Limits = Limits()) throws(SystemError) {
        self.limits = limits
        timer = try Timer()
    }

    /// Reports the beginning of a request, and an answer to the one before it if there is one. Sets the timer only if it
    /// would expire too late, because this is called for every request.
    func requestBegins(at now: Instant = .now) {
        state.withLock { state in
            if state.beginning == nil || state.isReported { timer.set(to: now + limits.silence) }
            state = State(beginning: now)
        }
    }

    func requestEnds() {
        state.withLock { state in
            guard state.beginning != nil else { return }
            state = State()
            timer.set(to: nil)
        }
    }

    /// Whether there is a request without an answer.
    var isWaiting: Bool { state.withLock { $0.beginning != nil } }

    /// How long corosync has been silent; nil when that is not too long. To be called when ``descriptor`` is readable.
    func silentFor(at now: Instant = .now) -> Duration? {
        state.withLock { state in
            timer.acknowledge()
            guard let beginning = state.beginning else { return nil }
            let silent = now.since(beginning)
            state.isReported = silent >= limits.silence
            timer.set(to: state.isReported ? now + limits.repetition : beginning + limits.silence)
            return state.isReported ? silent : nil
        }
    }
}
