// SPDX-License-Identifier: MIT

internal import Corosync

extension Reducer {
    /// A notification, a reading, or a change of the connection.
    enum Input: Hashable, Sendable {
        /// A nodelist notification.
        case nodelist(ring: RingID, members: [NodeID])
        /// A quorum notification, and the reading made in its callback. The first of a connection is a snapshot, which
        /// may have been taken during a recalculation, and the reading is made after the maps were read.
        case quorum(quorate: Bool, nodes: [VoteQuorum.Notification.ListedNode], Reading, SnapshotState? = nil)
        /// An expected-votes notification, and the reading made in its callback; nil if ``QuorumPhase/isSettled`` is false
        /// or corosync does not answer.
        case expectedVotes(UInt32, Reading?)
        /// A reading without a notification.
        case reading(Reading)
        /// The configuration that was read, in a reading that began at this moment; nil when it cannot be read.
        case configuration(Configuration?)
        /// The changed values of `runtime.members` in the configuration map.
        case members([NodeID: TotemMember])
        /// A reading of the statistics map; nil: it cannot be read.
        case statistics(Statistics?)
        /// The last reading of the statistics map was made immediately after this nodelist.
        case counted(ring: RingID, members: [NodeID])
        /// Evidence for a nodelist or a scheduling miss is due.
        case evidence
        /// The connection is lost.
        case disconnected(CorosyncError)
        /// A request has not been answered for this long; `ofMap`: a request to a map.
        case unresponsive(silent: Duration, ofMap: Bool = false)
        /// The ``Reducer/deadline`` has passed.
        case deadline
    }

    /// Whether the snapshot, the first quorum notification of a connection, is up to date.
    enum SnapshotState: Hashable, Sendable {
        /// Votequorum does not recalculate, as far as the maps tell.
        case settled
        /// Votequorum recalculates, or may do so as far as the maps have answered. A quorum notification or another
        /// snapshot ends that.
        case recalculating
    }
}
