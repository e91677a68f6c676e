// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// How a watch ended.
public enum Outcome: Hashable, Sendable {
    /// As many events as asked for were printed; `quorate` is what the last status among them said.
    case done(quorate: Bool?)
    /// The answer of a check was printed.
    case checked(Health)
    /// Nothing was pending, and the watch was not to wait.
    case nothingPending
    /// The time was up; corosync was silent, or there was no connection to it.
    case timedOut(isSilent: Bool)
    /// One of the signals that end a program came.
    case signal(CInt)
    /// Nobody reads the output any more.
    case outputClosed
    /// The output cannot be written.
    case outputFailed(errorNumber: CInt)
    /// Corosync cannot be watched, and the watch was not to wait for it; the diagnosis says why, and what to do.
    case failed(String)
}

/// The wish that a watch should end, which every thread can have and every thread can wait for. The first one counts.
final class StopRequest: Sendable {
    private let outcome = Guarded<Outcome?>(nil)
    private let flag = Flag()

    /// Readable once the watch should end.
    var descriptor: CInt { flag.descriptor }

    /// Why the watch should end, once it should.
    var requested: Outcome? { outcome.withLock { $0 } }

    func request(_ reason: Outcome) {
        outcome.withLock { $0 = $0 ?? reason }
        flag.raise()
    }

    /// Says that everything that was wanted is printed, which is the end even if another was requested a moment before;
    /// but who sent a signal is to see it.
    func conclude(_ end: Outcome) {
        outcome.withLock { outcome in
            if case .signal = outcome { return }
            outcome = end
        }
        flag.raise()
    }

    /// Waits until a deadline; true when the watch should end sooner.
    func wait(until deadline: Instant) -> Bool {
        QuorumWatch.wait(for: [(descriptor, POLLIN)], until: deadline)[0] != 0
    }
}
