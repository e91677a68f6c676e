// SPDX-License-Identifier: MIT

internal import TestSupport

/// Gives out the bytes of an input as random numbers, so that whoever varies the input varies what is made of it.
///
/// A number takes one byte. The byte is where a small range looks, at the top, and so decides alone; below it is
/// what all bytes so far come to, for ranges that are larger. Behind the end every byte is 0.
struct InputReader: RandomNumberGenerator {
    private let bytes: [UInt8]
    private var position = 0
    private var sum: UInt64 = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func byte() -> UInt8 {
        guard !isAtEnd else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    /// What has not been read.
    mutating func rest() -> [UInt8] {
        defer { position = bytes.count }
        return Array(bytes[min(position, bytes.count)...])
    }

    mutating func next() -> UInt64 {
        let byte = UInt64(byte())
        var below = SeededGenerator(seed: sum &+ byte)
        sum = below.next()
        // A range of 32 bits or less looks at the lower half alone.
        return byte << 56 | byte << 24 | sum & 0x00FF_FFFF_00FF_FFFF
    }
}
