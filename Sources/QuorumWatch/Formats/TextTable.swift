// SPDX-License-Identifier: MIT

/// A table in text for people.
struct TextTable {
    /// A column by its heading.
    struct Column {
        var heading: String
        /// Whether its cells are aligned to the right.
        var isNumber = false
    }

    struct Row {
        var cells: [String]
        var isMarked = false
        var style: TextStyle?
    }

    var columns: [Column]
    var rows: [Row] = []
    /// The width of the margin, which contains the marks of rows.
    var margin = 4

    private var widths: [Int] {
        columns.indices.map { column in
            rows.reduce(columns[column].heading.columns) { max($0, $1.cells[column].columns) }
        }
    }

    /// The width of the table in columns of a terminal, with its margin.
    var width: Int { widths.reduce(margin - 2) { $0 + 2 + $1 } }

    mutating func remove(_ heading: String) {
        guard let column = columns.firstIndex(where: { $0.heading == heading }) else { return }
        columns.remove(at: column)
        for row in rows.indices { rows[row].cells.remove(at: column) }
    }

    /// The lines, the headings first. The table is divided into `count` parts side by side.
    func lines(beside count: Int = 1) -> [StyledText] {
        let widths = widths
        func line(_ cells: [String], isMarked: Bool = false) -> String {
            let padded = cells.indices.map { cells[$0].padded(to: widths[$0], left: columns[$0].isNumber) }
            return (isMarked ? "* " : "").padded(to: margin, left: true) + padded.joined(separator: "  ")
        }
        let height = (rows.count + count - 1) / count
        var lines = Array(repeating: StyledText(""), count: height + 1)
        for place in 0..<count where place == 0 || place * height < rows.count {
            let gap = place == 0 ? "" : "  "
            let isLast = (place + 1) * height >= rows.count
            func add(_ text: String, _ style: TextStyle?, to number: Int) {
                lines[number] += gap
                lines[number] += (isLast ? text.trimmed : text, style)
            }
            add(line(columns.map(\.heading)), .faint, to: 0)
            for (number, row) in rows.dropFirst(place * height).prefix(height).enumerated() {
                add(line(row.cells, isMarked: row.isMarked), row.style, to: number + 1)
            }
        }
        return lines
    }
}

extension String {
    /// The text without blanks at the end.
    var trimmed: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
