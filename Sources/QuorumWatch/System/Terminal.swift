// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// The terminal of standard input and output while it shows a page: on the alternate screen, with input read key by
/// key. One thread uses it; any thread may call ``unblock()`` and ``restoreModes()``.
///
/// The escape sequences are the few of ECMA-48 and xterm(1) that every current terminal implements, not the
/// capabilities of terminfo(5): alternate screen, cursor, clearing, styles, and synchronised updates, which other
/// terminals ignore.
final class Terminal: Sendable {
    private struct State {
        /// The contents of the screen; nil when not known.
        var contents: ScreenContents?
    }

    private static let enter = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l"
    /// Ends a synchronised update, a style and the alternate screen. The screen is cleared first for the sake of
    /// terminals without an alternate screen.
    static let leave = "\u{1b}[?2026l\u{1b}[0m\u{1b}[H\u{1b}[2J\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"

    private let state = Guarded(State())

    /// The size of the terminal.
    static var size: TerminalSize { terminalSize(of: STDOUT_FILENO) }

    /// Whether the program may write to the terminal and set its modes: not while the shell has it, after Ctrl-Z. A
    /// terminal that is not the controlling terminal has no foreground process group, and may be used.
    static var isInForeground: Bool {
        let group = tcgetpgrp(STDOUT_FILENO)
        return group < 0 || group == getpgrp()
    }

    /// Prepares the terminal for a page, whatever state it is in. Returns the error number, or 0.
    func open() -> CInt {
        TerminalRestoration.begin()
        state.withLock { $0.contents = nil }
        return writeAll(Self.enter.utf8, to: STDOUT_FILENO)
    }

    /// Writes the differences from the contents that are shown, as one update. Returns the error number, or 0.
    func show(_ contents: ScreenContents) -> CInt {
        let update = state.withLock { state in
            defer { state.contents = contents }
            return contents.update(from: state.contents)
        }
        guard !update.isEmpty else { return 0 }
        return writeAll("\u{1b}[?2026h\(update)\u{1b}[?2026l".utf8, to: STDOUT_FILENO)
    }

    /// Restores the terminal.
    func close() {
        guard TerminalRestoration.isNeeded else { return }
        if Self.isInForeground { _ = writeAll(Self.leave.utf8, to: STDOUT_FILENO) }
        TerminalRestoration.end()
    }

    /// Wakes a thread that the terminal blocks in a write: drops the output that the terminal has not taken yet, and
    /// resumes output that was paused with Ctrl-S.
    func unblock() { TerminalRestoration.dropOutput() }

    /// Restores the modes of the terminal, without waiting for it.
    func restoreModes() { TerminalRestoration.restoreModes() }
}
