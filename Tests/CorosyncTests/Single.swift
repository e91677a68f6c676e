// SPDX-License-Identifier: MIT

/// The smallest encoder and decoder: for types that are encoded as one number or one text.
enum Single: Equatable {
    case number(UInt32)
    case text(String)

    static func encode(_ value: some Encodable) throws -> Single? {
        let encoder = OneEncoder()
        try value.encode(to: encoder)
        return encoder.value
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from value: Single) throws -> Value {
        try Value(from: OneDecoder(value: value))
    }
}

private final class OneEncoder: Encoder, SingleValueEncodingContainer {
    var value: Single?
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func singleValueContainer() -> any SingleValueEncodingContainer { self }
    func encode(_ number: UInt32) throws { value = .number(number) }
    func encode(_ text: String) throws { value = .text(text) }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedEncodingContainer<Key> { fatalError("not single") }
    func unkeyedContainer() -> any UnkeyedEncodingContainer { fatalError("not single") }
    func encodeNil() throws { throw Unsupported() }
    func encode(_ value: some Encodable) throws { throw Unsupported() }
}

private struct OneDecoder: Decoder, SingleValueDecodingContainer {
    let value: Single
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func singleValueContainer() -> any SingleValueDecodingContainer { self }
    func decode(_: UInt32.Type) throws -> UInt32 {
        guard case .number(let number) = value else { throw Unsupported() }
        return number
    }
    func decode(_: String.Type) throws -> String {
        guard case .text(let text) = value else { throw Unsupported() }
        return text
    }

    func container<Key: CodingKey>(keyedBy: Key.Type) throws -> KeyedDecodingContainer<Key> { throw Unsupported() }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Unsupported() }
    func decodeNil() -> Bool { false }
    func decode<Value: Decodable>(_: Value.Type) throws -> Value { throw Unsupported() }
}

private struct Unsupported: Error {}
