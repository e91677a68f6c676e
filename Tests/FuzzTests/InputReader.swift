// SPDX-License-Identifier: MIT

internal import TestSupport

/// A random number generator that returns the bytes of an input, so that a mutation of the input changes the values
/// that are generated from it.
///
/// Each number takes one byte. The byte is at the top, where it alone decides a number from a small range; the bits
/// below are a hash of all bytes so far, for larger ranges. After the end of the input every byte is 0.
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

    /// The unread bytes.
    mutating func rest() -> [UInt8] {
        defer { position = bytes.count }
        return Array(bytes[min(position, bytes.count)...])
    }

    mutating func next() -> UInt64 {
        let byte = UInt64(byte())
        var below = SeededGenerator(seed: sum &+ byte)
        sum = below.next()
        // A range of 32 bits or less uses only the lower half.
        return byte << 56 | byte << 24 | sum & 0x00FF_FFFF_00FF_FFFF
    }
}
