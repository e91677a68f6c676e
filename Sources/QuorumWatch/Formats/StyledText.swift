// SPDX-License-Identifier: MIT

/// The style of a piece of text on a terminal with colour.
enum TextStyle: String {
    case good = "1;32"
    case bad = "1;31"
    case warning = "33"
    case faint = "2"
    case strong = "1"

    /// The text, between the escape sequences of the style when colour is on.
    func apply(to text: String, color: Bool) -> String { color ? "\u{1b}[\(rawValue)m\(text)\u{1b}[0m" : text }
}

/// Text with styles.
struct StyledText: Hashable, Sendable, ExpressibleByStringLiteral {
    /// A part in one style.
    struct Part: Hashable, Sendable {
        var text: String
        var style: TextStyle?
    }

    private(set) var parts: [Part] = []

    init(_ text: String, _ style: TextStyle? = nil) { self += (text, style) }

    init(stringLiteral text: String) { self.init(text) }

    /// The text without its styles.
    var plain: String { parts.count == 1 ? parts[0].text : parts.map(\.text).joined() }

    var isEmpty: Bool { parts.isEmpty }

    /// The text, with the escape sequences of its styles when colour is on.
    func rendered(color: Bool) -> String {
        parts.map { $0.style?.apply(to: $0.text, color: color) ?? $0.text }.joined()
    }

    static func += (text: inout StyledText, part: (text: String, style: TextStyle?)) {
        guard !part.text.isEmpty else { return }
        if let last = text.parts.indices.last, text.parts[last].style == part.style {
            text.parts[last].text += part.text
        } else {
            text.parts.append(Part(text: part.text, style: part.style))
        }
    }

    static func += (text: inout StyledText, more: StyledText) {
        for part in more.parts { text += (part.text, part.style) }
    }

    static func += (text: inout StyledText, more: String) { text += (more, nil) }

    static func + (one: StyledText, other: StyledText) -> StyledText {
        var sum = one
        sum += other
        return sum
    }
}

extension Sequence<StyledText> {
    func joined(separator: StyledText) -> StyledText {
        var sum: StyledText = ""
        for (index, text) in enumerated() {
            if index > 0 { sum += separator }
            sum += text
        }
        return sum
    }
}
