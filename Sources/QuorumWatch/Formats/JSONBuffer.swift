// SPDX-License-Identifier: MIT

/// JSON text that grows in one reused buffer.
///
/// An object's members are written one after the other; a comma is put wherever a value does not follow an opening
/// bracket or a colon.
struct JSONBuffer {
    private(set) var bytes: [UInt8] = []

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    mutating func newline() { bytes.append(UInt8(ascii: "\n")) }

    mutating func key(_ key: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func null() { literal("null") }

    mutating func value(_ bool: Bool?) {
        guard let bool else { return null() }
        literal(bool ? "true" : "false")
    }

    mutating func value(_ number: (some FixedWidthInteger)?) {
        guard let number else { return null() }
        separate()
        bytes.append(decimal: number)
    }

    mutating func value(_ string: String?) {
        guard let string else { return null() }
        quoted { $0.append(escaped: string) }
    }

    mutating func value(_ strings: [String]?) {
        guard let strings else { return null() }
        array(strings) { $0.value($1) }
    }

    /// A string that `write` puts down; it must give nothing that needs an escape.
    mutating func quoted(_ write: (inout JSONBuffer) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        write(&self)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func raw(_ write: (inout [UInt8]) -> Void) { write(&bytes) }

    mutating func object(_ members: (inout JSONBuffer) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "{"))
        members(&self)
        bytes.append(UInt8(ascii: "}"))
    }

    mutating func array<Elements: Sequence>(
        _ elements: Elements, _ element: (inout JSONBuffer, Elements.Element) -> Void
    ) {
        separate()
        bytes.append(UInt8(ascii: "["))
        for item in elements { element(&self, item) }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func separate() {
        switch bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"), UInt8(ascii: "\n"): break
        default: bytes.append(UInt8(ascii: ","))
        }
    }

    private mutating func literal(_ text: StaticString) {
        separate()
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A string with everything escaped that ends a string, a line or a terminal's patience.
    private mutating func append(escaped string: String) {
        if string.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            bytes.append(contentsOf: string.utf8)
            return
        }
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(scalar.value))
            case _ where scalar.isHarmful:
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
        let start = count
        var rest = number.magnitude
        repeat {
            append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        self[start...].reverse()
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
