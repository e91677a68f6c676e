// SPDX-License-Identifier: MIT

import Corosync
import Glibc

func connect() throws(CorosyncError) -> VoteQuorum {
    while true {
        do {
            return try VoteQuorum()
        } catch {
            guard error.isTransient else { throw error }
            usleep(100_000)
        }
    }
}

func nameOfCluster() -> String? {
    guard let map = try? ConfigurationMap() else { return nil }
    return try? map.get("totem.cluster_name", as: String.self)
}

func tell(_ notification: VoteQuorum.Notification, from quorum: borrowing VoteQuorum) throws(CorosyncError) {
    switch notification {
    case .nodelist(let ring, let members):
        print("ring \(ring):", members)
    case .quorum(let quorate, _):
        let info = try quorum.info()
        print(quorate ? "quorate:" : "not quorate:", info.totalVotes, "votes, quorum", info.quorum)
    case .expectedVotes(let votes):
        print("expected votes:", votes)
    }
}

func follow() throws(CorosyncError) {
    let quorum = try connect()
    print("cluster", nameOfCluster() ?? "without a name")
    try quorum.startTracking(.changes)
    var wait = pollfd(fd: quorum.fileDescriptor, events: Int16(POLLIN), revents: 0)
    while true {
        try quorum.dispatch(.all) { notification throws(CorosyncError) in
            try tell(notification, from: quorum)
        }
        fflush(nil)
        poll(&wait, 1, -1)
    }
}

do throws(CorosyncError) {
    try follow()
} catch {
    print(error)
}
