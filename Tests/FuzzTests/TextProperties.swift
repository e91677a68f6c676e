// SPDX-License-Identifier: MIT

@testable internal import QuorumWatch

extension PropertyCheck {
    /// A string that is made harmless has no misleading character, is short, and is unchanged if it is an ordinary
    /// name.
    mutating func check(text: String, limit: Int) {
        countCase()
        let isHonest = text.utf8.count <= limit && text.unicodeScalars.allSatisfy(\.isHonest)
        for also in ["", "|'"] {
            let result = escaped(text, limit: limit, also: also)
            let isHarmless = !result.unicodeScalars.contains { $0.isMisleading || also.unicodeScalars.contains($0) }
            let isKept =
                result == text || !isHonest || text.unicodeScalars.contains(where: also.unicodeScalars.contains)
            check(
                isHarmless && isKept && result.utf8.count <= limit + 16,
                "\(text.debugDescription), at most \(limit), without '\(also)': \(result.debugDescription)")
        }
    }

    /// Output has no character that a terminal, a log or a reader of lines could take for anything but text.
    mutating func check(output: [UInt8], isOneLine: Bool) {
        guard let text = String(validating: output, as: UTF8.self) else { return check(false, "invalid UTF-8") }
        let newlines = output.count { $0 == 0x0A }
        check(output.last == 0x0A && (!isOneLine || newlines == 1), "not one whole line: \(text.debugDescription)")
        check(
            text.unicodeScalars.allSatisfy { $0 == "\n" || !$0.isMisleading }, "harmful: \(text.debugDescription)")
    }
}

extension Unicode.Scalar {
    /// By the categories of Unicode, independently of the program's own list.
    fileprivate var isMisleading: Bool {
        if isASCII { return value < 0x20 || value == 0x7F }
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: return true
        default: return properties.isBidiControl
        }
    }

    /// Whether it is a usual character of a name.
    fileprivate var isHonest: Bool {
        if isASCII { return value >= 0x20 && value < 0x7F }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .decimalNumber, .letterNumber, .otherNumber, .dashPunctuation, .otherPunctuation:
            return true
        default: return false
        }
    }
}
