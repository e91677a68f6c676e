// SPDX-License-Identifier: MIT

/// A JSON writer.
///
/// The members of an object are written one after another; a comma is inserted before each value that follows another.
struct JSONBuffer: ~Copyable {
    private var bytes: [UInt8] = []
    /// Whether the last element is a value, so that the next one needs a comma.
    private var isAfterValue = false

    init() { bytes.reserveCapacity(4096) }

    /// The bytes of the line, with its newline.
    consuming func line() -> [UInt8] {
        bytes.append(ascii: "\n")
        return bytes
    }

    /// The name of the member whose value follows; it needs no escaping.
    mutating func key(_ name: String) {
        separate()
        bytes.append(ascii: "\"")
        bytes.append(name)
        bytes.append(ascii: "\"")
        bytes.append(ascii: ":")
        isAfterValue = false
    }

    mutating func null() { literal("null") }

    mutating func value(_ bool: Bool) { literal(bool ? "true" : "false") }

    mutating func value(_ number: Int) {
        separate()
        if number < 0 { bytes.append(ascii: "-") }
        bytes.append(decimal: UInt64(number.magnitude))
    }

    mutating func value(_ string: String) {
        separate()
        bytes.append(ascii: "\"")
        bytes.append(escaped: string)
        bytes.append(ascii: "\"")
    }

    mutating func value(_ time: Timestamp) {
        separate()
        bytes.append(ascii: "\"")
        time.appendUTC(to: &bytes)
        bytes.append(ascii: "\"")
    }

    mutating func seconds(_ time: Timestamp) {
        separate()
        time.appendSeconds(to: &bytes)
    }

    mutating func object(_ members: (inout JSONBuffer) -> Void) {
        separate()
        bytes.append(ascii: "{")
        isAfterValue = false
        members(&self)
        bytes.append(ascii: "}")
        isAfterValue = true
    }

    mutating func array<Elements: Sequence>(
        _ elements: Elements, _ element: (inout JSONBuffer, Elements.Element) -> Void
    ) {
        separate()
        bytes.append(ascii: "[")
        isAfterValue = false
        for item in elements { element(&self, item) }
        bytes.append(ascii: "]")
        isAfterValue = true
    }

    private mutating func separate() {
        if isAfterValue { bytes.append(ascii: ",") }
        isAfterValue = true
    }

    private mutating func literal(_ text: StaticString) {
        separate()
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

extension [UInt8] {
    mutating func append(ascii character: Unicode.Scalar) { append(UInt8(ascii: character)) }

    mutating func append(_ text: String) { text.utf8.span.withUnsafeBufferPointer { append(contentsOf: $0) } }

    /// A number in decimal, with zeros before it if it has fewer digits.
    mutating func append(decimal number: UInt64, digits: Int = 1) {
        if number > 9 || digits > 1 { append(decimal: number / 10, digits: digits - 1) }
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    /// A string with quotes, backslashes and harmful characters escaped.
    fileprivate mutating func append(escaped string: String) {
        let utf8 = string.utf8.span
        let isPlain = utf8.indices.allSatisfy { index in
            let byte = utf8[index]
            return byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        }
        if isPlain { return append(string) }
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"", "\\": append("\\\(scalar)")
            case _ where scalar.needsEscape:
                for unit in UTF16.encode(scalar)! {
                    let digits = String(unit, radix: 16)
                    append("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
                }
            default: append(String(scalar))
            }
        }
    }
}
