// SPDX-License-Identifier: MIT

// What ArgumentParser takes from FoundationEssentials, without the rest.
//
// ArgumentParser asks every error whether it is a LocalizedError, and has a hidden option, --experimental-dump-help, that
// prints its options as JSON for the programs that make a manual of them. For these two the whole of FoundationEssentials
// would go into the program: nearly half of its size, a fifth of its memory, and a quarter of a start with options, since
// the Swift runtime looks through all that conforms to a protocol, again and again.
//
// `make build` compiles this as a module of that name and puts it where it is found first (see the Makefile).
// `swift build` and `swift test` know nothing of it and take the real one; a test holds what both print to be the same.
// Should ArgumentParser need more one day, the compiler says what.

/// An error that describes itself.
public protocol LocalizedError: Error {
    /// What happened.
    var errorDescription: String? { get }
}

/// Some bytes.
public struct Data: Sendable {
    let bytes: [UInt8]
}

extension String {
    /// How text is made of bytes.
    public enum Encoding: Sendable {
        /// The one encoding there is.
        case utf8
    }

    /// The text that some bytes are; nil when they are none.
    public init?(data: Data, encoding: Encoding) { self.init(validating: data.bytes, as: UTF8.self) }
}
