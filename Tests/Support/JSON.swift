// SPDX-License-Identifier: MIT

internal import FoundationEssentials

/// A JSON value, parsed by an independent library.
public enum JSON: Hashable, Sendable, Decodable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A whole number.
    case number(Int64)
    /// A number with a fraction.
    case decimal(Double)
    /// A string.
    case string(String)
    /// A list.
    case array([JSON])
    /// An object.
    case object([String: JSON])

    /// Text that is not JSON.
    public struct ParseError: Error, CustomStringConvertible {
        /// The text and the problem.
        public let description: String
    }

    /// Parses a text.
    ///
    /// - Parameter text: One value.
    /// - Throws: ``ParseError``.
    public init(parsing text: String) throws(ParseError) {
        do {
            self = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
        } catch {
            throw ParseError(description: "\(text): \(error)")
        }
    }

    /// Decodes any value.
    ///
    /// - Parameter decoder: The decoder.
    /// - Throws: The errors of the decoder.
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Int64.self) {
            self = .number(number)
        } else if let number = try? value.decode(Double.self) {
            self = .decimal(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSON].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    /// The member of an object, or null.
    public subscript(key: String) -> JSON { members[key] ?? .null }
    /// The members of an object; none for anything else.
    public var members: [String: JSON] { if case .object(let members) = self { members } else { [:] } }
    /// The elements of a list; none for anything else.
    public var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }
    /// The string; nil for anything else.
    public var string: String? { if case .string(let string) = self { string } else { nil } }
    /// The number; nil for anything else.
    public var number: Int64? { if case .number(let number) = self { number } else { nil } }
    /// The Boolean; nil for anything else.
    public var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByDictionaryLiteral,
    ExpressibleByArrayLiteral, ExpressibleByNilLiteral
{
    /// A string.
    public init(stringLiteral string: String) { self = .string(string) }
    /// A number.
    public init(integerLiteral number: Int64) { self = .number(number) }
    /// True or false.
    public init(booleanLiteral bool: Bool) { self = .bool(bool) }
    /// A list.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object.
    public init(dictionaryLiteral members: (String, JSON)...) {
        self = .object(Dictionary(uniqueKeysWithValues: members))
    }
    /// Null.
    public init(nilLiteral: ()) { self = .null }
}
