// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// The signals that ask a program to end, taken as something to read (signalfd(2)).
struct EndingSignals {
    let descriptor: CInt

    /// Takes them from now on, for every thread started later. One that whoever started the program ignores (nohup(1))
    /// stays ignored.
    init() {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            var action = sigaction()
            sigaction(signal, nil, &action)
            let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
            if !isIgnored { sigaddset(&set, signal) }
        }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        descriptor = signalfd(-1, &set, CInt(SFD_CLOEXEC) | CInt(SFD_NONBLOCK))
    }

    /// The signal that came, if one did.
    func next() -> CInt? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        return read(descriptor, &information, size) == size ? CInt(information.ssi_signo) : nil
    }
}

/// Ends the program by a signal, so that whoever started it sees the signal.
public func endProgram(bySignal signal: CInt) -> Never {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, signal)
    Glibc.signal(signal, SIG_DFL)
    raise(signal)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    _exit(128 + signal)
}
