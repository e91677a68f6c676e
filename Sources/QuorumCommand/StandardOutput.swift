// SPDX-License-Identifier: MIT

internal import Glibc
internal import QuorumWatch

/// Where standard output leads, as far as text depends on it.
struct StandardOutput {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    let isJournal = QuorumWatch.isJournal(getenv("JOURNAL_STREAM").map { String(cString: $0) })
    /// Whether the user wants no colour anywhere (`NO_COLOR`).
    let refusesColor = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false

    /// The form of text there.
    func text(in color: ColorArgument) -> OutputFormat {
        let hasColor = color == .always || color == .auto && isTerminal && !refusesColor
        return isJournal ? .journal(color: hasColor) : .text(color: hasColor)
    }
}
