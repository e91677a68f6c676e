// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// How a watch ended.
package enum Outcome: Hashable, Sendable {
    /// The requested number of events was printed; `quorate` is the value of the last status or prediction among them.
    case done(quorate: Bool?)
    /// The result of `--check` was printed.
    case checked(Health)
    /// No notification was pending, and the watch was not supposed to wait.
    case nothingPending
    /// The timeout expired.
    case timedOut(Obstacle)
    /// The program received a signal to end it.
    case signal(CInt)
    /// Standard output was closed by its reader.
    case outputClosed
    /// The output cannot be written.
    case outputFailed(errorNumber: CInt)
    /// The watch failed; the diagnosis says why, and what to do.
    case failed(String)

    /// Why there was nothing to print before the timeout.
    package enum Obstacle: Hashable, Sendable {
        /// There was no connection to corosync.
        case noConnection
        /// Corosync did not answer.
        case silence
        /// Votequorum did not finish a recalculation.
        case recalculation
    }
}

/// The request to end the watch. Any thread can make it, and any thread can wait for it. The first request counts.
final class StopRequest: Sendable {
    private let outcome = Guarded<Outcome?>(nil)
    private let flag: Flag

    /// A request that has not been made. Throws when no descriptor is available.
    init() throws(SystemError) { flag = try Flag() }

    /// A descriptor that is readable once the watch should end.
    var descriptor: CInt { flag.descriptor }

    /// The requested outcome; nil while the watch should go on.
    var requested: Outcome? { outcome.withLock { $0 } }

    func request(_ reason: Outcome) {
        outcome.withLock { $0 = $0 ?? reason }
        flag.raise()
    }

    /// Requests the end because everything is printed. This replaces an outcome that was requested before, except a
    /// signal, which has to be visible to its sender.
    func conclude(_ end: Outcome) {
        outcome.withLock { outcome in
            if case .signal = outcome { return }
            outcome = end
        }
        flag.raise()
    }

    /// Waits until a deadline. Returns true if the watch should end before.
    func wait(until deadline: Instant) -> Bool {
        QuorumWatch.wait(for: [(descriptor, POLLIN)], until: deadline)[0] != 0
    }
}

extension StopRequest {
    /// Waits until a daemon that closed its connection has exited, or the watch should end; for half a second at most.
    ///
    /// To be called before a lost connection is closed. A daemon that was killed leaves the ring buffers of every
    /// connection in `/dev/shm`, 3 MiB each, until the client removes them. libqb does that if the daemon has exited,
    /// but checks for 30 ms only, and on a busy machine a dead process can stay visible for longer.
    func waitUntilGone(daemonOf descriptor: CInt) {
        let deadline = Instant.now + .milliseconds(500)
        let daemon = vqwatch_peer(descriptor)
        guard daemon > 0, QuorumWatch.wait(for: [(descriptor, 0)], until: .now)[0] & POLLHUP != 0 else { return }
        while kill(daemon, 0) == 0 || errno != ESRCH, Instant.now < deadline {
            if wait(until: .now + .milliseconds(5)) { return }
        }
    }
}
