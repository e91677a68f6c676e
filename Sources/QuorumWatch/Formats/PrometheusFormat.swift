// SPDX-License-Identifier: MIT

internal import Corosync

/// The state in the text exposition format of Prometheus. Unknown values are left out.
///
/// The `ha_cluster_corosync_…` metrics have exactly the names, labels and help of ha_cluster_exporter.
struct PrometheusFormat {
    private var bytes: [UInt8] = []

    /// The state of a status, in which quorate is unknown only if a recalculation did not end in time; nil when corosync is
    /// not connected or does not answer.
    static func exposition(of state: ClusterState?) -> [UInt8] {
        var format = PrometheusFormat()
        if let state { format.write(state) }
        format.write(isConnected: state != nil, isRecalculating: state.map { $0.quorate == nil } ?? false)
        return format.bytes
    }

    /// The statistics of a watch: the state and the counters.
    static func exposition(of statistics: WatchRecord) -> [UInt8] {
        var format = PrometheusFormat()
        if let state = statistics.state { format.write(state) }
        format.write(isConnected: statistics.isConnected, isRecalculating: statistics.isRecalculating)
        format.write(statistics)
        return format.bytes
    }
}

extension PrometheusFormat {
    private mutating func write(isConnected: Bool, isRecalculating: Bool) {
        gauge("vqwatch_connected", "Whether corosync is connected and answers", isConnected)
        guard isConnected else { return }
        gauge(
            "vqwatch_recalculating", "Whether votequorum is recalculating: quorate is still its last decision",
            isRecalculating)
    }

    private mutating func write(_ state: ClusterState) {
        let nodes = state.shownNodes
        // While it is unknown whether the cluster is quorate, the votes and what follows from them are outdated.
        if let quorate = state.quorate { write(quorate: quorate, state, nodes) }
        family("vqwatch_node_state", "Whether the node is in the state; one line per state") { samples in
            for node in nodes {
                let named = ["member", "dead", "leaving", "absent"]
                for name in named.contains(node.stateName) ? named : named + [node.stateName] {
                    samples.add(node.labels + [("state", name)], name == node.stateName)
                }
            }
        }
        family("vqwatch_qdevice_state", "Whether the quorum device of this node is in the state") { samples in
            guard let device = state.device, let deviceState = device.state else { return }
            samples.add([("name", device.name ?? "")], deviceState)
        }
        family(
            "vqwatch_node_qdevice_state", "Whether the quorum device of the node is in the state"
        ) { samples in
            guard state.device != nil || nodes.contains(where: { $0.device != nil }) else { return }
            // The device of the other nodes is unknown.
            for node in nodes where node.isMember && node.votes != nil {
                samples.add(node.labels + [("state", "registered")], node.device != nil)
                if let deviceState = node.device { samples.add(node.labels, deviceState) }
            }
        }
        writeStatistics(of: state)
        writeProblems(of: state)
        family("vqwatch_configured_nodes", "The number of nodes in the configuration of this node") { samples in
            guard nodes.contains(where: { $0.isConfigured != nil }) else { return }
            samples.add([], nodes.count { $0.isConfigured == true })
        }
        family("vqwatch_configured_votes", "The votes of the complete cluster by the configuration of this node") {
            $0.add([], state.configuredVotes)
        }
        let local = state.localNode.flatMap { state.node($0) }
        family("vqwatch_config_version", "The version of the configuration of this node") {
            $0.add([], local?.configVersion)
        }
        family("vqwatch_cluster_info", "The cluster, this node and its ring, always 1") { samples in
            samples.add(
                [
                    ("cluster_name", state.clusterName ?? ""), ("local_node_id", state.localNode?.description ?? ""),
                    ("local_node", local?.label ?? ""), ("ring_id", state.ring?.description ?? ""),
                ], true)
        }
    }

    private mutating func write(quorate: Bool, _ state: ClusterState, _ nodes: [Node]) {
        gauge("ha_cluster_corosync_quorate", "Whether or not the cluster is quorate", quorate)
        family("ha_cluster_corosync_quorum_votes", "Cluster quorum votes; one line per type") { samples in
            samples.add([("type", "expected_votes")], state.votes.expected)
            samples.add([("type", "highest_expected")], state.votes.highestExpected)
            samples.add([("type", "quorum")], state.votes.quorum)
            samples.add([("type", "total_votes")], state.votes.total)
        }
        family(
            "ha_cluster_corosync_member_votes",
            "How many votes each member node has contributed with to the current quorum"
        ) { samples in
            for node in nodes where node.isMember {
                samples.add(node.labels + [("local", node.isLocal ? "true" : "false")], node.votes)
            }
        }
        family("vqwatch_quorum_margin", "How many more votes can be lost; negative: how many are missing") {
            $0.add([], state.votes.margin)
        }
        family("vqwatch_quorum_flag", "Whether votequorum has set the flag") { samples in
            guard let flags = state.flags else { return }
            for (flag, name) in NodeInfo.Flags.clusterFlags { samples.add([("flag", name)], flags.contains(flag)) }
        }
        family("vqwatch_if_down_quorate", "Whether the cluster would be quorate if this member alone failed") {
            for node in nodes { if let survives = node.quorateIfDown { $0.add(node.labels, survives) } }
        }
    }

    private mutating func writeProblems(of state: ClusterState) {
        family("vqwatch_problem", "A problem of the cluster, always 1; one line per node that it is about") { samples in
            // Two lines with the same labels would make the whole exposition invalid.
            var written: Set<[String]> = []
            for problem in state.problems {
                let nodes = problem.nodes.map { state.node($0.id) ?? Node($0) }
                for node in nodes.isEmpty ? [[("node_id", ""), ("node", "")]] : nodes.map(\.labels) {
                    guard written.insert([problem.code.rawValue, node[0].value]).inserted else { continue }
                    let labels: Labels = [
                        ("cluster_name", state.clusterName ?? ""), ("code", problem.code.rawValue),
                        ("severity", problem.severity.rawValue),
                    ]
                    samples.add(labels + node, true)
                }
            }
        }
    }

    /// The links, and what corosync counts.
    private mutating func writeStatistics(of state: ClusterState) {
        let links = (state.links ?? []).map { link in
            let node = state.node(link.id.node) ?? Node(NodeReference(id: link.id.node))
            return (link, node.labels + [("link", "\(link.id.number)")])
        }
        writeRings(of: state)
        family("vqwatch_link_connected", "Whether knet can reach the node over the link") { samples in
            for (link, labels) in links { samples.add(labels, link.isConnected) }
        }
        // What is known of a link that is down is outdated.
        family("vqwatch_link_latency_seconds", "The running average of the latency of the link") { samples in
            for (link, labels) in links where link.isConnected {
                if let latency = link.latency { samples.add(labels, microseconds: Int64(latency)) }
            }
        }
        family("vqwatch_link_mtu_bytes", "The largest payload of a packet over the link") { samples in
            for (link, labels) in links where link.isConnected { samples.add(labels, link.mtu) }
        }
        family("vqwatch_link_downs_total", "How often the link failed", type: "counter") { samples in
            for (link, labels) in links { samples.add(labels, link.downs) }
        }
        family("vqwatch_token_losses_total", "How often the token was lost", type: "counter") {
            $0.add([], state.counters?.tokenLosses)
        }
        family("vqwatch_retransmits_total", "The number of messages that totem retransmitted", type: "counter") {
            $0.add([], state.counters?.retransmits)
        }
    }

    /// The links by number, as ha_cluster_exporter shows them: one line for each address of this node.
    private mutating func writeRings(of state: ClusterState) {
        guard let links = state.links, let local = state.localNode.flatMap({ state.node($0) }) else { return }
        let numbers = Set(links.map(\.id.number)).sorted()
        let faulty = Set(
            links.filter { !$0.isConnected && state.node($0.id.node)?.isMember == true }.map(\.id.number))
        family(
            "ha_cluster_corosync_rings", "The status of each Corosync ring; 1 means healthy, 0 means faulty."
        ) { samples in
            for (index, number) in numbers.enumerated() {
                // The addresses are in the order of the links, but which links they belong to is not known otherwise.
                let address = numbers.count == local.addresses.count ? local.addresses[index] : ""
                samples.add(
                    [
                        ("ring_id", state.ring?.description ?? ""), ("node_id", local.id.description),
                        ("number", "\(number)"), ("address", address),
                    ], !faulty.contains(number))
            }
        }
        family("ha_cluster_corosync_ring_errors", "The total number of faulty corosync rings") {
            if !numbers.isEmpty { $0.add([], faulty.count) }
        }
    }

    private mutating func write(_ statistics: WatchRecord) {
        family(
            "vqwatch_scheduling_miss_seconds_total",
            "For how long corosync was not scheduled, since the start of vqwatch", type: "counter"
        ) { samples in
            if let missed = statistics.missedMilliseconds { samples.add([], microseconds: missed &* 1000) }
        }
        family("vqwatch_events_total", "The number of events, printed or not", type: "counter") { samples in
            // Dropped events concern an output, not the cluster.
            for kind in EventKind.ofWatch where kind != .dropped {
                samples.add([("event", kind.rawValue)], statistics.events[kind, default: 0])
            }
        }
        family("vqwatch_reconnects_total", "The number of reconnects to corosync", type: "counter") {
            $0.add([], statistics.reconnects)
        }
        family("vqwatch_last_change_timestamp_seconds", "When the state of the cluster last changed") { samples in
            if let time = statistics.lastChange { samples.add([], microseconds: time.microseconds) }
        }
    }

    private mutating func gauge(_ name: StaticString, _ help: StaticString, _ value: Bool) {
        family(name, help) { $0.add([], value) }
    }

    /// Writes the help, the type and the samples of one metric; nothing if there are no samples.
    private mutating func family(
        _ name: StaticString, _ help: StaticString, type: StaticString = "gauge", _ add: (inout Samples) -> Void
    ) {
        var samples = Samples(name: name)
        add(&samples)
        guard !samples.bytes.isEmpty else { return }
        bytes.append(contentsOf: "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n".utf8)
        bytes.append(contentsOf: samples.bytes)
    }
}

private typealias Labels = [(name: StaticString, value: String)]

/// The lines of one metric.
private struct Samples {
    let name: StaticString
    var bytes: [UInt8] = []

    mutating func add(_ labels: Labels, _ value: (some FixedWidthInteger)?) {
        guard let value else { return }
        begin(labels)
        bytes.append(contentsOf: "\(value)\n".utf8)
    }

    mutating func add(_ labels: Labels, _ value: Bool) { add(labels, value ? 1 : 0) }

    mutating func add(_ labels: Labels, _ state: DeviceState) {
        add(labels + [("state", "alive")], state.alive)
        add(labels + [("state", "cast_vote")], state.castVote)
        add(labels + [("state", "master_wins")], state.masterWins)
    }

    /// Adds a time in seconds.
    mutating func add(_ labels: Labels, microseconds: Int64) {
        begin(labels)
        Timestamp(microseconds: microseconds).appendSeconds(to: &bytes)
        bytes.append(ascii: "\n")
    }

    private mutating func begin(_ labels: Labels) {
        bytes.append(contentsOf: name.description.utf8)
        for (index, label) in labels.enumerated() {
            bytes.append(contentsOf: "\(index == 0 ? "{" : ",")\(label.name)=\"".utf8)
            for byte in escaped(label.value).utf8 {
                if byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\"") { bytes.append(UInt8(ascii: "\\")) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(contentsOf: labels.isEmpty ? " ".utf8 : "} ".utf8)
    }
}

extension Node {
    /// A node of which only the ID and the name are known.
    fileprivate init(_ reference: NodeReference) {
        self.init(id: reference.id, name: reference.name, isLocal: false, addresses: [])
    }

    /// The name; of a node without one its first address, or its ID, as in corosync-quorumtool(8), which
    /// ha_cluster_exporter reads.
    fileprivate var label: String { name ?? addresses.first ?? id.description }

    /// The labels of a node.
    fileprivate var labels: Labels { [("node_id", id.description), ("node", label)] }
}
