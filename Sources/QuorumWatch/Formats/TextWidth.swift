// SPDX-License-Identifier: MIT

extension Unicode.Scalar {
    /// The width of a printable character in columns of a terminal, as wcwidth(3) gives it: 0 for a combining
    /// character, 2 for a wide East Asian character or a pictograph.
    var columns: Int {
        if isASCII { return 1 }
        switch value {
        // Vowels and final consonants of Hangul combine with the syllable before them.
        case 0x1160...0x11FF, 0xD7B0...0xD7FF: return 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
            0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x1B2FF,
            0x20000...0x3FFFD:
            return properties.isCombining ? 0 : 2
        default: return properties.isCombining ? 0 : properties.isEmojiPresentation ? 2 : 1
        }
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isCombining: Bool {
        switch generalCategory {
        case .nonspacingMark, .enclosingMark, .format: true
        default: false
        }
    }
}

extension String {
    /// The width in columns of a terminal.
    var columns: Int {
        if utf8.allSatisfy({ $0 < 0x80 }) { return utf8.count }
        return unicodeScalars.reduce(0) { $0 + $1.columns }
    }

    /// The text padded with blanks to a width in columns.
    func padded(to width: Int, left: Bool = false) -> String {
        let padding = String(repeating: " ", count: max(0, width - columns))
        return left ? padding + self : self + padding
    }

    /// The longest prefix that fits into a width in columns.
    func prefix(columns width: Int) -> Substring {
        var rest = width
        var end = unicodeScalars.startIndex
        while end < unicodeScalars.endIndex {
            rest -= unicodeScalars[end].columns
            if rest < 0 { break }
            end = unicodeScalars.index(after: end)
        }
        return self[..<end]
    }

    /// The text cut to a width in columns. `mark` ends a text that was cut.
    func cut(to width: Int, mark: String = "…") -> String {
        StyledText(self).cut(to: width, mark: mark).plain
    }
}
