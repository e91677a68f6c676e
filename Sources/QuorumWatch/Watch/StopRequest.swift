// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc
internal import Synchronization

/// The request to end the watch. Any thread can make it, and any thread can wait for it.
final class StopRequest: Sendable {
    private let outcome = Mutex<Outcome?>(nil)
    private let flag: Flag

    /// A request that has not been made. Throws when no descriptor is available.
    init() throws(SystemError) { flag = try Flag() }

    /// A descriptor that is readable once the watch should end.
    var descriptor: CInt { flag.descriptor }

    /// The outcome with the highest rank that was requested; nil while the watch should go on.
    var requested: Outcome? { outcome.withLock { $0 } }

    /// Requests the end.
    func request(_ reason: Outcome) {
        outcome.withLock { outcome in
            if outcome.map({ $0.rank < reason.rank }) ?? true { outcome = reason }
        }
        flag.raise()
    }

    /// Waits until a deadline. Returns true if the watch should end before.
    func wait(until deadline: Instant) -> Bool {
        QuorumWatch.wait(for: [.init((), descriptor)], until: deadline).isAny
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
        let hangUp = QuorumWatch.wait(for: [.init((), descriptor, events: 0)], until: .now)
        guard daemon > 0, hangUp.isAny else { return }
        while kill(daemon, 0) == 0 || errno != ESRCH, Instant.now < deadline {
            if wait(until: .now + .milliseconds(5)) { return }
        }
    }
}
