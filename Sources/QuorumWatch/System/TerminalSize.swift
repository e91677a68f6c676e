// SPDX-License-Identifier: MIT

internal import Glibc

/// The size of a terminal in characters.
package struct TerminalSize: Hashable, Sendable {
    /// Columns.
    package var width: Int
    /// Lines.
    package var height: Int
}

/// The size of a terminal (`TIOCGWINSZ` of ioctl_tty(2)); 80 × 24 if it is not known.
package func terminalSize(of descriptor: CInt) -> TerminalSize {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
        return TerminalSize(width: 80, height: 24)
    }
    return TerminalSize(width: Int(size.ws_col), height: Int(size.ws_row))
}
