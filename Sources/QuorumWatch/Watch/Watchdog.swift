// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc
internal import Synchronization

/// Notices when corosync does not answer: the library waits for ever then, and the thread that asked cannot tell.
///
/// The thread that asks says when it begins, when an answer came, and when it is done; a thread that waits on
/// ``descriptor`` learns of a silence. A timer is set only while something is being asked.
final class Watchdog: Sendable {
    private let lastAnswer = Atomic<UInt64>(0)
    private let isAsking = Atomic<Bool>(false)
    private let silence: Duration

    /// Readable when it is time to look at ``silentFor()``.
    let descriptor = timerfd_create(CLOCK_MONOTONIC, CInt(TFD_CLOEXEC | TFD_NONBLOCK))

    /// A watchdog that notices a silence of this length.
    init(silence: Duration = .seconds(10)) { self.silence = silence }

    /// Something is about to be asked.
    func begin() {
        guard !isAsking.exchange(true, ordering: .sequentiallyConsistent) else { return answered() }
        answered()
        setTimer(silence)
    }

    /// Corosync has answered.
    func answered() { lastAnswer.store(Instant.now.nanoseconds, ordering: .sequentiallyConsistent) }

    /// Nothing more is being asked.
    func end() {
        guard isAsking.exchange(false, ordering: .sequentiallyConsistent) else { return }
        setTimer(.zero)
    }

    /// Whether an answer is waited for.
    var isWaiting: Bool { isAsking.load(ordering: .sequentiallyConsistent) }

    /// How long corosync has been silent, when that is too long. To be called when ``descriptor`` is readable.
    func silentFor(repeatAfter: Duration = .seconds(60)) -> Duration? {
        var expirations: UInt64 = 0
        _ = read(descriptor, &expirations, MemoryLayout<UInt64>.size)
        guard isWaiting else { return nil }
        let last = Instant(nanoseconds: lastAnswer.load(ordering: .sequentiallyConsistent))
        let silent = Instant.now.since(last)
        setTimer(silent >= silence ? repeatAfter : silence - silent)
        return silent >= silence ? silent : nil
    }

    private func setTimer(_ duration: Duration) {
        var setting = itimerspec()
        setting.it_value = Instant(nanoseconds: duration.nanoseconds).timespec
        timerfd_settime(descriptor, 0, &setting, nil)
    }
}
