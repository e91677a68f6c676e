// SPDX-License-Identifier: MIT

internal import Glibc

/// The size of a terminal in characters.
public struct TerminalSize: Hashable, Sendable {
    /// Columns.
    public var width: Int
    /// Lines.
    public var height: Int
}

/// The size of a terminal (`TIOCGWINSZ` of ioctl_tty(2)); 80 × 24 if it is not known.
public func terminalSize(of descriptor: CInt) -> TerminalSize {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
        return TerminalSize(width: 80, height: 24)
    }
    return TerminalSize(width: Int(size.ws_col), height: Int(size.ws_row))
}
