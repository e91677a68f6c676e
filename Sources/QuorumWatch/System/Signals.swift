// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// The signals that request the end of the program, read from a descriptor (signalfd(2)).
struct EndingSignals {
    let descriptor: CInt

    /// Blocks the signals in this thread and in every thread started later, so that they can be read. A signal that was
    /// ignored at the start (nohup(1)) stays ignored. Throws when no descriptor is available; the signals then still
    /// end the program by default.
    init() throws(SystemError) { descriptor = try openSignals([SIGINT, SIGTERM, SIGHUP]) }

    /// The next pending signal; nil if there is none.
    func next() -> CInt? { nextSignal(from: descriptor) }
}

/// The signals of a terminal, read from a descriptor (signalfd(2)): its size has changed, Ctrl-Z was typed, and the
/// program continues after it was stopped.
struct TerminalSignals {
    let descriptor: CInt

    /// Blocks the signals in the same way as ``EndingSignals``.
    init() throws(SystemError) { descriptor = try openSignals([SIGWINCH, SIGTSTP, SIGCONT]) }

    /// The signal that came, if one did.
    func next() -> CInt? { nextSignal(from: descriptor) }

    /// Stops the program as an unhandled Ctrl-Z does, until the shell continues it.
    func stopProgram() {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTSTP)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(SIGTSTP)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }
}

private func openSignals(_ signals: [CInt]) throws(SystemError) -> CInt {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals {
        var action = sigaction()
        sigaction(signal, nil, &action)
        let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
        if !isIgnored { sigaddset(&set, signal) }
    }
    let descriptor = try SystemError.check("signalfd", signalfd(-1, &set, CInt(SFD_CLOEXEC) | CInt(SFD_NONBLOCK)))
    pthread_sigmask(SIG_BLOCK, &set, nil)
    return descriptor
}

private func nextSignal(from descriptor: CInt) -> CInt? {
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    return read(descriptor, &information, size) == size ? CInt(information.ssi_signo) : nil
}

/// Unblocks the signals that request the end of the program, so that they end it at once again.
package func restoreEndingSignals() {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, signal) }
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
}

/// Ends the program by a signal, so that its exit status shows the signal to the parent process.
package func endProgram(bySignal signal: CInt) -> Never {
    Glibc.signal(signal, SIG_DFL)
    raise(signal)
    restoreEndingSignals()
    _exit(128 + signal)
}
