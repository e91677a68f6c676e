// SPDX-License-Identifier: MIT

internal import CCorosync
internal import DequeModule
internal import Glibc
internal import Synchronization

/// Closes connections without blocking the thread that gives them up.
///
/// Closing blocks in two cases. Another thread connects, and holds the lock of the handles. Or the connection is lost:
/// a daemon that was killed leaves the ring buffers of every connection in `/dev/shm`, 3 MiB each, which libqb removes
/// if the daemon has exited. But it looks for that for 30 ms only, and a daemon takes longer on a busy machine. In these
/// cases a thread closes the connections, one after the other; there is no thread while there is nothing to close.
package enum Closing {
    private struct Connection: Sendable {
        let lock: HandleLock
        let finalize: @Sendable () -> cs_error_t
        /// The daemon to wait for; 0 for none.
        let daemon: pid_t
        let deadline: ContinuousClock.Instant
    }

    private struct State {
        var connections: Deque<Connection> = []
        var isRunning = false
    }

    private static let state = Mutex(State())
    /// How long a daemon is waited for. On a machine that is overloaded, where daemons are killed, a dead process can
    /// stay visible for seconds.
    private static let patience = Duration.seconds(10)
    /// Lets a process that ends with exit(3) wait; registered by the first access.
    private static let waitAtExit = atexit { Closing.finish(within: .milliseconds(500)) }

    /// Closes a connection, now if that does not block.
    static func close(
        _ interrupter: Interrupter, _ descriptor: CInt, _ lock: HandleLock,
        _ finalize: @escaping @Sendable () -> cs_error_t
    ) {
        interrupter.connectionWillClose()
        let isLost = isHungUp(descriptor)
        if !isLost, lock.holdIfFree(finalize) { return }
        let connection = Connection(
            lock: lock, finalize: finalize, daemon: isLost && !interrupter.isInterrupted ? peer(of: descriptor) : 0,
            deadline: .now + patience)
        let mustStart = state.withLock { state in
            state.connections.append(connection)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard mustStart else { return }
        _ = waitAtExit
        // Without a thread, the caller has to wait.
        if startThread(run) != 0 { run() }
    }

    private static func run() {
        while let connection = next() {
            var pause: useconds_t = 5000
            while connection.daemon > 0, kill(connection.daemon, 0) == 0 || errno != ESRCH,
                .now < connection.deadline
            {
                usleep(pause)
                pause = min(pause * 2, 100_000)
            }
            // The one error it can give, a bad handle, cannot happen: nobody else has the handle.
            _ = connection.lock.hold(connection.finalize)
        }
    }

    private static func next() -> Connection? {
        state.withLock { state in
            state.isRunning = !state.connections.isEmpty
            return state.connections.popFirst()
        }
    }

    /// Waits until the lost connections that this process has given up are closed, as exit(3) does, but for this time
    /// at most; for a program that ends with _exit(2).
    package static func finish(within limit: Duration) {
        let deadline = ContinuousClock.Instant.now + limit
        while state.withLock({ $0.isRunning }), .now < deadline { usleep(1000) }
    }

    /// Whether the other end has closed a socket, or this one has shut it down.
    private static func isHungUp(_ descriptor: CInt) -> Bool {
        var state = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&state, 1, 0) == 1
    }

    /// The process at the other end of a local socket (`SO_PEERCRED` of unix(7)); 0 if it is unknown.
    private static func peer(of descriptor: CInt) -> pid_t {
        // struct ucred, which the Glibc module lacks.
        var peer: (process: pid_t, user: uid_t, group: gid_t) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: peer))
        let isKnown = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0
        // A process whose both ends are its own would wait for its own end.
        return isKnown && peer.process != getpid() ? peer.process : 0
    }
}
