// SPDX-License-Identifier: MIT

internal import QuorumWatch

extension Verdict {
    /// A string from outside, made harmless: it is, it is short, and an honest name stays as it is.
    mutating func judge(text: String, limit: Int) {
        countCase()
        let isHonest = text.utf8.count <= limit && text.unicodeScalars.allSatisfy(\.isHonest)
        for also in ["", "|'"] {
            let result = harmless(text, limit: limit, also: also)
            let isHarmless = !result.unicodeScalars.contains { $0.isMisleading || also.unicodeScalars.contains($0) }
            let isKept =
                result == text || !isHonest || text.unicodeScalars.contains(where: also.unicodeScalars.contains)
            check(
                isHarmless && isKept && result.utf8.count <= limit + 16,
                "\(text.debugDescription), at most \(limit), without '\(also)': \(result.debugDescription)")
        }
    }

    /// Nothing that a terminal, a log or a reader of lines can take for anything but text.
    mutating func judge(output: [UInt8], isOneLine: Bool) {
        guard let text = String(validating: output, as: UTF8.self) else { return check(false, "no UTF-8") }
        let newlines = output.count { $0 == 0x0A }
        check(output.last == 0x0A && (!isOneLine || newlines == 1), "no line of its own: \(text.debugDescription)")
        check(
            text.unicodeScalars.allSatisfy { $0 == "\n" || !$0.isMisleading }, "harmful: \(text.debugDescription)")
    }
}

extension Unicode.Scalar {
    /// As Unicode has it, and not as the program has it.
    fileprivate var isMisleading: Bool {
        if isASCII { return value < 0x20 || value == 0x7F }
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: return true
        default: return properties.isBidiControl
        }
    }

    /// Whether it is what names are made of.
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
