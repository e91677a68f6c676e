// SPDX-License-Identifier: MIT

extension Unicode.Scalar {
    /// Whether it can mislead a terminal, a log or a reader: control characters, with which escape sequences begin,
    /// line separators, and characters that reorder or hide text.
    var needsEscape: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0: true
        case 0xAD, 0x061C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true
        case 0xE0000...0xE007F: true
        default: false
        }
    }
}

/// An external string made safe for a line of text: harmful characters are escaped like `\u{1b}`, and a string longer
/// than `limit` is cut. `also` contains further characters to escape, which are special at the text's destination.
package func escaped(_ string: String, limit: Int = 256, also: String = "") -> String {
    let scalars = string.unicodeScalars
    let needsEscape = { (scalar: Unicode.Scalar) in scalar.needsEscape || also.unicodeScalars.contains(scalar) }
    if string.utf8.count <= limit, !scalars.contains(where: needsEscape) { return string }
    var result = ""
    for scalar in scalars {
        if result.utf8.count >= limit { return result + "…" }
        if needsEscape(scalar) {
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}
