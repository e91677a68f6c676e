// SPDX-License-Identifier: MIT

import Corosync
import Glibc

/// Loses a connection, gives it up, and ends.
func givenUp() throws {
    do {
        let quorum = try VoteQuorum()
        try quorum.startTracking(.changesOnly)
        say("connected")
        attempt("lost") {
            try quorum.dispatch(.blocking) { _ in }; return "returned"
        }
    }
    say("given up")
}

/// Gives a connection up while another thread connects to a corosync that hangs.
func givenUpWhileHung() throws {
    func giveUp() throws {
        let quorum = try VoteQuorum()
        say("connected")
        // The test freezes corosync.
        _ = readLine()
        let before = links(in: "/proc/self/fd", to: "socket:")
        _ = inThread { _ = try? VoteQuorum().info() }
        while links(in: "/proc/self/fd", to: "socket:") == before { sched_yield() }
        say("giving \(quorum.fileDescriptor > 2 ? "a connection" : "nothing") up")
    }
    try giveUp()
    say("given up")
    // The test lets corosync go on.
    _ = readLine()
    while links(in: "/proc/self/map_files", to: "/dev/shm/qb") > 0 { sched_yield() }
    say("no connection left")
}
