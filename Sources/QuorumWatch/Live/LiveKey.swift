// SPDX-License-Identifier: MIT

/// A command that a key of the page stands for.
enum LiveKey: Hashable, Sendable {
    case up, down, pageUp, pageDown, oldest, newest, help, redraw, quit

    /// The command of a character.
    fileprivate init?(_ byte: UInt8) {
        switch Unicode.Scalar(byte) {
        case "q": self = .quit
        case "k": self = .up
        case "j": self = .down
        case "b": self = .pageUp
        case " ": self = .pageDown
        case "g": self = .oldest
        case "G": self = .newest
        case "?", "h": self = .help
        case "\u{0C}": self = .redraw
        default: return nil
        }
    }

    /// The command of a control sequence, given without its introducer: `A`, `5~`.
    fileprivate init?(sequence: [UInt8]) {
        switch String(decoding: sequence, as: UTF8.self) {
        case "A": self = .up
        case "B": self = .down
        case "5~": self = .pageUp
        case "6~": self = .pageDown
        case "H", "1~": self = .oldest
        case "F", "4~": self = .newest
        default: return nil
        }
    }
}

/// Parses the input of a terminal into commands. A sequence may arrive in parts.
struct LiveKeyParser {
    private enum Place {
        case text
        case escape
        case sequence([UInt8])
    }

    private var place = Place.text

    mutating func keys(in bytes: some Sequence<UInt8>) -> [LiveKey] { bytes.compactMap { key($0) } }

    private mutating func key(_ byte: UInt8) -> LiveKey? {
        switch place {
        case .text where byte == 0x1B: place = .escape
        case .text: return LiveKey(byte)
        case .escape where byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O"): place = .sequence([])
        case .escape where byte == 0x1B: break
        case .escape:
            place = .text
            return LiveKey(byte)
        case .sequence(let begun):
            let sequence = begun + [byte]
            // A final byte ends the sequence. The limit is longer than the sequence of any key.
            if !(0x40...0x7E).contains(byte), byte >= 0x20, sequence.count < 16 {
                place = .sequence(sequence)
            } else {
                place = .text
                return LiveKey(sequence: sequence)
            }
        }
        return nil
    }
}
