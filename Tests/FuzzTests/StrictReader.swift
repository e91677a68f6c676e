// SPDX-License-Identifier: MIT

internal import TestSupport

/// A strict JSON parser (RFC 8259), for fuzzing, where millions of lines are parsed: it is much faster than the library
/// that the other tests use. Some results are compared with that library.
struct StrictReader {
    struct Refusal: Error { let position: Int }

    private let bytes: [UInt8]
    private var position = 0

    /// Parses one value, with nothing after it. A repeated key in an object is an error.
    static func read(_ bytes: [UInt8]) throws -> JSON {
        var reader = StrictReader(bytes: bytes)
        let value = try reader.value()
        guard reader.position == bytes.count else { throw Refusal(position: reader.position) }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

    private mutating func take(_ byte: Unicode.Scalar) throws {
        guard next == UInt8(ascii: byte) else { throw Refusal(position: position) }
        position += 1
    }

    private mutating func takes(_ byte: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    private mutating func value() throws -> JSON {
        switch next {
        case UInt8(ascii: "{"):
            position += 1
            var members: [String: JSON] = [:]
            guard !takes("}") else { return .object(members) }
            repeat {
                let key = try string()
                try take(":")
                guard members.updateValue(try value(), forKey: key) == nil else { throw Refusal(position: position) }
            } while takes(",")
            try take("}")
            return .object(members)
        case UInt8(ascii: "["):
            position += 1
            var elements: [JSON] = []
            guard !takes("]") else { return .array(elements) }
            repeat { elements.append(try value()) } while takes(",")
            try take("]")
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        default: return try number()
        }
    }

    private mutating func word(_ word: String, _ value: JSON) throws -> JSON {
        for scalar in word.unicodeScalars { try take(scalar) }
        return value
    }

    private mutating func number() throws -> JSON {
        let start = position
        _ = takes("-")
        let digits = position
        while (0x30...0x39).contains(next) { position += 1 }
        let hasLeadingZero = position - digits > 1 && bytes[digits] == 0x30
        let isWhole = !takes(".")
        let fraction = position
        while !isWhole, (0x30...0x39).contains(next) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard !hasLeadingZero, digits < fraction, isWhole || fraction < position else {
            throw Refusal(position: start)
        }
        let value =
            isWhole
            ? Int64(text).map(JSON.number)
            : Double(text).map { number in
                Int64(exactly: number).map(JSON.number) ?? .decimal(number)
            }
        guard let value else { throw Refusal(position: start) }
        return value
    }

    private mutating func string() throws -> String {
        try take("\"")
        var units: [UInt16] = []
        var text: [UInt8] = []
        func flush() throws {
            for scalar in String(decoding: units, as: UTF16.self).unicodeScalars {
                // U+FFFD replaces a surrogate without its pair.
                guard scalar != "\u{FFFD}" else { throw Refusal(position: position) }
                text += Array(String(scalar).utf8)
            }
            units = []
        }
        while next != UInt8(ascii: "\"") {
            guard position < bytes.count, next >= 0x20 else { throw Refusal(position: position) }
            guard takes("\\") else {
                try flush()
                text.append(next)
                position += 1
                continue
            }
            if takes("u") {
                let digits = bytes[position..<min(position + 4, bytes.count)]
                guard digits.count == 4, let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16) else {
                    throw Refusal(position: position)
                }
                units.append(unit)
                position += 4
            } else {
                try flush()
                guard next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") else {
                    throw Refusal(position: position)
                }
                text.append(next)
                position += 1
            }
        }
        try flush()
        position += 1
        guard let string = String(validating: text, as: UTF8.self) else { throw Refusal(position: position) }
        return string
    }
}
