// SPDX-License-Identifier: MIT

public import Corosync

/// Turns what corosync says into events. Pure: it asks nobody and has no clock.
///
/// A membership change reaches it as a nodelist notification and later a quorum notification. In between votequorum
/// recalculates, and what it answers is a mixture of before and after; ``mayRead`` is false then.
public struct Reducer: Sendable {
    /// Something that was learned.
    public enum Input: Hashable, Sendable {
        /// A nodelist notification.
        case nodelist(ring: RingID, members: [NodeID])
        /// A quorum notification, and what was read when it came.
        case quorum(quorate: Bool, nodes: [VoteQuorumNotification.ListedNode], Reading)
        /// An expected-votes notification, and what was read when it came; nothing while ``Reducer/mayRead`` is false.
        case expectedVotes(UInt32, Reading?)
        /// What was read without a notification.
        case reading(Reading)
        /// What was read at the start of a watch that is not to print it.
        case baseline(Reading)
        /// The configuration was read; nil when it cannot be.
        case configuration(Configuration?)
        /// The connection is lost.
        case disconnected(CorosyncError)
        /// A request has not been answered for this long.
        case unresponsive(silent: Duration)
    }

    private enum Phase {
        /// Nothing is known of this connection yet.
        case starting
        /// The last notification ended a recalculation.
        case settled
        /// A nodelist notification came, the quorum notification that ends the recalculation has not.
        case recalculating
    }

    private let kinds: Set<EventKind>
    private var phase = Phase.starting
    private var current = ClusterState()
    private var printed: ClusterState?
    /// The configuration; nil while it is not known.
    public private(set) var configuration: Configuration?
    private var members: [NodeID] = []
    /// Every node that votequorum knows, by ID.
    private var listed: [VoteQuorumNotification.ListedNode] = []
    private var reading: Reading?
    private var doubted: [VoteQuorumNotification.ListedNode]?
    /// Expected-votes notifications that came while nothing could be read.
    private var heldExpectedVotes: [(time: Timestamp, votes: UInt32)] = []
    /// How many of them are held at most.
    private static let mostHeld = 1000

    /// A reducer that gives events of these kinds only.
    public init(kinds: Set<EventKind> = Set(EventKind.allCases)) { self.kinds = kinds }

    /// Whether anything is known of this connection.
    var hasState: Bool { phase != .starting }

    /// Whether what votequorum answers now can be believed.
    public var mayRead: Bool { phase == .settled }

    /// Whether the last reading was not believed: it shows a node's state or the quorum changed, which a notification
    /// is about to tell. If none comes, the same reading a second time is believed.
    public var wantsSecondReading: Bool { doubted != nil }

    /// The state, whatever was printed of it; nil when corosync is gone or silent.
    public var known: ClusterState? { phase == .starting || current.quorate == nil ? nil : current }

    /// Every node that votequorum is known to know, the asked one included.
    public var knownNodes: [NodeID] { listed.map(\.id) }

    /// The nodes of the configuration.
    public var configuredNodes: [NodeID] { configuration?.nodes.map(\.id) ?? [] }

    /// Takes something that was learned at a moment; gives the events that it makes.
    public mutating func reduce(_ input: Input, at time: Timestamp) -> [Event] {
        switch input {
        case .nodelist(let ring, let members): nodelist(ring: ring, members: members, at: time)
        case .quorum(let quorate, let nodes, let reading): quorum(quorate: quorate, nodes: nodes, reading, at: time)
        case .expectedVotes(let votes, let reading): expectedVotes(votes, reading, at: time)
        case .reading(let reading): silent(reading, at: time)
        case .baseline(let reading): baseline(reading)
        case .configuration(let configuration): configured(configuration, at: time)
        case .disconnected(let error): disconnected(error, at: time)
        case .unresponsive(let silent): unknown(.unresponsive(silent: silent), at: time)
        }
    }
}

// MARK: - What each input means

extension Reducer {
    private mutating func nodelist(ring: RingID, members: [NodeID], at time: Timestamp) -> [Event] {
        doubted = nil
        current.ring = ring
        let old = self.members
        self.members = Set(members).sorted()
        guard phase != .starting else { return [] }
        phase = .recalculating
        guard kinds.contains(.nodelist) else { return [] }
        let names = configuration ?? Configuration()
        let report = NodelistReport(
            ring: ring, members: self.members.map(names.reference),
            joined: self.members.filter { !old.contains($0) }.map(names.reference),
            left: old.filter { !self.members.contains($0) }.map(names.reference))
        let event = event(.nodelist(report), at: time)
        printed?.show(event)
        return [event]
    }

    private mutating func quorum(
        quorate: Bool, nodes: [VoteQuorumNotification.ListedNode], _ reading: Reading, at time: Timestamp
    ) -> [Event] {
        let isFirst = phase == .starting
        phase = .settled
        list(nodes)
        take(reading)
        current.quorate = quorate
        if reading.local.flags.contains(.quorate) != quorate { current.forgetVotes() }
        return isFirst ? report(.status, at: time) : reportHeldExpectedVotes() + report(.quorum, at: time)
    }

    private mutating func expectedVotes(_ votes: UInt32, _ reading: Reading?, at time: Timestamp) -> [Event] {
        guard phase != .starting else { return [] }
        guard phase == .settled, let reading else {
            heldExpectedVotes.append((time, votes))
            guard heldExpectedVotes.count == Self.mostHeld else { return [] }
            // Who is told so often before the recalculation ends gets the lines without what it would bring.
            current.forgetVotes()
            return reportHeldExpectedVotes()
        }
        take(reading)
        current.quorate = reading.local.flags.contains(.quorate)
        current.votes.expected = votes
        return report(.expectedVotes, at: time)
    }

    private mutating func silent(_ reading: Reading, at time: Timestamp) -> [Event] {
        guard phase == .settled else { return [] }
        let seen = states(in: reading)
        let quorate = reading.local.flags.contains(.quorate)
        if seen != listed || (current.quorate ?? quorate) != quorate, doubted != seen {
            doubted = seen
            return []
        }
        listed = seen
        take(reading)
        current.quorate = quorate
        return reportSilentChange(at: time)
    }

    private mutating func baseline(_ reading: Reading) -> [Event] {
        phase = .settled
        listed = Array(byNode: ([reading.local] + reading.others).map { .init(id: $0.id, state: $0.state) })
        members = listed.filter { $0.state == .member }.map(\.id)
        take(reading)
        current.quorate = reading.local.flags.contains(.quorate)
        printed = current
        return []
    }

    private mutating func configured(_ configuration: Configuration?, at time: Timestamp) -> [Event] {
        self.configuration = configuration
        current.clusterName = configuration?.clusterName
        guard let reading, phase != .starting else { return [] }
        current.nodes = nodes(from: reading)
        return phase == .settled ? reportSilentChange(at: time) : []
    }

    private mutating func disconnected(_ error: CorosyncError, at time: Timestamp) -> [Event] {
        var events: [Event] = []
        if !heldExpectedVotes.isEmpty {
            current.forgetVotes()
            current.quorate = nil
            events = reportHeldExpectedVotes()
        }
        phase = .starting
        members = []
        reading = nil
        current.ring = nil
        return events + unknown(.disconnected(error), at: time)
    }

    /// An event after which nobody knows whether the cluster is quorate.
    private mutating func unknown(_ body: Event.Body, at time: Timestamp) -> [Event] {
        doubted = nil
        current.quorate = nil
        let event = event(body, at: time)
        guard kinds.contains(event.kind) else { return [] }
        printed?.show(event)
        return [event]
    }
}

// MARK: - Events

extension Reducer {
    private mutating func reportSilentChange(at time: Timestamp) -> [Event] {
        current == printed ? [] : report(.info, at: time)
    }

    private mutating func reportHeldExpectedVotes() -> [Event] {
        guard !heldExpectedVotes.isEmpty else { return [] }
        defer { heldExpectedVotes = [] }
        let settled = current.votes.expected
        defer { current.votes.expected = settled }
        return heldExpectedVotes.flatMap { held in
            current.votes.expected = held.votes
            return report(.expectedVotes, at: held.time)
        }
    }

    private mutating func report(_ kind: EventKind, at time: Timestamp) -> [Event] {
        let old = printed ?? current
        guard kinds.contains(kind) else {
            // The first state is what later ones are compared with, printed or not.
            printed = old
            return []
        }
        printed = current
        let report = StateReport(state: current, changes: current.changes(since: old))
        switch kind {
        case .status: return [event(.status(report), at: time)]
        case .quorum: return [event(.quorum(report), at: time)]
        case .expectedVotes: return [event(.expectedVotes(report), at: time)]
        default: return [event(.info(report), at: time)]
        }
    }

    private func event(_ body: Event.Body, at time: Timestamp) -> Event {
        Event(
            time: time, clusterName: current.clusterName, localNode: current.localNode, quorate: current.quorate,
            body: body)
    }
}

// MARK: - State

extension Reducer {
    /// Takes the list of a quorum notification: in no order, perhaps with repetitions, perhaps with the quorum device.
    private mutating func list(_ nodes: [VoteQuorumNotification.ListedNode]) {
        doubted = nil
        listed.removeAll(keepingCapacity: true)
        for node in nodes where node.id != .quorumDevice {
            let place = listed.place(of: node.id)
            if place.isTaken { listed[place.index] = node } else { listed.insert(node, at: place.index) }
        }
    }

    private func states(in reading: Reading) -> [VoteQuorumNotification.ListedNode] {
        listed.map { .init(id: $0.id, state: reading.info(of: $0.id)?.state ?? $0.state) }
    }

    /// Takes what was read. If it shows other states than votequorum listed, the next recalculation had begun when it
    /// was read, and its totals belong to no state that votequorum ever gave.
    private mutating func take(_ reading: Reading) {
        self.reading = reading
        let local = reading.local
        current.localNode = local.id
        current.flags = local.flags
        current.votes = Votes(
            total: local.totalVotes, expected: local.expectedVotes, highestExpected: local.highestExpected,
            quorum: local.quorum)
        if states(in: reading) != listed { current.forgetVotes() }
        current.device =
            local.flags.contains(.qdeviceRegistered)
            ? QuorumDevice(
                name: local.quorumDeviceName, votes: local.quorumDeviceVotes,
                alive: local.flags.contains(.qdeviceAlive), castVote: local.flags.contains(.qdeviceCastVote),
                masterWins: local.flags.contains(.qdeviceMasterWins))
            : nil
        current.nodes = nodes(from: reading)
    }

    /// Every node that votequorum or the configuration knows, by ID. Both lists are sorted: one walk merges them.
    private func nodes(from reading: Reading) -> [Node] {
        var nodes: [Node] = []
        nodes.reserveCapacity(listed.count)
        var configured = (configuration?.nodes ?? [])[...]
        func absent(_ node: ConfiguredNode) -> Node {
            Node(id: node.id, name: node.name, isLocal: node.id == reading.local.id, addresses: node.addresses)
        }
        for known in listed {
            while let next = configured.first, next.id < known.id { nodes.append(absent(configured.removeFirst())) }
            let names = configured.first?.id == known.id ? configured.removeFirst() : nil
            let info = reading.info(of: known.id)
            nodes.append(
                Node(
                    id: known.id, name: names?.name, state: known.state, votes: info?.votes,
                    expectedVotes: info?.expectedVotes, isLocal: known.id == reading.local.id,
                    addresses: names?.addresses ?? []))
        }
        return nodes + configured.map(absent)
    }
}
