// SPDX-License-Identifier: MIT

internal import Glibc

/// Random numbers that are the same for the same seed (SplitMix64), so that what they made can be made again.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// - Parameter seed: Which numbers.
    public init(seed: UInt64) { state = seed }

    /// The next number.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var number = state
        number = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
        number = (number ^ (number >> 27)) &* 0x94D0_49BB_1331_11EB
        return number ^ (number >> 31)
    }
}

/// A number that whoever runs the tests sets in the environment.
///
/// - Parameter name: The name of the variable.
/// - Returns: Its value, or nil when it is not a number.
public func numberFromEnvironment(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
}
