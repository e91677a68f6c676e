// SPDX-License-Identifier: MIT

internal import Glibc

/// A moment of the wall clock, in microseconds since 1970 (UTC).
struct Timestamp: Hashable, Comparable, Sendable {
    var microseconds: Int64

    /// The present moment (clock_gettime(2)).
    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    static func < (one: Timestamp, other: Timestamp) -> Bool { one.microseconds < other.microseconds }

    /// The whole seconds, rounded down also before 1970.
    private var seconds: Int64 { microseconds / 1_000_000 - (microseconds % 1_000_000 < 0 ? 1 : 0) }
    private var fraction: Int64 { microseconds - seconds * 1_000_000 }

    /// RFC 3339 in UTC with microseconds: `2026-11-22T09:43:34.506123Z`.
    func appendUTC(to bytes: inout [UInt8]) {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        parts.append(to: &bytes)
        bytes.append(ascii: ".")
        bytes.append(decimal: UInt64(fraction), digits: 6)
        bytes.append(ascii: "Z")
    }

    /// Seconds since 1970 with microseconds: `1795340614.506123`.
    func appendSeconds(to bytes: inout [UInt8]) {
        if microseconds < 0 { bytes.append(ascii: "-") }
        let (seconds, fraction) = microseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        bytes.append(decimal: seconds)
        bytes.append(ascii: ".")
        bytes.append(decimal: fraction, digits: 6)
    }

    /// RFC 3339 in local time with milliseconds: `2026-11-22T10:43:34.506+01:00`.
    var local: String {
        var time = time_t(seconds)
        var parts = tm()
        localtime_r(&time, &parts)
        var bytes: [UInt8] = []
        parts.append(to: &bytes)
        bytes.append(ascii: ".")
        bytes.append(decimal: UInt64(fraction / 1000), digits: 3)
        let minutes = UInt64(abs(parts.tm_gmtoff) / 60)
        bytes.append(ascii: parts.tm_gmtoff < 0 ? "-" : "+")
        bytes.append(decimal: minutes / 60, digits: 2)
        bytes.append(ascii: ":")
        bytes.append(decimal: minutes % 60, digits: 2)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension tm {
    fileprivate func append(to bytes: inout [UInt8]) {
        bytes.append(decimal: UInt64(tm_year + 1900), digits: 4)
        bytes.append(ascii: "-")
        bytes.append(decimal: UInt64(tm_mon + 1), digits: 2)
        bytes.append(ascii: "-")
        bytes.append(decimal: UInt64(tm_mday), digits: 2)
        bytes.append(ascii: "T")
        bytes.append(decimal: UInt64(tm_hour), digits: 2)
        bytes.append(ascii: ":")
        bytes.append(decimal: UInt64(tm_min), digits: 2)
        bytes.append(ascii: ":")
        bytes.append(decimal: UInt64(tm_sec), digits: 2)
    }
}
