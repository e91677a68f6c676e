// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc
internal import Synchronization

/// Notices when something that corosync has begun does not end: a request then blocks in the library for ever, and its
/// thread cannot notice.
///
/// The thread that makes requests reports their begin, every answer, and their end; the thread that waits on
/// ``descriptor`` learns of a silence. The timer is set only while there is a request.
final class Watchdog: Sendable {
    private let lastAnswer = Atomic<UInt64>(0)
    private let hasRequest = Atomic<Bool>(false)
    private let silence = Atomic<UInt64>(0)

    /// Readable when it is time to look at ``silentFor()``.
    let descriptor: CInt

    /// The pause between two reports of one silence.
    static let repetition = Duration.seconds(60)

    /// A watchdog of nothing yet. Throws when there is no descriptor to be had.
    init() throws(SystemError) {
        descriptor = try SystemError.check(
            "timerfd_create", timerfd_create(CLOCK_MONOTONIC, CInt(TFD_CLOEXEC | TFD_NONBLOCK)))
    }

    /// Reports that a request is about to be made, or has been under way for a while, and how long a silence is noticed.
    func begin(silence: Duration = .seconds(10), elapsed: Duration = .zero) {
        guard !hasRequest.exchange(true, ordering: .sequentiallyConsistent) else { return answered() }
        self.silence.store(silence.nanoseconds, ordering: .sequentiallyConsistent)
        answered(before: elapsed)
        setTimer(silence)
    }

    /// Reports an answer.
    func answered(before elapsed: Duration = .zero) {
        lastAnswer.store(Instant.now.nanoseconds &- elapsed.nanoseconds, ordering: .sequentiallyConsistent)
    }

    /// Reports that there is no request any more.
    func end() {
        guard hasRequest.exchange(false, ordering: .sequentiallyConsistent) else { return }
        setTimer(.zero)
    }

    /// Whether there is a request without an answer.
    var isWaiting: Bool { hasRequest.load(ordering: .sequentiallyConsistent) }

    /// How long corosync has been silent, when that is too long. To be called when ``descriptor`` is readable.
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
