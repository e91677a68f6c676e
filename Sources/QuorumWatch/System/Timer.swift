// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// A timer with a descriptor that is readable once it has expired (timerfd_create(2)).
struct Timer: Sendable {
    let descriptor: CInt

    /// A timer that is not set. Throws when no descriptor is available.
    init() throws(SystemError) {
        descriptor = try SystemError.check(
            "timerfd_create", timerfd_create(CLOCK_MONOTONIC, CInt(TFD_CLOEXEC | TFD_NONBLOCK)))
    }

    /// Sets the moment at which it expires; nil: never.
    func set(to moment: Instant?) {
        var setting = itimerspec()
        // Zero would mean never.
        setting.it_value = moment.map { Instant(nanoseconds: max($0.nanoseconds, 1)).timespec } ?? timespec()
        timerfd_settime(descriptor, CInt(TFD_TIMER_ABSTIME), &setting, nil)
    }

    /// Makes the descriptor unreadable until the timer is set and expires again.
    func acknowledge() {
        var expirations: UInt64 = 0
        _ = read(descriptor, &expirations, MemoryLayout<UInt64>.size)
    }
}
