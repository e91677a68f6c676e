// SPDX-License-Identifier: MIT

public import Corosync

/// One line of output: something that was found or that happened.
public struct Event: Hashable, Sendable {
    /// When the notification was taken off corosync.
    public var time: Timestamp
    /// The name of the cluster.
    public var clusterName: String?
    /// The node whose corosync is asked.
    public var localNode: NodeID?
    /// Whether votequorum says that the cluster is quorate.
    public var quorate: Bool?
    /// What happened.
    public var body: Body

    /// What happened.
    public enum Body: Hashable, Sendable {
        /// The state at the start and after every reconnect.
        case status(StateReport)
        /// The ring changed; votes are not yet recalculated.
        case nodelist(NodelistReport)
        /// Votequorum finished recalculating.
        case quorum(StateReport)
        /// Expected votes were changed.
        case expectedVotes(StateReport)
        /// Something changed of which votequorum does not tell.
        case info(StateReport)
        /// Corosync went away.
        case disconnected(CorosyncError)
        /// Corosync has not answered a request for this long.
        case unresponsive(silent: Duration)
        /// This many events are missing here.
        case dropped(count: Int)
    }

    /// The kind of the event.
    public var kind: EventKind {
        switch body {
        case .status: .status
        case .nodelist: .nodelist
        case .quorum: .quorum
        case .expectedVotes: .expectedVotes
        case .info: .info
        case .disconnected: .disconnected
        case .unresponsive: .unresponsive
        case .dropped: .dropped
        }
    }

    /// The whole state, of the events that carry it.
    public var report: StateReport? {
        switch body {
        case .status(let report), .quorum(let report), .expectedVotes(let report), .info(let report): report
        case .nodelist, .disconnected, .unresponsive, .dropped: nil
        }
    }
}

extension Event {
    /// The same event, with other changes where it carries the whole state.
    func with(_ changes: (StateReport) -> [Change]) -> Event {
        func changed(_ report: StateReport) -> StateReport {
            StateReport(state: report.state, changes: changes(report))
        }
        var event = self
        switch body {
        case .status(let report): event.body = .status(changed(report))
        case .quorum(let report): event.body = .quorum(changed(report))
        case .expectedVotes(let report): event.body = .expectedVotes(changed(report))
        case .info(let report): event.body = .info(changed(report))
        case .nodelist, .disconnected, .unresponsive, .dropped: break
        }
        return event
    }
}

extension ClusterState {
    /// Takes over what a reader of an event learns from it.
    mutating func show(_ event: Event) {
        switch event.body {
        case .status(let report), .quorum(let report), .expectedVotes(let report), .info(let report):
            self = report.state
        case .nodelist(let report): (ring, quorate) = (report.ring, event.quorate)
        case .disconnected, .unresponsive: quorate = nil
        case .dropped: break
        }
    }
}

/// A whole state, and what is new in it.
public struct StateReport: Hashable, Sendable {
    /// The state.
    public var state: ClusterState
    /// What differs from the last state that was printed.
    public var changes: [Change]
}

/// A change of the ring.
public struct NodelistReport: Hashable, Sendable {
    /// The new ring.
    public var ring: RingID
    /// The nodes in it.
    public var members: [NodeReference]
    /// Those that were not in the ring before.
    public var joined: [NodeReference]
    /// Those that are no longer in it.
    public var left: [NodeReference]
}

/// The kinds of events; the raw value is the name in JSON and on the command line.
public enum EventKind: String, Hashable, Sendable, CaseIterable {
    /// At the start, and again after every reconnect.
    case status
    /// The ring changed.
    case nodelist
    /// Votequorum finished recalculating.
    case quorum
    /// Expected votes were changed.
    case expectedVotes = "expected_votes"
    /// Votes, flags or quorum-device state changed and no callback said so.
    case info
    /// Corosync went away.
    case disconnected
    /// Corosync is connected but does not answer.
    case unresponsive
    /// Whoever reads the output was too slow.
    case dropped
}
