// SPDX-License-Identifier: MIT

/// A JSON writer with a reused buffer.
///
/// The members of an object are written one after another; a comma is inserted before each value that follows another.
struct JSONBuffer {
    private(set) var bytes: [UInt8] = []
    /// Whether the last element is a value, so that the next one needs a comma.
    private var isAfterValue = false

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        isAfterValue = false
    }

    mutating func newline() { bytes.append(UInt8(ascii: "\n")) }

    /// The name of the member whose value follows; it needs no escaping.
    mutating func key(_ name: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        isAfterValue = false
    }

    mutating func null() { literal("null") }

    mutating func value(_ bool: Bool) { literal(bool ? "true" : "false") }

    mutating func value(_ number: Int) {
        separate()
        bytes.append(decimal: number)
    }

    mutating func value(_ string: String) { quoted { $0.append(escaped: string) } }

    /// A string that `write` appends without escaping.
    mutating func quoted(_ write: (inout JSONBuffer) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        write(&self)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Text that `write` appends as it is.
    mutating func raw(_ write: (inout [UInt8]) -> Void) {
        write(&bytes)
        isAfterValue = true
    }

    mutating func object(_ members: (inout JSONBuffer) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "{"))
        isAfterValue = false
        members(&self)
        bytes.append(UInt8(ascii: "}"))
        isAfterValue = true
    }

    mutating func array<Elements: Sequence>(
        _ elements: Elements, _ element: (inout JSONBuffer, Elements.Element) -> Void
    ) {
        separate()
        bytes.append(UInt8(ascii: "["))
        isAfterValue = false
        for item in elements { element(&self, item) }
        bytes.append(UInt8(ascii: "]"))
        isAfterValue = true
    }

    private mutating func separate() {
        if isAfterValue { bytes.append(UInt8(ascii: ",")) }
        isAfterValue = true
    }

    private mutating func literal(_ text: StaticString) {
        separate()
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A string with quotes, backslashes and harmful characters escaped.
    private mutating func append(escaped string: String) {
        var string = string
        let isPlain = string.withUTF8 { text in
            let isPlain = text.allSatisfy { byte in
                byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
            }
            if isPlain { bytes.append(contentsOf: text) }
            return isPlain
        }
        if isPlain { return }
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(scalar.value))
            case _ where scalar.needsEscape:
                for unit in UTF16.encode(scalar)! {
                    bytes.append(contentsOf: "\\u".utf8)
                    bytes.append(hexadecimal: unit)
                }
            default:
                bytes.append(contentsOf: UTF8.encode(scalar)!)
            }
        }
    }
}

extension [UInt8] {
    /// A number in decimal.
    mutating func append(decimal number: some FixedWidthInteger) {
        if number < 0 { append(UInt8(ascii: "-")) }
        // Digits are written from the right; a number of 64 bits has at most 20.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = digits.count
            var rest = UInt64(number.magnitude)
            repeat {
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
                rest /= 10
            } while rest > 0
            append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    fileprivate mutating func append(hexadecimal number: UInt16) {
        for shift in [12, 8, 4, 0] as [UInt16] {
            append("0123456789abcdef".utf8[offset: Int(number >> shift & 0xF)])
        }
    }
}

extension String.UTF8View {
    fileprivate subscript(offset offset: Int) -> UInt8 { self[index(startIndex, offsetBy: offset)] }
}
