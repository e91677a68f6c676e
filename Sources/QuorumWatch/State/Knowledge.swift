// SPDX-License-Identifier: MIT

internal import Corosync

/// What is known of a cluster: the parts from which its state is assembled. Nil is unknown.
struct Knowledge: Sendable {
    /// The ring of the last nodelist notification.
    var ring: RingID?
    /// Every node that votequorum knows, by ID, from the last quorum notification or reading.
    var listed: [VoteQuorum.Notification.ListedNode] = []
    /// The last reading of votequorum's votes; nil before the first of a connection.
    var reading: Reading?
    /// The local node, also after the connection is lost: the events until the next reading are about its corosync.
    var localNode: NodeID?
    /// Whether votequorum says that the cluster is quorate.
    var quorate: Bool?
    /// Whether the votes of the reading belong to ``quorate`` and ``listed``. If not, the next recalculation had already
    /// begun when they were read.
    var areVotesValid = true
    /// The configuration; nil while it cannot be read.
    var configuration: Configuration?
    /// The statistics; nil while they cannot be read.
    var statistics: Statistics?
    /// The nodes that have joined since the last evidence: their links come up one after the other.
    var joined: Set<NodeID> = []
    /// The values for predictions, updated with every decision of votequorum since they were read.
    var settings = VotingSettings()
    /// Why what votequorum says is outdated; nil when it is not.
    var unsettled: UnsettledReason?
    /// The input of votequorum's next decision, and for each member whether the others would be quorate without it; nil
    /// while parts are unknown, or without predictions.
    private(set) var predictions: (voting: VotingSnapshot, quorateIfDown: [NodeID: Bool?])?

    /// Makes the predictions, if what they depend on has changed: in a large cluster, they are most of the work.
    mutating func predict() {
        let voting = voting
        if voting != predictions?.voting { predictions = voting.map { ($0, $0.quorateIfDown) } }
    }

    /// Clears what a recalculation in progress will change; `reason`: why what votequorum says is outdated.
    mutating func forgetQuorum(_ reason: UnsettledReason?) {
        (quorate, areVotesValid, unsettled) = (nil, false, reason)
    }

    /// The nodes with the states of a reading.
    func listed(in reading: Reading) -> [VoteQuorum.Notification.ListedNode] {
        listed.map { .init(id: $0.id, state: reading.info(of: $0.id)?.state ?? $0.state) }
    }

    /// A node by ID and, where configured, name.
    func reference(_ id: NodeID) -> NodeReference { configuration?.reference(id) ?? NodeReference(id: id) }

    /// The input of votequorum's next decision; nil while parts of it are unknown.
    var voting: VotingSnapshot? {
        guard let reading, areVotesValid, quorate != nil else { return nil }
        let isComplete = listed.allSatisfy { $0.state != .member || reading.info(of: $0.id) != nil }
        return isComplete ? VotingSnapshot(reading, settings: settings) : nil
    }
}

extension ClusterState {
    /// The state of a cluster.
    ///
    /// - Parameters:
    ///   - known: What is known.
    ///   - requirements: The requirements on the cluster, for ``problems``.
    ///   - lacksStatistics: Whether the statistics are needed and cannot be read.
    init(_ known: Knowledge, _ requirements: Requirements, lacksStatistics: Bool) {
        let configuration = known.configuration
        let local = known.reading?.local
        clusterName = configuration?.clusterName
        localNode = known.localNode
        quorate = known.quorate
        ring = known.ring
        if let local, known.areVotesValid {
            flags = local.flags
            votes = Votes(
                total: local.totalVotes, expected: local.expectedVotes, highestExpected: local.highestExpected,
                quorum: local.quorum)
        }
        device = QuorumDevice(local, configuration?.device)
        configuredVotes = configuration?.votes
        // The statistics are read again later than the configuration.
        links = known.statistics?.links?.filter { link in
            link.id.node != known.localNode && configuration.map { $0.nodes.about(link.id.node) != nil } ?? true
        }
        counters = known.statistics?.counters
        nodes = Self.nodes(known, links: links)
        if let (voting, quorateIfDown) = known.predictions {
            for index in nodes.indices where nodes[index].isMember {
                nodes[index].quorateIfDown = quorateIfDown[nodes[index].id] ?? nil
            }
            let missing = quorate == true ? [] : missingNodes
            let votes = missing.compactMap { node in (node.configuredVotes ?? node.votes).map { (node.id, $0) } }
            if votes.count == missing.count {
                waysToQuorum = voting.waysToQuorum(with: Dictionary(uniqueKeysWithValues: votes))?
                    .map { $0.map(known.reference) }
            }
        }
        problems = problems(
            requirements, configuration: configuration, unsettled: known.unsettled,
            lacksStatistics: lacksStatistics, joined: known.joined)
    }

    /// All nodes of votequorum and the configuration, by ID. Both lists are sorted, so a single pass merges them.
    private static func nodes(_ known: Knowledge, links: [Link]?) -> [Node] {
        var nodes: [Node] = []
        nodes.reserveCapacity(known.listed.count)
        var configured = (known.configuration?.nodes ?? [])[...]
        let hasNodelist = !configured.isEmpty
        func add(_ id: NodeID, _ state: NodeState?, _ names: ConfiguredNode?) {
            let info = known.reading?.info(of: id)
            let isLocal = id == known.localNode
            let isListed = state != nil
            nodes.append(
                Node(
                    id: id, name: names?.name, state: state, votes: isListed ? info?.votes : nil,
                    expectedVotes: isListed ? info?.expectedVotes : nil, isLocal: isLocal,
                    addresses: names?.addresses ?? [],
                    // Votequorum keeps the last flags of a node that is not a member any more.
                    device: state == .member ? info.flatMap { DeviceState($0.flags) } : nil,
                    isConfigured: hasNodelist ? names != nil : nil, configuredVotes: names?.votes,
                    isReachable: isLocal ? nil : links?.isReachable(id),
                    configVersion: known.configuration?.members[id]?.configVersion))
        }
        for node in known.listed {
            while let next = configured.first, next.id < node.id { add(next.id, nil, configured.removeFirst()) }
            add(node.id, node.state, configured.first?.id == node.id ? configured.removeFirst() : nil)
        }
        for node in configured { add(node.id, nil, node) }
        return nodes
    }
}

extension [Link] {
    /// Whether a link to a node is connected; nil if there is no link to it.
    fileprivate func isReachable(_ id: NodeID) -> Bool? {
        let links = filter { $0.id.node == id }
        return links.isEmpty ? nil : links.contains(where: \.isConnected)
    }
}

extension QuorumDevice {
    /// The quorum device of a node; nil when none is registered on it and none is configured.
    fileprivate init?(_ local: NodeInfo?, _ configured: ConfiguredDevice?) {
        let state = local.flatMap { DeviceState($0.flags) }
        guard let local, state != nil || configured != nil else { return nil }
        self.init(
            name: state.map { _ in local.quorumDeviceName }, model: configured?.model, votes: local.quorumDeviceVotes,
            state: state)
    }
}
