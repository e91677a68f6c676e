// SPDX-License-Identifier: MIT

/// Lines of text in the columns of a terminal.
struct ScreenContents: Hashable, Sendable {
    /// One column: a character with its combining characters; empty for the second column of a wide character.
    private struct Cell: Hashable {
        var text: String
        var style: TextStyle?
        static let blank = Cell(text: " ", style: nil)
    }

    private var rows: [[Cell]]

    /// Contents from lines, which are cut to the size.
    init(_ lines: [StyledText], size: TerminalSize, color: Bool) {
        rows = (0..<size.height).map { row in
            Self.cells(row < lines.count ? lines[row] : "", width: size.width, color: color)
        }
    }

    private static func cells(_ line: StyledText, width: Int, color: Bool) -> [Cell] {
        var cells: [Cell] = []
        cells.reserveCapacity(width)
        for part in line.parts {
            let style = color ? part.style : nil
            for scalar in part.text.unicodeScalars {
                let columns = scalar.columns
                if columns == 0 {
                    if let base = cells.lastIndex(where: { !$0.text.isEmpty }) {
                        cells[base].text.unicodeScalars.append(scalar)
                    }
                } else if cells.count + columns <= width {
                    cells.append(Cell(text: String(scalar), style: style))
                    if columns == 2 { cells.append(Cell(text: "", style: style)) }
                }
            }
        }
        return cells + Array(repeating: .blank, count: width - cells.count)
    }

    /// The escape sequences and text that change the old contents into these. All columns are written if the old
    /// contents are not known or have another size.
    func update(from old: ScreenContents?) -> String {
        let isSameSize = old.map { $0.rows.count == rows.count && $0.rows.first?.count == rows.first?.count } ?? false
        var update = Update()
        if !isSameSize { update.text += "\u{1b}[0m\u{1b}[H\u{1b}[2J" }
        for (number, row) in rows.enumerated() {
            let shown = isSameSize ? old!.rows[number] : Array(repeating: .blank, count: row.count)
            guard let first = row.indices.first(where: { row[$0] != shown[$0] }),
                let last = row.indices.last(where: { row[$0] != shown[$0] })
            else { continue }
            let end = row.lastIndex { $0 != .blank }.map { $0 + 1 } ?? 0
            update.move(to: number, first)
            for column in first..<max(first, min(last + 1, end)) where !row[column].text.isEmpty {
                update.write(row[column].text, row[column].style, at: column)
            }
            if last >= end { update.clearLine(from: max(first, end)) }
        }
        update.style(nil)
        return update.text
    }

    /// An update under construction.
    private struct Update {
        var text = ""
        private var style: TextStyle?
        private var isPlaced = true

        mutating func move(to row: Int, _ column: Int) {
            text += "\u{1b}[\(row + 1);\(column + 1)H"
            isPlaced = true
        }

        mutating func style(_ new: TextStyle?) {
            guard new != style else { return }
            text += "\u{1b}[0m" + (new?.sequence ?? "")
            style = new
        }

        /// Writes a character. Terminals disagree on the width of some characters, so the cursor is positioned again
        /// after each one that is not ASCII.
        mutating func write(_ character: String, _ style: TextStyle?, at column: Int) {
            place(at: column)
            self.style(style)
            text += character
            isPlaced = character.utf8.count == 1
        }

        mutating func clearLine(from column: Int) {
            place(at: column)
            style(nil)
            text += "\u{1b}[K"
        }

        private mutating func place(at column: Int) {
            if !isPlaced { text += "\u{1b}[\(column + 1)G" }
            isPlaced = true
        }
    }
}
