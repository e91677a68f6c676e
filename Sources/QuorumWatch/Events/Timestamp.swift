// SPDX-License-Identifier: MIT

internal import Glibc

/// A moment of the wall clock, in microseconds since 1970 (UTC).
struct Timestamp: Hashable, Comparable, Sendable {
    /// The microseconds.
    var microseconds: Int64

    /// A moment from its microseconds since 1970.
    init(microseconds: Int64) { self.microseconds = microseconds }

    /// The present moment (clock_gettime(2)).
    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// The earlier moment is the smaller one.
    static func < (one: Timestamp, other: Timestamp) -> Bool { one.microseconds < other.microseconds }

    private var seconds: Int64 { microseconds.flooredQuotient(by: 1_000_000) }
    private var fraction: Int64 { microseconds - seconds * 1_000_000 }

    /// RFC 3339 in UTC with microseconds: `2026-11-22T09:43:34.506123Z`.
    func appendUTC(to bytes: inout [UInt8]) {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        parts.append(to: &bytes)
        bytes.append(UInt8(ascii: "."))
        bytes.append(number: fraction, digits: 6)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Seconds since 1970 with microseconds: `1795340614.506123`.
    func appendSeconds(to bytes: inout [UInt8]) {
        if microseconds < 0 { bytes.append(UInt8(ascii: "-")) }
        let (seconds, fraction) = microseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        bytes.append(decimal: seconds)
        bytes.append(UInt8(ascii: "."))
        bytes.append(number: Int64(fraction), digits: 6)
    }

    /// RFC 3339 in local time with milliseconds: `2026-11-22T10:43:34.506+01:00`.
    func appendLocal(to bytes: inout [UInt8]) {
        var time = time_t(seconds)
        var parts = tm()
        localtime_r(&time, &parts)
        parts.append(to: &bytes)
        bytes.append(UInt8(ascii: "."))
        bytes.append(number: fraction / 1000, digits: 3)
        let minutes = Int64(abs(parts.tm_gmtoff)) / 60
        bytes.append(UInt8(ascii: parts.tm_gmtoff < 0 ? "-" : "+"))
        bytes.append(number: minutes / 60, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(number: minutes % 60, digits: 2)
    }
}

extension tm {
    fileprivate func append(to bytes: inout [UInt8]) {
        bytes.append(number: Int64(tm_year) + 1900, digits: 4)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(number: Int64(tm_mon) + 1, digits: 2)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(number: Int64(tm_mday), digits: 2)
        bytes.append(UInt8(ascii: "T"))
        bytes.append(number: Int64(tm_hour), digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(number: Int64(tm_min), digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(number: Int64(tm_sec), digits: 2)
    }
}

extension [UInt8] {
    /// The last decimal digits of a number, with leading zeros.
    fileprivate mutating func append(number: Int64, digits: Int) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}

extension Int64 {
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
