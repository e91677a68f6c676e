// SPDX-License-Identifier: MIT

internal import Corosync

/// An observation or a change: one line of output.
struct Event: Hashable, Sendable {
    /// When the notification was received from corosync.
    var time: Timestamp
    var clusterName: String?
    /// The local node: the one whose corosync the watch is connected to.
    var localNode: NodeID?
    /// The name of the local node in the configuration.
    var localName: String?
    /// Whether votequorum says that the cluster is quorate.
    var quorate: Bool?
    var body: Body

    /// What happened.
    enum Body: Hashable, Sendable {
        /// The state at the start and after every reconnect.
        case status(ClusterState)
        /// The ring changed; votes are not yet recalculated.
        case nodelist(NodelistReport)
        /// Votequorum finished recalculating.
        case quorum(ClusterState)
        /// Expected votes were changed.
        case expectedVotes(ClusterState)
        /// Something changed without a notification.
        case info(ClusterState)
        /// The connection to corosync was lost.
        case disconnected(CorosyncError)
        /// What votequorum says has been outdated for too long.
        case unsettled(UnsettledReport)
        /// A link failed or recovered.
        case link(LinkReport)
        /// The growth of corosync's counters around a change of the membership.
        case evidence(EvidenceReport)
        /// Corosync has not answered a request for this long.
        case unresponsive(silent: Duration)
        /// This many events were dropped at this point, because the output was read too slowly.
        case dropped(count: Int)
        /// What votequorum would decide if some nodes failed.
        case prediction(PredictionReport)
    }

    var kind: EventKind {
        switch body {
        case .status: .status
        case .nodelist: .nodelist
        case .quorum: .quorum
        case .expectedVotes: .expectedVotes
        case .info: .info
        case .disconnected: .disconnected
        case .unsettled: .unsettled
        case .link: .link
        case .evidence: .evidence
        case .unresponsive: .unresponsive
        case .dropped: .dropped
        case .prediction: .prediction
        }
    }

    /// The state of the cluster, in events that contain it.
    var state: ClusterState? {
        switch body {
        case .status(let state), .quorum(let state), .expectedVotes(let state), .info(let state): state
        case .nodelist, .disconnected, .unsettled, .link, .evidence, .unresponsive, .dropped, .prediction: nil
        }
    }
}

extension Event.Body {
    /// Whether the cluster is quorate during the event, of which `current` is known now; nil when that is not known.
    func quorate(now current: Bool?) -> Bool? {
        switch self {
        case .status(let state), .quorum(let state), .expectedVotes(let state), .info(let state): state.quorate
        case .link, .evidence, .dropped: current
        case .nodelist, .disconnected, .unsettled, .unresponsive, .prediction: nil
        }
    }
}

extension Event {
    /// The approximate memory of the event in bytes, without strings, which it shares with the configuration.
    var footprint: Int {
        let size = MemoryLayout<Event>.stride
        switch body {
        case .status(let state), .quorum(let state), .expectedVotes(let state), .info(let state):
            return size + state.footprint
        case .nodelist(let report):
            let references = report.members.count + report.joined.count + report.left.count
            return size + references * MemoryLayout<NodeReference>.stride
        case .prediction(let report): return size + report.nodes.count * MemoryLayout<Node>.stride
        case .evidence(let report):
            return size + (report.linksDown?.count ?? 0) * MemoryLayout<LinkDown>.stride
                + report.mtuChanges.count * MemoryLayout<MTUChange>.stride
                + report.rejoined.count * MemoryLayout<NodeReference>.stride
                + report.configVersions.count * MemoryLayout<NodeConfigVersion>.stride
                + report.schedulingMisses.count * MemoryLayout<SchedulingMiss>.stride
        case .disconnected, .unsettled, .link, .unresponsive, .dropped: return size
        }
    }
}

extension ClusterState {
    /// The approximate memory of its lists in bytes.
    var footprint: Int {
        nodes.count * MemoryLayout<Node>.stride + (links?.count ?? 0) * MemoryLayout<Link>.stride
            + problems.count * MemoryLayout<Problem>.stride
    }
}

/// What votequorum says is outdated.
struct UnsettledReport: Hashable, Sendable {
    /// The ring of the last nodelist.
    var ring: RingID?
    /// Why it is outdated.
    var reason: UnsettledReason
    var elapsed: Duration
}

/// Why what votequorum says is outdated; the raw value is the name in JSON.
package enum UnsettledReason: String, Hashable, Sendable, CaseIterable {
    /// Votequorum has not finished a recalculation.
    case recalculation
    /// Totem has formed no membership that was completed.
    case membership
    /// The same, and corosync says that a firewall or a failed interface is why.
    case network
}

/// A change of the ring.
struct NodelistReport: Hashable, Sendable {
    var ring: RingID
    var members: [NodeReference]
    /// Those that were not in the ring before.
    var joined: [NodeReference]
    /// Those that are no longer in it.
    var left: [NodeReference]
}

/// What votequorum would decide if some nodes failed.
struct PredictionReport: Hashable, Sendable {
    /// The nodes that would fail, by ID. Those that are not members change nothing.
    var ifDown: [NodeReference]
    var prediction: Prediction
    /// All nodes in their present state.
    var nodes: [Node]

    func reference(_ id: NodeID) -> NodeReference { nodes.reference(id) }
}

/// The kinds of events, as in ``Event/Body``; the raw value is the name in JSON and on the command line.
package enum EventKind: String, Hashable, Sendable, CaseIterable {
    case status, nodelist, quorum
    case expectedVotes = "expected_votes"
    case info, disconnected, unsettled, link, evidence, unresponsive, dropped
    /// A watch has no such events.
    case prediction

    /// The kinds of events of a watch.
    package static let ofWatch = allCases.filter { $0 != .prediction }
}
