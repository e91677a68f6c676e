// SPDX-License-Identifier: MIT

internal import Corosync

/// Replaces characters that a terminal without UTF-8 cannot show.
struct Glyphs {
    let isPlain: Bool

    private static let plain: [Unicode.Scalar: String] = [
        "■": "#", "□": "-", "│": "|", "≥": ">=", "…": "..", "↑": "Up", "↓": "Down",
    ]

    func text(_ text: String) -> String {
        guard isPlain, !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text }
        return text.unicodeScalars.map { scalar in
            scalar.isASCII
                ? String(scalar) : Self.plain[scalar] ?? "\\u{" + String(scalar.value, radix: 16) + "}"
        }.joined()
    }

    func text(_ text: StyledText) -> StyledText {
        guard isPlain else { return text }
        return text.parts.reduce(into: "") { $0 += (self.text($1.text), $1.style) }
    }
}

/// Formats durations, and computes when the next of them changes.
///
/// Durations are differences of whole seconds of the clock. They all change at the same moment, so that a page is drawn
/// at most once per second.
struct Durations {
    let now: Instant
    let glyphs: Glyphs
    private(set) var nextChange: Instant?

    /// `12 s`, `5 min`, `3 h 12 min`, `3 d 4 h`, or `≥ 5 min`; nil for a lower bound of less than a minute.
    mutating func text(since: LiveFacts.Since) -> String? {
        let second: UInt64 = 1_000_000_000
        let start = since.instant.nanoseconds / second
        let length = now.nanoseconds / second - min(start, now.nanoseconds / second)
        let step: UInt64 = length < 60 ? (since.isExact ? 1 : 60) : length < 86400 ? 60 : 3600
        let next = Instant(nanoseconds: (start + (length / step + 1) * step) * second)
        nextChange = nextChange.map { min($0, next) } ?? next
        let text: String
        switch length {
        case ..<60: text = "\(length) s"
        case ..<3600: text = "\(length / 60) min"
        case ..<86400: text = "\(length / 3600) h \(length / 60 % 60) min"
        default: text = "\(length / 86400) d \(length / 3600 % 24) h"
        }
        guard !since.isExact else { return text }
        return length < 60 ? nil : glyphs.text("≥ ") + text
    }
}

extension LivePage {
    /// The votes as a bar, with the quorum marked: `[■■■■│■□□]`. It has one place per vote, or is scaled if there are too
    /// many votes. Nil if the votes are not known or there is no room.
    func bar(of state: ClusterState, room: Int) -> StyledText? {
        let votes = state.votes
        guard let total = votes.total.map(Int.init), let quorum = votes.quorum.map(Int.init) else { return nil }
        let most = max(total, votes.expected.map(Int.init) ?? 0, quorum)
        // Brackets and mark take three columns.
        let length = min(most, 40, room - 3)
        guard most > 0, length >= min(most, 5) else { return nil }
        let scale = Double(length) / Double(most)
        let marked = Int((Double(quorum) * scale).rounded())
        let share = Int((Double(total) * scale).rounded())
        // Rounding must not move the votes to the other side of the quorum.
        let filled = total >= quorum ? max(share, marked) : min(share, max(0, marked - 1))
        func places(_ range: Range<Int>) -> StyledText {
            StyledText(
                glyphs.text(range.map { $0 < filled ? "■" : "□" }.joined()), state.quorate.map { $0 ? .good : .bad })
        }
        return StyledText("[") + places(0..<marked) + StyledText(glyphs.text("│"), .strong)
            + places(marked..<length) + StyledText("]")
    }
}
