// SPDX-License-Identifier: MIT

/// Makes JSON of a value, always indented and with its keys in order.
public final class JSONEncoder {
    /// How JSON looks. What may be asked for is what it looks like in any case.
    public struct OutputFormatting: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt
        /// A format of its bits.
        public init(rawValue: UInt) { self.rawValue = rawValue }
        /// On many lines, indented.
        public static let prettyPrinted = OutputFormatting(rawValue: 1)
        /// The members of an object by their names.
        public static let sortedKeys = OutputFormatting(rawValue: 2)
    }

    /// How the JSON should look.
    public var outputFormatting: OutputFormatting = []

    /// An encoder.
    public init() {}

    /// The JSON of a value. Throws what the value throws.
    public func encode(_ value: some Encodable) throws -> Data {
        Data(bytes: Array(try JSON(value).text(indentedBy: "").utf8))
    }
}

/// A value of JSON, to be filled by whatever encodes itself.
private final class JSON {
    enum Content {
        /// A number, a truth value, null or a quoted string: the text of it.
        case text(String)
        case object([String: JSON])
        case array([JSON])
    }

    var content = Content.text("null")

    init() {}

    init(_ value: some Encodable) throws {
        switch value {
        case let string as String: content = .text(Self.quoted(string))
        case let bool as Bool: content = .text("\(bool)")
        case let number as any BinaryInteger: content = .text("\(number)")
        case let number as Double: content = .text("\(number)")
        default: try value.encode(to: Filler(json: self))
        }
    }

    func text(indentedBy indent: String) -> String {
        let inner = indent + "  "
        func block(_ open: String, _ lines: [String], _ close: String) -> String {
            "\(open)\n\(lines.map { inner + $0 }.joined(separator: ",\n"))\n\(indent)\(close)"
        }
        switch content {
        case .text(let text): return text
        case .array(let elements): return block("[", elements.map { $0.text(indentedBy: inner) }, "]")
        case .object(let members):
            let lines = members.sorted { $0.key < $1.key }.map { name, value in
                "\(Self.quoted(name)) : \(value.text(indentedBy: inner))"
            }
            return block("{", lines, "}")
        }
    }

    private static func quoted(_ string: String) -> String {
        let escaped = string.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\", "/": "\\\(scalar)"
            case "\n": "\\n"
            case "\r": "\\r"
            case "\t": "\\t"
            case "\u{8}": "\\b"
            case "\u{c}": "\\f"
            case "\0"..."\u{1f}": "\\u00\(scalar.value < 16 ? "0" : "")\(String(scalar.value, radix: 16))"
            default: "\(scalar)"
            }
        }
        return "\"\(escaped.joined())\""
    }
}

/// Fills a value of JSON, in whichever of the three ways a value encodes itself.
private struct Filler: Encoder, SingleValueEncodingContainer, UnkeyedEncodingContainer {
    let json: JSON
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        json.content = .object([:])
        return KeyedEncodingContainer(ObjectFiller(json: json))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        json.content = .array([])
        return self
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    /// Adds to an array, or is the one value.
    func add(_ value: JSON) {
        if case .array(let elements) = json.content {
            json.content = .array(elements + [value])
        } else {
            json.content = value.content
        }
    }

    var count: Int { if case .array(let elements) = json.content { elements.count } else { 0 } }

    func encodeNil() { add(JSON()) }
    func encode<Value: Encodable>(_ value: Value) throws { add(try JSON(value)) }
    func superEncoder() -> any Encoder { nested() }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
    func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        nested().container(keyedBy: type)
    }

    private func nested() -> Filler {
        let value = JSON()
        add(value)
        return Filler(json: value)
    }
}

/// Fills an object.
private struct ObjectFiller<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let json: JSON
    let codingPath: [any CodingKey] = []

    private func add(_ value: JSON, _ name: String) {
        guard case .object(var members) = json.content else { return }
        members[name] = value
        json.content = .object(members)
    }

    private func nested(_ name: String) -> Filler {
        let value = JSON()
        add(value, name)
        return Filler(json: value)
    }

    func encodeNil(forKey key: Key) { add(JSON(), key.stringValue) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { add(try JSON(value), key.stringValue) }
    func superEncoder() -> any Encoder { nested("super") }
    func superEncoder(forKey key: Key) -> any Encoder { nested(key.stringValue) }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        nested(key.stringValue).unkeyedContainer()
    }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        nested(key.stringValue).container(keyedBy: type)
    }
}
