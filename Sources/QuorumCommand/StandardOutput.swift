// SPDX-License-Identifier: MIT

internal import ArgumentParser
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
    let refusesColor = variable("NO_COLOR") != nil

    /// The lines of the terminal; nil when it is none.
    private var terminalHeight: Int? { isTerminal ? terminalSize(of: STDOUT_FILENO).height : nil }

    /// The form of text there.
    func text(in color: ColorArgument) -> OutputFormat {
        isJournal ? .journal(color: hasColor(color)) : .text(color: hasColor(color), height: terminalHeight)
    }

    /// The form of a page there. Throws when it is not a terminal that can show one.
    func page(in color: ColorArgument) throws -> OutputFormat {
        guard isTerminal, isatty(STDIN_FILENO) == 1 else {
            let which = isTerminal ? "standard input" : "standard output"
            throw ValidationError("--live needs a terminal, and \(which) is none; use --follow")
        }
        let type = variable("TERM")
        guard let type, type != "dumb" else {
            throw ValidationError(
                "--live needs a terminal that can move its cursor, and TERM is \(type ?? "not set"); use --follow")
        }
        return .live(LiveStyle(color: hasColor(color), isPlain: !isUTF8))
    }

    private func hasColor(_ color: ColorArgument) -> Bool {
        color == .always || color == .auto && isTerminal && !refusesColor
    }

    /// Whether the locale has the characters of Unicode (locale(7)).
    private var isUTF8: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(variable).first ?? ""
        let letters = locale.lowercased().filter { $0 != "-" }
        return letters.contains("utf8")
    }
}

/// A variable of the environment that is set and not empty.
private func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
}
