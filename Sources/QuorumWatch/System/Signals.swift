// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// Signals that are read from a descriptor (signalfd(2)).
struct Signals {
    /// Those that request the end of the program.
    static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    /// Those of a terminal: its size has changed, Ctrl-Z was typed, and the program continues after it was stopped.
    static let terminal = [SIGWINCH, SIGTSTP, SIGCONT]

    let descriptor: CInt

    /// Blocks the signals in this thread and in every thread started later, so that they can be read. SIGHUP stays
    /// ignored if it was at the start (nohup(1)). Throws when no descriptor is available; the signals then still have
    /// their default effects.
    init(_ signals: [CInt]) throws(SystemError) {
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        let isHangUpIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
        var set = sigset_t(signals.filter { $0 != SIGHUP || !isHangUpIgnored })
        descriptor = try SystemError.check("signalfd", signalfd(-1, &set, CInt(SFD_CLOEXEC) | CInt(SFD_NONBLOCK)))
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// The next pending signal; nil if there is none.
    func next() -> CInt? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        return read(descriptor, &information, size) == size ? CInt(information.ssi_signo) : nil
    }
}

extension sigset_t {
    init(_ signals: [CInt]) {
        self.init()
        sigemptyset(&self)
        for signal in signals { sigaddset(&self, signal) }
    }
}

/// Stops the program as an unhandled Ctrl-Z does, until the shell continues it.
func stopProgram() {
    var set = sigset_t([SIGTSTP])
    unblockSignals([SIGTSTP])
    raise(SIGTSTP)
    pthread_sigmask(SIG_BLOCK, &set, nil)
}

/// Unblocks the signals that request the end of the program, so that they end it at once again.
package func restoreEndingSignals() {
    unblockSignals(Signals.ending)
}

/// Unblocks signals in this thread.
func unblockSignals(_ signals: [CInt]) {
    var set = sigset_t(signals)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
}

/// Ends the program by a signal, so that its exit status shows the signal to the parent process.
package func endProgram(bySignal signal: CInt) -> Never {
    Glibc.signal(signal, SIG_DFL)
    raise(signal)
    restoreEndingSignals()
    _exit(128 + signal)
}
