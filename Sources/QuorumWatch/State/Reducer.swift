// SPDX-License-Identifier: MIT

internal import Corosync

/// Turns notifications and readings into states and events. Pure: it makes no request and has no clock.
///
/// An event contains the new state; the ``ChangeTracker`` of each output computes the changes.
///
/// A membership change consists of a nodelist notification and a later quorum notification. Between the two, votequorum
/// recalculates, and its answers mix old and new values; ``mayRead`` is false then.
struct Reducer: Sendable {
    /// A notification, a reading, or a change of the connection.
    enum Input: Hashable, Sendable {
        /// A nodelist notification.
        case nodelist(ring: RingID, members: [NodeID])
        /// A quorum notification, and the reading made in its callback. The first of a connection is a snapshot, which
        /// may have been taken during a recalculation.
        case quorum(
            quorate: Bool, nodes: [VoteQuorum.Notification.ListedNode], Reading, isRecalculating: Bool = false)
        /// An expected-votes notification, and the reading made in its callback; nil if ``Reducer/mayRead`` is false.
        case expectedVotes(UInt32, Reading?)
        /// A reading without a notification.
        case reading(Reading)
        /// The reading at the start of a watch that does not print the first status.
        case baseline(Reading)
        /// The configuration that was read; nil when it cannot be read.
        case configuration(Configuration?)
        /// The connection is lost.
        case disconnected(CorosyncError)
        /// A request has not been answered for this long.
        case unresponsive(silent: Duration)
        /// A recalculation has been in progress for this long.
        case unsettled(elapsed: Duration)
        /// The membership of totem changed after the last notification, at this time of the monotonic clock.
        case membershipChanged(uptime: Duration)
        /// A reading of the statistics map; nil: it cannot be read.
        case statistics(Statistics?)
        /// The last reading of the statistics map was made immediately after this nodelist.
        case counted(ring: RingID, members: [NodeID])
        /// Evidence for a nodelist or a scheduling miss is due.
        case evidence
    }

    private enum Phase {
        /// The connection has no state yet.
        case starting
        /// The last notification ended a recalculation.
        case settled
        /// A nodelist notification came, and the quorum notification that ends the recalculation has not come yet.
        case recalculating
        /// A recalculation takes longer than it may, so whether the cluster is quorate is unknown.
        case unsettled
    }

    private var phase = Phase.starting
    private var current = ClusterState()
    /// The configuration; nil while it is not known.
    private(set) var configuration: Configuration?
    private var members: [NodeID] = []
    /// Every node that votequorum knows, sorted by ID.
    private var listed: [VoteQuorum.Notification.ListedNode] = []
    private var reading: Reading?
    private let predictsIfDown: Bool
    /// The values from the configuration map, updated with every decision of votequorum since they were read.
    private var settings = VotingSettings()
    /// The node states of the last reading, if it was rejected because they or the quorum changed without a
    /// notification.
    private var unconfirmed: [VoteQuorum.Notification.ListedNode]?
    /// Expected-votes notifications that came during a recalculation. Their events are made when it ends.
    private var heldExpectedVotes: [(time: Timestamp, votes: UInt32)] = []
    /// The maximum number of ``heldExpectedVotes``.
    private static let mostHeld = 1000
    /// The number of changes of totem's membership since the last notification, and the time of the first.
    private var unheardMemberships: (count: Int, since: Duration) = (0, .zero)
    /// The number of ``unheardMemberships`` after which votequorum's state counts as outdated.
    private static let mostUnheard = 3

    private var evidence = EvidenceCollector()
    /// Whether the statistics map can be read.
    private var hasStatistics = false

    /// A reducer without a state.
    ///
    /// - Parameter predictsIfDown: Whether to compute ``Node/quorateIfDown`` for each member.
    init(predictsIfDown: Bool = false) { self.predictsIfDown = predictsIfDown }

    /// Whether the connection has a state.
    var hasState: Bool { phase != .starting }

    /// Whether votequorum's answers are consistent now: no recalculation is in progress.
    var mayRead: Bool { phase == .settled }

    /// Whether votequorum recalculates.
    var isRecalculating: Bool { phase == .recalculating || phase == .unsettled }

    /// Whether a recalculation takes longer than it may.
    var isUnsettled: Bool { phase == .unsettled }

    /// Whether the last reading was rejected, because a node's state or the quorum changed in it, for which a
    /// notification should follow. If none follows and a second reading is the same, that is accepted.
    var wantsSecondReading: Bool { unconfirmed != nil }

    /// The input of votequorum's next decision; nil while parts of it are unknown.
    var voting: VotingSnapshot? {
        guard let reading, current.votes.total != nil else { return nil }
        let isComplete = listed.allSatisfy { $0.state != .member || reading.info(of: $0.id) != nil }
        return isComplete ? VotingSnapshot(reading, settings: settings) : nil
    }

    /// The state; nil before the first status, while corosync is not connected or does not answer, and while it is
    /// unknown whether the cluster is quorate.
    var known: ClusterState? { phase == .starting || current.quorate == nil ? nil : current }

    /// The IDs of all nodes that votequorum knows, with the local node.
    var knownNodes: [NodeID] { listed.map(\.id) }

    /// Whether there are scheduling misses that no evidence event contained yet.
    var hasSchedulingMiss: Bool { !evidence.schedulingMisses.isEmpty }

    /// The total scheduling delay of corosync since the start of the watch, in milliseconds; nil if it is not read.
    var missedMilliseconds: Int64? { evidence.latest.map { _ in evidence.missed } }

    /// The IDs of the configured nodes.
    var configuredNodes: [NodeID] { configuration?.nodes.map(\.id) ?? [] }

    /// Processes an input of this time. Returns the events that it causes.
    mutating func reduce(_ input: Input, at time: Timestamp) -> [Event] {
        switch input {
        case .nodelist(let ring, let members): nodelist(ring: ring, members: members, at: time)
        case .quorum(let quorate, let nodes, let reading, let isRecalculating):
            quorum(quorate: quorate, nodes: nodes, reading, isRecalculating: isRecalculating, at: time)
        case .expectedVotes(let votes, let reading): expectedVotes(votes, reading, at: time)
        case .reading(let reading): silent(reading, at: time)
        case .baseline(let reading): baseline(reading)
        case .configuration(let configuration): configured(configuration, at: time)
        case .disconnected(let error): disconnected(error, at: time)
        case .unresponsive(let silent): unknown(.unresponsive(silent: silent), at: time)
        case .unsettled(let elapsed): isRecalculating ? unsettled(elapsed, at: time) : []
        case .membershipChanged(let uptime): membershipChanged(uptime, at: time)
        case .statistics(let statistics): read(statistics, at: time)
        case .counted(let ring, let members): counted(ring: ring, members: members, at: time)
        case .evidence: tellEvidence(at: time)
        }
    }
}

// MARK: - Inputs

extension Reducer {
    private mutating func nodelist(ring: RingID, members: [NodeID], at time: Timestamp) -> [Event] {
        unconfirmed = nil
        current.ring = ring
        let old = self.members
        self.members = Set(members).sorted()
        unheardMemberships.count = 0
        guard phase != .starting else { return [] }
        if phase == .settled { phase = .recalculating }
        let names = configuration ?? Configuration()
        let report = NodelistReport(
            ring: ring, members: self.members.map(names.reference),
            joined: self.members.filter { !old.contains($0) }.map(names.reference),
            left: old.filter { !self.members.contains($0) }.map(names.reference))
        return [event(.nodelist(report), at: time)]
    }

    private mutating func quorum(
        quorate: Bool, nodes: [VoteQuorum.Notification.ListedNode], _ reading: Reading, isRecalculating: Bool,
        at time: Timestamp
    ) -> [Event] {
        let isFirst = phase == .starting
        phase = .settled
        unheardMemberships.count = 0
        list(nodes)
        take(reading)
        current.quorate = quorate
        if reading.local.flags.contains(.quorate) != quorate { current.forgetVotes() }
        guard !isFirst else {
            if isRecalculating || isOutdated {
                phase = .recalculating
                current.quorate = nil
                current.forgetVotes()
            }
            return [event(.status(current), at: time)]
        }
        return heldExpectedVotesEvents() + [event(.quorum(current), at: time)]
    }

    /// Whether the first snapshot was taken during a recalculation: the votes are new, and the quorate flag is old.
    /// Without auto_tie_breaker and master-wins, a cluster with a negative margin cannot be quorate.
    private var isOutdated: Bool {
        guard current.quorate == true, let margin = current.votes.margin, margin < 0 else { return false }
        return current.flags?.contains(.autoTieBreaker) != true
            && !current.nodes.contains { $0.isMember && $0.device?.masterWins == true }
    }

    private mutating func expectedVotes(_ votes: UInt32, _ reading: Reading?, at time: Timestamp) -> [Event] {
        guard phase != .starting else { return [] }
        guard phase == .settled, let reading else {
            heldExpectedVotes.append((time, votes))
            guard heldExpectedVotes.count == Self.mostHeld else { return [] }
            // The limit is reached: make these events without the votes, which are known only after the recalculation.
            current.forgetVotes()
            return heldExpectedVotesEvents()
        }
        take(reading)
        current.quorate = reading.local.flags.contains(.quorate)
        current.votes.expected = votes
        return [event(.expectedVotes(current), at: time)]
    }

    private mutating func silent(_ reading: Reading, at time: Timestamp) -> [Event] {
        guard phase == .settled else { return [] }
        let seen = states(in: reading)
        let quorate = reading.local.flags.contains(.quorate)
        if seen != listed || (current.quorate ?? quorate) != quorate, unconfirmed != seen {
            unconfirmed = seen
            return []
        }
        unconfirmed = nil
        let old = current
        listed = seen
        take(reading)
        current.quorate = quorate
        return infoEvent(ifChangedSince: old, at: time)
    }

    private mutating func baseline(_ reading: Reading) -> [Event] {
        phase = .settled
        listed = Array(byNode: ([reading.local] + reading.others).map { .init(id: $0.id, state: $0.state) })
        members = listed.filter { $0.state == .member }.map(\.id)
        take(reading)
        current.quorate = reading.local.flags.contains(.quorate)
        return []
    }

    private mutating func configured(_ configuration: Configuration?, at time: Timestamp) -> [Event] {
        let old = current
        self.configuration = configuration
        settings = configuration?.voting ?? VotingSettings()
        current.clusterName = configuration?.clusterName
        guard let reading, phase != .starting else { return [] }
        combine(reading)
        // During a recalculation, the change is part of the state that ends it.
        return phase == .settled ? infoEvent(ifChangedSince: old, at: time) : []
    }

    private mutating func disconnected(_ error: CorosyncError, at time: Timestamp) -> [Event] {
        var events: [Event] = []
        if !heldExpectedVotes.isEmpty {
            current.forgetVotes()
            current.quorate = nil
            events = heldExpectedVotesEvents()
        }
        phase = .starting
        members = []
        reading = nil
        current.ring = nil
        evidence.begin(with: nil)
        hasStatistics = false
        (current.links, current.counters) = (nil, nil)
        return events + unknown(.disconnected(error), at: time)
    }

    private mutating func unsettled(_ elapsed: Duration, at time: Timestamp) -> [Event] {
        phase = .unsettled
        return unknown(
            .unsettled(UnsettledReport(ring: current.ring, reason: .recalculation, elapsed: elapsed)), at: time)
    }

    /// If totem forms one ring after another without a notification of votequorum, votequorum's state is outdated.
    private mutating func membershipChanged(_ uptime: Duration, at time: Timestamp) -> [Event] {
        guard phase == .settled else { return [] }
        if unheardMemberships.count == 0 { unheardMemberships.since = uptime }
        unheardMemberships.count += 1
        guard unheardMemberships.count >= Self.mostUnheard else { return [] }
        return unsettled(uptime - unheardMemberships.since, at: time)
    }

    /// An event after which it is unknown whether the cluster is quorate.
    private mutating func unknown(_ body: Event.Body, at time: Timestamp) -> [Event] {
        unconfirmed = nil
        current.quorate = nil
        return [event(body, at: time)]
    }
}

// MARK: - Statistics

extension Reducer {
    private mutating func read(_ statistics: Statistics?, at time: Timestamp) -> [Event] {
        var old = current
        hasStatistics = statistics != nil
        var changes: [EvidenceCollector.LinkChange] = []
        if let statistics {
            // Before the first state, a reading can still be of a corosync that has ended.
            if phase == .starting { evidence.begin(with: statistics) } else { changes = evidence.add(statistics) }
        }
        showStatistics()
        guard phase != .starting else { return [] }
        let events = changes.filter { $0.link.id.node != current.localNode }.map { change in
            if let index = old.links?.firstIndex(where: { $0.id == change.link.id }) {
                old.links?[index].isConnected = change.link.isConnected
            }
            let report = LinkReport(
                node: reference(change.link.id.node), number: change.link.id.number,
                isConnected: change.link.isConnected, downs: change.downs)
            return event(.link(report), at: time)
        }
        // During a recalculation, the next state contains the other changes.
        return events + (phase == .settled ? infoEvent(ifChangedSince: old, at: time) : [])
    }

    private mutating func counted(ring: RingID, members: [NodeID], at time: Timestamp) -> [Event] {
        guard phase != .starting, evidence.latest != nil else { return [] }
        // Complete the evidence of the previous nodelist now.
        let events = evidence.isOpen ? tellEvidence(at: time) : []
        evidence.begin(nodelistOf: ring, members: members)
        return events
    }

    private mutating func tellEvidence(at time: Timestamp) -> [Event] {
        guard phase != .starting else { return [] }
        let report = evidence.report(currentRing: current.ring, names: reference)
        return report.map { [event(.evidence($0), at: time)] } ?? []
    }

    /// Sets the links to the other nodes, and the counters, in the state.
    private mutating func showStatistics() {
        let shown = hasStatistics ? evidence.latest : nil
        current.links = shown?.links?.filter { $0.id.node != current.localNode }
        current.counters = shown?.counters
    }

    private func reference(_ id: NodeID) -> NodeReference {
        configuration?.reference(id) ?? NodeReference(id: id, name: nil)
    }
}

// MARK: - Events

extension Reducer {
    private func infoEvent(ifChangedSince old: ClusterState, at time: Timestamp) -> [Event] {
        current.changes(since: old).isEmpty ? [] : [event(.info(current), at: time)]
    }

    private mutating func heldExpectedVotesEvents() -> [Event] {
        defer { heldExpectedVotes = [] }
        let settled = current.votes.expected
        defer { current.votes.expected = settled }
        return heldExpectedVotes.map { held in
            current.votes.expected = held.votes
            return event(.expectedVotes(current), at: held.time)
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
    /// Stores the list of a quorum notification, which is not sorted, and may contain duplicates and the quorum device.
    private mutating func list(_ nodes: [VoteQuorum.Notification.ListedNode]) {
        unconfirmed = nil
        listed.removeAll(keepingCapacity: true)
        for node in nodes where node.id != .quorumDevice {
            let place = listed.place(of: node.id)
            if place.isTaken { listed[place.index] = node } else { listed.insert(node, at: place.index) }
        }
    }

    private func states(in reading: Reading) -> [VoteQuorum.Notification.ListedNode] {
        listed.map { .init(id: $0.id, state: reading.info(of: $0.id)?.state ?? $0.state) }
    }

    /// Stores a reading. If its node states differ from votequorum's list, the next recalculation had already begun,
    /// and the totals of the reading are not consistent with the list.
    private mutating func take(_ reading: Reading) {
        // Before the first reading of a connection, the settings have just been read.
        if predictsIfDown, self.reading != nil { settings.update(after: VotingSnapshot(reading, settings: settings)) }
        self.reading = reading
        let local = reading.local
        current.localNode = local.id
        current.flags = local.flags
        current.votes = Votes(
            total: local.totalVotes, expected: local.expectedVotes, highestExpected: local.highestExpected,
            quorum: local.quorum)
        if states(in: reading) != listed { current.forgetVotes() }
        combine(reading)
    }

    /// Combines a reading with the configuration.
    private mutating func combine(_ reading: Reading) {
        let device = DeviceState(reading.local.flags)
        let model = configuration?.device?.model
        current.device =
            device == nil && model == nil
            ? nil
            : QuorumDevice(
                name: device.map { _ in reading.local.quorumDeviceName }, model: model,
                votes: reading.local.quorumDeviceVotes, state: device)
        current.configuredVotes = configuration?.votes
        current.nodes = nodes(from: reading)
        if hasStatistics { showStatistics() }
        predictIfDown()
    }

    /// Sets ``Node/quorateIfDown`` for each member.
    private mutating func predictIfDown() {
        guard predictsIfDown, let voting else { return }
        for index in current.nodes.indices where current.nodes[index].isMember {
            current.nodes[index].quorateIfDown = voting.isQuorate(without: [current.nodes[index].id])
        }
    }

    /// All nodes of votequorum and the configuration, sorted by ID. Both lists are sorted, so a single pass merges
    /// them.
    private func nodes(from reading: Reading) -> [Node] {
        var nodes: [Node] = []
        nodes.reserveCapacity(listed.count)
        var configured = (configuration?.nodes ?? [])[...]
        func absent(_ node: ConfiguredNode) -> Node {
            Node(
                id: node.id, name: node.name, isLocal: node.id == reading.local.id, addresses: node.addresses,
                configuredVotes: node.votes)
        }
        for known in listed {
            while let next = configured.first, next.id < known.id { nodes.append(absent(configured.removeFirst())) }
            let names = configured.first?.id == known.id ? configured.removeFirst() : nil
            let info = reading.info(of: known.id)
            nodes.append(
                Node(
                    id: known.id, name: names?.name, state: known.state, votes: info?.votes,
                    expectedVotes: info?.expectedVotes, isLocal: known.id == reading.local.id,
                    addresses: names?.addresses ?? [],
                    // Votequorum keeps the last flags of a node that is not a member any more.
                    device: known.state == .member ? info.flatMap { DeviceState($0.flags) } : nil,
                    configuredVotes: names?.votes))
        }
        return nodes + configured.map(absent)
    }
}
