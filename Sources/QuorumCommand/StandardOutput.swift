// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import Glibc
internal import QuorumWatch

/// The properties of standard output that determine the format of text.
struct StandardOutput {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    /// Whether it is connected to the journal: `JOURNAL_STREAM` contains its device and inode (systemd.exec(5)).
    let isJournal = {
        let numbers = variable("JOURNAL_STREAM")?.split(separator: ":").map { UInt64($0) }
        var information = stat()
        return fstat(STDOUT_FILENO, &information) == 0
            && numbers == [UInt64(information.st_dev), UInt64(information.st_ino)]
    }()

    /// The output format for text.
    func text(in color: ColorArgument) -> OutputFormat {
        isJournal
            ? .journal(color: hasColor(color))
            : .text(color: hasColor(color), size: isTerminal ? Terminal.size : nil)
    }

    /// The output format for a page. Throws if standard output or standard input is not a terminal that can show one.
    func page(in color: ColorArgument) throws -> OutputFormat {
        guard isTerminal, isatty(STDIN_FILENO) == 1 else {
            let which = isTerminal ? "standard input" : "standard output"
            throw ValidationError("--live needs a terminal, and \(which) is not one; use --follow")
        }
        let type = variable("TERM")
        guard let type, type != "dumb" else {
            throw ValidationError(
                "--live needs a terminal that can move its cursor, and TERM is \(type ?? "not set"); use --follow")
        }
        return .live(color: hasColor(color), isPlain: !isUTF8)
    }

    private func hasColor(_ color: ColorArgument) -> Bool {
        color == .always || color == .auto && isTerminal && variable("NO_COLOR") == nil
    }

    /// Whether the character encoding of the locale is UTF-8 (locale(7)).
    private var isUTF8: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(variable).first ?? ""
        return locale.lowercased().filter { $0 != "-" }.contains("utf8")
    }
}

/// The value of an environment variable; nil if it is not set or empty.
private func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
}
