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
    /// The time was up.
    case timedOut(Obstacle)
    /// One of the signals that end a program came.
    case signal(CInt)
    /// Standard output was closed by its reader.
    case outputClosed
    /// The output cannot be written.
    case outputFailed(errorNumber: CInt)
    /// Corosync cannot be watched, and the watch was not to wait for it; the diagnosis says why, and what to do.
    case failed(String)

    /// Why there was nothing to print before the time was up.
    public enum Obstacle: Hashable, Sendable {
        /// There was no connection to corosync.
        case noConnection
        /// Corosync did not answer.
        case silence
        /// Votequorum did not finish a recalculation.
        case recalculation
    }
}

/// The request that the watch should end, which every thread can make and every thread can wait for. The first counts.
final class StopRequest: Sendable {
    private let outcome = Guarded<Outcome?>(nil)
    private let flag: Flag

    /// A request that nothing has made yet. Throws when there is no descriptor to be had.
    init() throws(SystemError) { flag = try Flag() }

    /// Readable once the watch should end.
    var descriptor: CInt { flag.descriptor }

    /// Why the watch should end, once it should.
    var requested: Outcome? { outcome.withLock { $0 } }

    func request(_ reason: Outcome) {
        outcome.withLock { $0 = $0 ?? reason }
        flag.raise()
    }

    /// Records that everything is printed, which is the outcome even if another was requested a moment before, unless that
    /// is a signal: its sender is to see it.
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

extension StopRequest {
    /// Waits until a daemon that has hung up is gone, or the watch should end; for half a second at most.
    ///
    /// To be called before a lost connection is closed. A daemon that was killed leaves the rings of every connection in
    /// `/dev/shm`, 3 MiB each and for good, unless the client removes them. libqb does that for a daemon that is gone, but
    /// checks for 30 ms only: on a busy machine, a dead process can stay visible for longer.
    func waitUntilGone(daemonOf descriptor: CInt) {
        let deadline = Instant.now + .milliseconds(500)
        let daemon = vqwatch_peer(descriptor)
        guard daemon > 0, QuorumWatch.wait(for: [(descriptor, 0)], until: .now)[0] & POLLHUP != 0 else { return }
        while kill(daemon, 0) == 0 || errno != ESRCH, Instant.now < deadline {
            if wait(until: .now + .milliseconds(5)) { return }
        }
    }
}
