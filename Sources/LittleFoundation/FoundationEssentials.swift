// SPDX-License-Identifier: MIT
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// What ArgumentParser takes from FoundationEssentials, without the rest.
//
// It asks every error whether it is a LocalizedError, and has a hidden option, --experimental-dump-help, that prints its
// options as JSON. For these two the whole of FoundationEssentials would go into the program: half its size, and a
// fifth of its start, since the Swift runtime looks through all that conforms to a protocol, again and again.
//
// `make build` compiles this and puts it where it is found first; `swift build` and `swift test` know nothing of it, and
// there the hidden option works. Should ArgumentParser need more one day, the compiler says what.

/// An error that describes itself; none in this program does so in this way.
public protocol LocalizedError: Error {
    var errorDescription: String? { get }
}

/// Encodes nothing, so that the hidden option prints nothing.
public final class JSONEncoder {
    public struct OutputFormatting: OptionSet {
        public let rawValue: UInt
        public init(rawValue: UInt) { self.rawValue = rawValue }
        public static let prettyPrinted = OutputFormatting(rawValue: 1)
        public static let sortedKeys = OutputFormatting(rawValue: 2)
    }

    public var outputFormatting: OutputFormatting = []
    public init() {}
    public func encode(_ value: some Encodable) throws -> Data { Data() }
}

/// Nothing.
public struct Data: Sendable {}

extension String {
    /// Of the one encoding that is asked for.
    public struct Encoding: Sendable {
        public static let utf8 = Encoding()
    }

    /// Always nil.
    public init?(data: Data, encoding: Encoding) { nil }
}
