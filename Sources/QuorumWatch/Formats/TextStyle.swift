// SPDX-License-Identifier: MIT

/// The style of a piece of text on a terminal with colour.
enum TextStyle: String {
    case good = "1;32"
    case bad = "1;31"
    case warning = "33"
    case faint = "2"
    case strong = "1"

    /// The text, between the escape sequences of the style when colour is on.
    func apply(to text: String, color: Bool) -> String {
        color ? "\(sequence)\(text)\u{1b}[0m" : text
    }

    /// The escape sequence that begins the style.
    var sequence: String { "\u{1b}[\(rawValue)m" }
}
