// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// A moment of the monotonic clock (`CLOCK_MONOTONIC` of clock_gettime(2)).
struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since an unspecified moment in the past.
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

    /// The moment that is earlier by a duration.
    func before(_ duration: Duration) -> Instant {
        Instant(nanoseconds: nanoseconds - min(nanoseconds, duration.nanoseconds))
    }

    /// The duration since an earlier moment; zero if that moment is later.
    func since(_ earlier: Instant) -> Duration {
        .nanoseconds(Int64(clamping: nanoseconds < earlier.nanoseconds ? 0 : nanoseconds - earlier.nanoseconds))
    }

    var timespec: Glibc.timespec {
        Glibc.timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}

extension Duration {
    /// Whole nanoseconds, of a century at most.
    var nanoseconds: UInt64 {
        let century: Int64 = 100 * 366 * 86400
        let (seconds, attoseconds) = components
        return UInt64(max(0, min(seconds, century))) * 1_000_000_000 + UInt64(max(0, attoseconds) / 1_000_000_000)
    }
}
