// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// A moment of the clock that nobody sets (`CLOCK_MONOTONIC` of clock_gettime(2)).
struct Instant: Comparable, Sendable {
    /// Nanoseconds since some moment in the past.
    var nanoseconds: UInt64

    static var now: Instant {
        var time = Glibc.timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    static func < (one: Instant, other: Instant) -> Bool { one.nanoseconds < other.nanoseconds }

    static func + (instant: Instant, duration: Duration) -> Instant {
        Instant(nanoseconds: instant.nanoseconds &+ duration.nanoseconds)
    }

    /// The moment so long before this one.
    func before(_ duration: Duration) -> Instant {
        Instant(nanoseconds: nanoseconds - min(nanoseconds, duration.nanoseconds))
    }

    /// How long after an earlier moment; zero when it is not.
    func since(_ earlier: Instant) -> Duration {
        .nanoseconds(Int64(clamping: nanoseconds < earlier.nanoseconds ? 0 : nanoseconds - earlier.nanoseconds))
    }

    var timespec: Glibc.timespec {
        Glibc.timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}

extension Duration {
    /// Whole nanoseconds; what is longer than a century is a century.
    var nanoseconds: UInt64 {
        let century: Int64 = 100 * 366 * 86400
        let seconds = UInt64(max(0, min(components.seconds, century)))
        return seconds * 1_000_000_000 + UInt64(max(0, components.attoseconds) / 1_000_000_000)
    }
}
