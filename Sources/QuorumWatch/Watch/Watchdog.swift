// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc
internal import Synchronization

/// Detects requests that corosync does not answer, and recalculations that do not end. A request without an answer
/// blocks its thread in the library forever, so another thread has to detect it.
///
/// The thread that makes requests reports their begin, every answer, and their end. Another thread polls
/// ``descriptor``, and calls ``silentFor()``. The timer runs only during a request.
final class Watchdog: Sendable {
    private let lastAnswer = Atomic<UInt64>(0)
    private let hasRequest = Atomic<Bool>(false)
    private let silence = Atomic<UInt64>(0)

    /// A descriptor that is readable when ``silentFor()`` has to be called.
    let descriptor: CInt

    /// The time between two reports of one silence.
    static let repetition = Duration.seconds(60)

    /// A watchdog without a request. Throws when no descriptor is available.
    init() throws(SystemError) {
        descriptor = try SystemError.check(
            "timerfd_create", timerfd_create(CLOCK_MONOTONIC, CInt(TFD_CLOEXEC | TFD_NONBLOCK)))
    }

    /// Reports that a request begins.
    ///
    /// - Parameters:
    ///   - silence: The time without an answer after which a silence is reported.
    ///   - elapsed: How long the request has been in progress already.
    func begin(silence: Duration = .seconds(10), elapsed: Duration = .zero) {
        guard !hasRequest.exchange(true, ordering: .sequentiallyConsistent) else { return answered() }
        self.silence.store(silence.nanoseconds, ordering: .sequentiallyConsistent)
        lastAnswer.store(Instant.now.nanoseconds &- elapsed.nanoseconds, ordering: .sequentiallyConsistent)
        setTimer(silence)
    }

    /// Reports an answer.
    func answered() { lastAnswer.store(Instant.now.nanoseconds, ordering: .sequentiallyConsistent) }

    /// Reports that the request has ended.
    func end() {
        guard hasRequest.exchange(false, ordering: .sequentiallyConsistent) else { return }
        setTimer(.zero)
    }

    /// Whether there is a request without an answer.
    var isWaiting: Bool { hasRequest.load(ordering: .sequentiallyConsistent) }

    /// How long corosync has been silent; nil when that is not too long. To be called when ``descriptor`` is readable.
    func silentFor() -> Duration? {
        var expirations: UInt64 = 0
        _ = read(descriptor, &expirations, MemoryLayout<UInt64>.size)
        guard isWaiting else { return nil }
        let last = Instant(nanoseconds: lastAnswer.load(ordering: .sequentiallyConsistent))
        let silent = Instant.now.since(last)
        let silence = Duration.nanoseconds(Int64(self.silence.load(ordering: .sequentiallyConsistent)))
        setTimer(silent >= silence ? Self.repetition : silence - silent)
        return silent >= silence ? silent : nil
    }

    private func setTimer(_ duration: Duration) {
        var setting = itimerspec()
        setting.it_value = Instant(nanoseconds: duration.nanoseconds).timespec
        timerfd_settime(descriptor, 0, &setting, nil)
    }
}
