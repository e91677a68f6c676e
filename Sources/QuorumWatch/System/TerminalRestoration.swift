// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc
internal import Synchronization

/// Restores the terminal, also when the program crashes: a trap, a bad memory access, an abort.
///
/// A signal handler may run at any moment and in any thread, and may only call the functions listed in
/// signal-safety(7). Its data is therefore at fixed addresses and without a lock. Only the thread that uses the terminal
/// changes it, and others read the modes only while ``isNeeded``.
enum TerminalRestoration {
    private struct Memory: ~Copyable, @unchecked Sendable {
        /// The modes to restore.
        let modes = UnsafeMutablePointer<termios>.allocate(capacity: 1)
        /// Whether the terminal has to be restored.
        let isTaken = Atomic(false)
        /// The previous actions, by the number of the signal.
        let actions = UnsafeMutablePointer<sigaction>.allocate(capacity: 32)
        let sequence: UnsafeBufferPointer<UInt8>

        init() {
            modes.initialize(to: termios())
            let bytes = Array(Terminal.leave.utf8)
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
            _ = copy.initialize(from: bytes)
            sequence = UnsafeBufferPointer(copy)
        }
    }

    private static let memory = Memory()
    private static let signals = [SIGSEGV, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSYS, SIGQUIT]

    /// Whether the terminal has to be restored.
    static var isNeeded: Bool { memory.isTaken.load(ordering: .acquiring) }

    /// Saves the modes of the terminal, and turns off echo and line-by-line input. Ctrl-C and Ctrl-Z still send
    /// signals.
    static func begin() {
        var modes = termios()
        guard tcgetattr(STDIN_FILENO, &modes) == 0 else { return }
        // After the program was stopped by a signal from another process, these can still be the page's own modes.
        if !isNeeded || modes.c_lflag & tcflag_t(ICANON) != 0 { memory.modes.pointee = modes }
        modes.c_lflag &= ~tcflag_t(ICANON | ECHO | IEXTEN)
        withUnsafeMutableBytes(of: &modes.c_cc) { keys in
            keys[Int(VMIN)] = 1
            keys[Int(VTIME)] = 0
        }
        if !isNeeded { install() }
        memory.isTaken.store(true, ordering: .releasing)
        tcsetattr(STDIN_FILENO, TCSANOW, &modes)
    }

    /// Restores the modes, after the escape sequences were written.
    static func end() {
        restoreModes()
        memory.isTaken.store(false, ordering: .releasing)
        for signal in signals { sigaction(signal, memory.actions + Int(signal), nil) }
    }

    /// Restores the modes, if the program is in the foreground.
    static func restoreModes() {
        if isNeeded, Terminal.isInForeground { tcsetattr(STDIN_FILENO, TCSANOW, memory.modes) }
    }

    /// Drops the output that the terminal has not taken yet, and resumes output that was paused with Ctrl-S.
    static func dropOutput() {
        guard isNeeded, Terminal.isInForeground else { return }
        tcflush(STDOUT_FILENO, TCOFLUSH)
        // Together these two resume paused output, and wake threads that block in a write; the flush does not wake
        // them.
        tcflow(STDOUT_FILENO, TCOOFF)
        tcflow(STDOUT_FILENO, TCOON)
    }

    private static func install() {
        for signal in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_sigaction = { signal, information, _ in
                // First, so that a second error does not run this handler again.
                for signal in TerminalRestoration.signals {
                    sigaction(signal, TerminalRestoration.memory.actions + Int(signal), nil)
                }
                TerminalRestoration.restoreInHandler()
                // A faulting instruction is repeated after this, and then runs the previous action. The terminal sends
                // SIGQUIT (Ctrl-\) with the code of a fault.
                if signal == SIGQUIT || information.map({ $0.pointee.si_code <= 0 }) ?? true { raise(signal) }
            }
            action.sa_flags = SA_SIGINFO | SA_ONSTACK
            sigemptyset(&action.sa_mask)
            sigaction(signal, &action, memory.actions + Int(signal))
        }
    }

    private static func restoreInHandler() {
        dropOutput()
        guard isNeeded, Terminal.isInForeground else { return }
        // The handler must not block.
        var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        if poll(&output, 1, 0) > 0 { _ = write(STDOUT_FILENO, memory.sequence.baseAddress, memory.sequence.count) }
        restoreModes()
        memory.isTaken.store(false, ordering: .releasing)
    }
}
