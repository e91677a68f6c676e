// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// The terminal of standard input and output while it shows a page: on the alternate screen, with input read key by
/// key. One thread uses it; any thread may call ``unblock()`` and ``restoreModes()``.
///
/// The escape sequences are the few of ECMA-48 and xterm(1) that every current terminal implements, not the
/// capabilities of terminfo(5): alternate screen, cursor, clearing, styles, and synchronised updates, which other
/// terminals ignore.
package final class Terminal: Sendable {
    private struct State {
        /// The modes to restore; nil while the terminal has no page.
        var modes: termios?
        /// The page that is shown; nil when not known.
        var screen: Screen?
    }

    private static let enter = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l"
    /// Ends a synchronised update, a style and the alternate screen. The screen is cleared first for the sake of
    /// terminals without an alternate screen.
    private static let leave = "\u{1b}[?2026l\u{1b}[0m\u{1b}[H\u{1b}[2J\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"

    private let state = Guarded(State())

    /// The size of the terminal (`TIOCGWINSZ` of ioctl_tty(2)); 80 × 24 if it is not known.
    package static var size: TerminalSize {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return TerminalSize(width: 80, height: 24)
        }
        return TerminalSize(width: Int(size.ws_col), height: Int(size.ws_row))
    }

    /// Whether the program may write to the terminal and set its modes: not while the shell has it, after Ctrl-Z. A
    /// terminal that is not the controlling terminal has no foreground process group, and may be used.
    static var isInForeground: Bool {
        let group = tcgetpgrp(STDOUT_FILENO)
        return group < 0 || group == getpgrp()
    }

    /// Stops the program while the shell has the terminal, as the kernel does to a program in the background that waits
    /// for its output (tcdrain(3)). Throws when no shell can give the terminal to the program.
    static func waitForForeground() throws(SystemError) {
        // The caller may have ignored or blocked the signal that stops it.
        signal(SIGTTOU, SIG_DFL)
        unblockSignals([SIGTTOU])
        _ = try SystemError.check("tcdrain", tcdrain(STDOUT_FILENO))
    }

    /// Prepares the terminal for a page, whatever state it is in: saves its modes, and turns off echo and line-by-line
    /// input. Ctrl-C and Ctrl-Z still send signals. Returns the error number, or 0.
    func open() -> CInt {
        var modes = termios()
        if tcgetattr(STDIN_FILENO, &modes) == 0 {
            state.withLock { state in
                state.screen = nil
                // After the program was stopped by a signal from another process, these can be the page's own modes.
                if state.modes == nil || modes.c_lflag & tcflag_t(ICANON) != 0 { state.modes = modes }
            }
            modes.c_lflag &= ~tcflag_t(ICANON | ECHO | IEXTEN)
            withUnsafeMutableBytes(of: &modes.c_cc) { keys in
                keys[Int(VMIN)] = 1
                keys[Int(VTIME)] = 0
            }
            tcsetattr(STDIN_FILENO, TCSANOW, &modes)
        }
        return writeAll(Self.enter.utf8, to: STDOUT_FILENO)
    }

    /// Writes the lines that differ from those that are shown, as one update. Returns the error number, or 0.
    func show(_ screen: Screen) -> CInt {
        let update = state.withLock { state in
            defer { state.screen = screen }
            return screen.update(from: state.screen)
        }
        return update.isEmpty ? 0 : writeAll("\u{1b}[?2026h\(update)\u{1b}[?2026l".utf8, to: STDOUT_FILENO)
    }

    /// Restores the terminal; in the background, it remains to be done after the next page.
    func close() {
        guard state.withLock({ $0.modes }) != nil, Self.isInForeground else { return }
        _ = writeAll(Self.leave.utf8, to: STDOUT_FILENO)
        restoreModes()
        state.withLock { $0.modes = nil }
    }

    /// Wakes a thread that the terminal blocks in a write: drops the output that the terminal has not taken yet, and
    /// resumes output that was paused with Ctrl-S.
    func unblock() {
        guard state.withLock({ $0.modes }) != nil, Self.isInForeground else { return }
        tcflush(STDOUT_FILENO, TCOFLUSH)
        // Together these two resume paused output, and wake threads that block in a write; the flush does not wake
        // them.
        tcflow(STDOUT_FILENO, TCOOFF)
        tcflow(STDOUT_FILENO, TCOON)
    }

    /// Restores the modes of the terminal, without waiting for it.
    func restoreModes() {
        guard var modes = state.withLock({ $0.modes }), Self.isInForeground else { return }
        tcsetattr(STDIN_FILENO, TCSANOW, &modes)
    }
}

/// The lines of a page, none wider than the terminal.
struct Screen {
    var lines: [StyledText]
    var size: TerminalSize
    var color: Bool

    /// The escape sequences and text that change the old page into this one. All lines are written if the old page is
    /// not known or has another size.
    func update(from old: Screen?) -> String {
        let shown = old?.size == size ? old : nil
        var update = shown == nil ? "\u{1b}[0m\u{1b}[H\u{1b}[2J" : ""
        for row in 0..<size.height where line(row) != shown?.line(row) ?? "" {
            update += "\u{1b}[\(row + 1);1H\u{1b}[K" + text(of: line(row))
        }
        return update
    }

    private func line(_ row: Int) -> StyledText { row < lines.count ? lines[row] : "" }

    /// A line with the sequences of its styles. Terminals disagree on the width of some characters, so the cursor is
    /// positioned again after each one that is not ASCII.
    private func text(of line: StyledText) -> String {
        var text = ""
        var (column, isPlaced) = (1, true)
        for part in line.parts {
            var characters = ""
            for scalar in part.text.unicodeScalars {
                let columns = scalar.columns
                if !isPlaced, columns > 0 {
                    characters += "\u{1b}[\(column)G"
                    isPlaced = true
                }
                characters.unicodeScalars.append(scalar)
                column += columns
                if !scalar.isASCII { isPlaced = false }
            }
            text += part.style?.apply(to: characters, color: color) ?? characters
        }
        return text
    }
}

/// The size of a terminal in characters.
package struct TerminalSize: Hashable, Sendable {
    var width: Int
    var height: Int
}
