// SPDX-License-Identifier: MIT

extension StyledText {
    /// The width in columns of a terminal.
    var columns: Int { parts.reduce(0) { $0 + $1.text.columns } }

    /// The text wrapped to a width in columns, between words where possible. All lines but the first are indented.
    func wrapped(to width: Int, indent: Int = 0) -> [StyledText] {
        let width = max(1, width)
        guard columns > width else { return [self] }
        let margin = StyledText(String(repeating: " ", count: indent < width / 2 ? indent : 0))
        let characters = parts.flatMap { part in part.text.unicodeScalars.map { (scalar: $0, style: part.style) } }
        var lines: [StyledText] = []
        var rest = characters[...]
        while !rest.isEmpty {
            var line = lines.isEmpty ? "" : margin
            var room = width - line.columns
            var end = rest.startIndex
            while end < rest.endIndex, characters[end].scalar.columns <= room {
                room -= characters[end].scalar.columns
                end += 1
            }
            // A wide character does not fit into a single column.
            end = max(end, rest.startIndex + 1)
            if end < rest.endIndex, let blank = rest[...end].lastIndex(where: { $0.scalar == " " }),
                blank > rest.startIndex
            {
                end = blank
            }
            let shown = rest[..<end].reversed().drop { $0.scalar == " " }.reversed()
            for character in shown { line += (String(character.scalar), character.style) }
            lines.append(line)
            rest = rest[end...].drop { $0.scalar == " " }
        }
        return lines
    }

    /// The text cut to a width in columns. `mark` ends a text that was cut.
    func cut(to width: Int, mark: String = "…") -> StyledText {
        guard columns > width else { return self }
        var cut: StyledText = ""
        var room = max(0, width - mark.columns)
        for part in parts {
            let kept = String(part.text.prefix(columns: room))
            cut += (kept, part.style)
            room -= kept.columns
            if kept.utf8.count < part.text.utf8.count { break }
        }
        return cut + StyledText(String(mark.prefix(columns: max(0, width))))
    }
}
