// SPDX-License-Identifier: MIT

internal import Glibc

/// The reading end of a program's output, which a test reads only when it chooses to.
public protocol Readable {
    /// The descriptor to read from.
    var descriptor: Int32 { get }
}

extension Readable {
    /// How many bytes can be read.
    public var waiting: Int {
        var count: Int32 = 0
        _ = ioctl(descriptor, UInt(FIONREAD), &count)
        return Int(count)
    }

    /// Reads until nothing has arrived for a time, or no writer is left, but for no longer than a minute.
    ///
    /// - Parameter limit: The time.
    /// - Returns: The text.
    public func readAll(quietFor limit: Duration) -> String {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, poll(&polled, 1, Int32(limit / .milliseconds(1))) > 0 {
            let count = read(descriptor, &block, block.count)
            guard count > 0 else { break }
            bytes += block[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A pseudoterminal (pty(7)), and the keys of its user.
public final class PseudoTerminal: Readable {
    /// The side of the user.
    public let descriptor: Int32
    /// The side of the programs.
    public let line: Int32

    /// A pseudoterminal that cannot be opened.
    public struct Failure: Error, CustomStringConvertible {
        /// The reason.
        public let description: String
    }

    /// Opens one.
    ///
    /// - Throws: ``Failure``.
    public init() throws(Failure) {
        descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var locked: Int32 = 0
        // TIOCSPTLCK is unlockpt(3); TIOCGPTPEER opens the other side.
        let isUnlocked = ioctl(descriptor, 0x4004_5431, &locked) == 0
        line = isUnlocked ? ioctl(descriptor, 0x5441, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1
        guard line >= 0 else { throw Failure(description: "no terminal: \(String(cString: strerror(errno)))") }
    }

    deinit {
        close(line)
        close(descriptor)
    }

    /// Presses Ctrl-S: output is held back from now on.
    public func pause() { type("\u{13}") }

    /// Presses Ctrl-Q.
    public func resume() { type("\u{11}") }

    /// Types a text.
    ///
    /// - Parameter text: The text.
    public func type(_ text: String) { _ = writeAll(Array(text.utf8), to: descriptor) }

    /// Whether input is echoed and read line by line, as in a terminal whose modes no program has changed.
    public var isInLineMode: Bool {
        var modes = termios()
        return tcgetattr(line, &modes) == 0 && modes.c_lflag & tcflag_t(ICANON | ECHO) == tcflag_t(ICANON | ECHO)
    }
}
