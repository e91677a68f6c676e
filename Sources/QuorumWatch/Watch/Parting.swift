// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

extension StopRequest {
    /// Waits until a daemon that has hung up is gone, or the watch should end; for half a second at most.
    ///
    /// To be called before a connection that is lost is closed. A daemon that was killed leaves the rings of every
    /// connection in `/dev/shm`, 3 MiB each and for good, unless the client removes them. libqb does that for a daemon
    /// that is no more, but looks for it for 30 ms only: less than it takes a busy machine to bury a dead process.
    func waitUntilGone(daemonOf descriptor: CInt) {
        let deadline = Instant.now + .milliseconds(500)
        let daemon = vqwatch_peer(descriptor)
        guard daemon > 0, QuorumWatch.wait(for: [(descriptor, 0)], until: .now)[0] & POLLHUP != 0 else { return }
        while kill(daemon, 0) == 0 || errno != ESRCH, Instant.now < deadline {
            if wait(until: .now + .milliseconds(5)) { return }
        }
    }
}
