// SPDX-License-Identifier: MIT

internal import Glibc
internal import QuorumWatch

/// Where standard output leads, as far as text depends on it.
struct StandardOutput {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    /// Whether it leads to the journal: whether `JOURNAL_STREAM` names its device and inode (systemd.exec(5)).
    let isJournal = {
        let numbers = getenv("JOURNAL_STREAM").map { String(cString: $0) }?.split(separator: ":").map { UInt64($0) }
        var information = stat()
        return fstat(STDOUT_FILENO, &information) == 0
            && numbers == [UInt64(information.st_dev), UInt64(information.st_ino)]
    }()
    /// Whether the user wants no colour anywhere (`NO_COLOR`).
    let refusesColor = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false

    /// The lines of the terminal; nil when it is none.
    private var terminalHeight: Int? { isTerminal ? terminalSize(of: STDOUT_FILENO).height : nil }

    /// The form of text there.
    func text(in color: ColorArgument) -> OutputFormat {
        let hasColor = color == .always || color == .auto && isTerminal && !refusesColor
        return isJournal ? .journal(color: hasColor) : .text(color: hasColor, height: terminalHeight)
    }
}
