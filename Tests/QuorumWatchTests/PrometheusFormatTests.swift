// SPDX-License-Identifier: MIT

import Corosync
import TestSupport
import Testing

@testable import QuorumWatch

@Suite("Prometheus metrics")
struct PrometheusFormatTests {
    /// The lines that are neither HELP nor TYPE.
    private func samples(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    private func samples(of watched: WatchedCluster) -> [String] {
        samples(PrometheusFormat.exposition(of: watched.record))
    }

    /// A settled state of three configured nodes, with two links to each of the other nodes.
    private func state(_ cluster: Cluster = Cluster()) throws -> ClusterState {
        var state = try #require(WatchedCluster.settled(cluster).record.state)
        for index in state.nodes.indices {
            state.nodes[index].isConfigured = true
            state.nodes[index].addresses = ["10.0.0.\(index + 1)", "10.0.1.\(index + 1)"]
        }
        state.nodes[0].configVersion = 4
        state.links = [2, 3].flatMap { node in
            [0, 1].map {
                Link(id: LinkID(node: NodeID(node), number: $0), isConnected: true, latency: 131, mtu: 1446, downs: 2)
            }
        }
        return state
    }

    /// The samples of one metric.
    private func samples(of metric: String, in state: ClusterState) -> [String] {
        samples(PrometheusFormat.exposition(of: state)).filter {
            $0.hasPrefix("\(metric){") || $0.hasPrefix("\(metric) ")
        }
    }

    @Test("include those of ha_cluster_exporter in the same form")
    func metrics() throws {
        var cluster = Cluster()
        cluster.states[3] = .dead
        var state = try state(cluster)
        state.links = nil
        let lines = samples(PrometheusFormat.exposition(of: state))
        #expect(
            lines == [
                #"ha_cluster_corosync_quorate 1"#,
                #"ha_cluster_corosync_quorum_votes{type="expected_votes"} 3"#,
                #"ha_cluster_corosync_quorum_votes{type="highest_expected"} 3"#,
                #"ha_cluster_corosync_quorum_votes{type="quorum"} 2"#,
                #"ha_cluster_corosync_quorum_votes{type="total_votes"} 2"#,
                #"ha_cluster_corosync_member_votes{node_id="1",node="node1",local="true"} 1"#,
                #"ha_cluster_corosync_member_votes{node_id="2",node="node2",local="false"} 1"#,
                #"vqwatch_quorum_margin 0"#,
                #"vqwatch_quorum_flag{flag="2Node"} 0"#,
                #"vqwatch_quorum_flag{flag="Quorate"} 1"#,
                #"vqwatch_quorum_flag{flag="WaitForAll"} 0"#,
                #"vqwatch_quorum_flag{flag="LastManStanding"} 0"#,
                #"vqwatch_quorum_flag{flag="AutoTieBreaker"} 0"#,
                #"vqwatch_quorum_flag{flag="AllowDownscale"} 0"#,
                #"vqwatch_quorum_flag{flag="Qdevice"} 0"#,
                #"vqwatch_quorum_flag{flag="QdeviceHasExtraInfo"} 0"#,
                #"vqwatch_node_state{node_id="1",node="node1",state="member"} 1"#,
                #"vqwatch_node_state{node_id="1",node="node1",state="dead"} 0"#,
                #"vqwatch_node_state{node_id="1",node="node1",state="leaving"} 0"#,
                #"vqwatch_node_state{node_id="1",node="node1",state="absent"} 0"#,
                #"vqwatch_node_state{node_id="2",node="node2",state="member"} 1"#,
                #"vqwatch_node_state{node_id="2",node="node2",state="dead"} 0"#,
                #"vqwatch_node_state{node_id="2",node="node2",state="leaving"} 0"#,
                #"vqwatch_node_state{node_id="2",node="node2",state="absent"} 0"#,
                #"vqwatch_node_state{node_id="3",node="node3",state="member"} 0"#,
                #"vqwatch_node_state{node_id="3",node="node3",state="dead"} 1"#,
                #"vqwatch_node_state{node_id="3",node="node3",state="leaving"} 0"#,
                #"vqwatch_node_state{node_id="3",node="node3",state="absent"} 0"#,
                #"vqwatch_problem{cluster_name="lab",code="node_missing",severity="warning",node_id="3",node="node3"} 1"#,
                #"vqwatch_configured_nodes 3"#,
                #"vqwatch_configured_votes 3"#,
                #"vqwatch_config_version 4"#,
                #"vqwatch_cluster_info{cluster_name="lab",local_node_id="1",local_node="node1",ring_id="1.1"} 1"#,
                #"vqwatch_connected 1"#,
                #"vqwatch_recalculating 0"#,
            ])
    }

    @Test("have one HELP and one TYPE line each, before the samples")
    func headers() {
        let text = String(decoding: PrometheusFormat.exposition(of: WatchedCluster.settled().record), as: UTF8.self)
        var family = ""
        var seen: Set<String> = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# HELP ") {
                family = String(line.split(separator: " ")[2])
                #expect(seen.insert(family).inserted)
            } else if line.hasPrefix("# TYPE ") {
                #expect(line == "# TYPE \(family) \(family.hasSuffix("_total") ? "counter" : "gauge")")
            } else {
                #expect(line.hasPrefix("\(family){") || line.hasPrefix("\(family) "))
            }
        }
        #expect(seen.count >= 13 && text.hasSuffix("\n"))
    }

    @Test("have the name of the quorum device, and a label for a node state without a name")
    func device() {
        var cluster = Cluster()
        cluster.deviceFlags = [.quorumDeviceRegistered, .quorumDeviceAlive]
        cluster.states[2] = NodeState(rawValue: 9)
        let lines = samples(of: .settled(cluster))
        #expect(
            lines.filter { $0.hasPrefix("vqwatch_qdevice_state") } == [
                #"vqwatch_qdevice_state{name="net",state="alive"} 1"#,
                #"vqwatch_qdevice_state{name="net",state="cast_vote"} 0"#,
                #"vqwatch_qdevice_state{name="net",state="master_wins"} 0"#,
            ])
        #expect(
            lines.filter { $0.hasPrefix(#"vqwatch_node_qdevice_state{node_id="3""#) } == [
                #"vqwatch_node_qdevice_state{node_id="3",node="node3",state="registered"} 1"#,
                #"vqwatch_node_qdevice_state{node_id="3",node="node3",state="alive"} 1"#,
                #"vqwatch_node_qdevice_state{node_id="3",node="node3",state="cast_vote"} 0"#,
                #"vqwatch_node_qdevice_state{node_id="3",node="node3",state="master_wins"} 0"#,
            ])
        #expect(!lines.contains { $0.hasPrefix(#"vqwatch_node_qdevice_state{node_id="2""#) }, "not a member")
        #expect(lines.contains(#"vqwatch_node_state{node_id="2",node="node2",state="state_9"} 1"#))
        #expect(lines.contains(#"vqwatch_node_state{node_id="2",node="node2",state="absent"} 0"#))
    }

    @Test("omit unknown values")
    func unknown() throws {
        var state = try #require(WatchedCluster.settled().record.state)
        state.votes = Votes()
        state.flags = nil
        state.nodes[1].votes = nil
        state.nodes[2].name = nil
        let lines = samples(PrometheusFormat.exposition(of: state))
        #expect(!lines.contains { $0.hasPrefix("ha_cluster_corosync_quorum") || $0.hasPrefix("vqwatch_quorum") })
        #expect(
            lines.filter { $0.hasPrefix("ha_cluster_corosync_member_votes") } == [
                #"ha_cluster_corosync_member_votes{node_id="1",node="node1",local="true"} 1"#,
                #"ha_cluster_corosync_member_votes{node_id="3",node="10.0.0.3",local="false"} 1"#,
            ])
    }

    @Test("have no state but vqwatch_connected 0, and the counters, when corosync is gone")
    func gone() {
        #expect(samples(PrometheusFormat.exposition(of: nil as ClusterState?)) == ["vqwatch_connected 0"])
        var watched = WatchedCluster.settled()
        _ = watched.reduce(.disconnected(.lost), at: 1_763_804_614_007_311)
        #expect(
            samples(of: watched) == [
                #"vqwatch_connected 0"#,
                #"vqwatch_events_total{event="status"} 1"#,
                #"vqwatch_events_total{event="nodelist"} 0"#,
                #"vqwatch_events_total{event="quorum"} 0"#,
                #"vqwatch_events_total{event="expected_votes"} 0"#,
                #"vqwatch_events_total{event="info"} 0"#,
                #"vqwatch_events_total{event="disconnected"} 1"#,
                #"vqwatch_events_total{event="unsettled"} 0"#,
                #"vqwatch_events_total{event="link"} 0"#,
                #"vqwatch_events_total{event="evidence"} 0"#,
                #"vqwatch_events_total{event="unresponsive"} 0"#,
                #"vqwatch_reconnects_total 0"#,
                #"vqwatch_last_change_timestamp_seconds 1763804614.007311"#,
            ])
    }

    @Test("have neither quorate nor votes while a recalculation does not end")
    func unsettled() throws {
        var watched = WatchedCluster.settled()
        #expect(samples(of: watched).contains("vqwatch_recalculating 0"))
        _ = watched.reduce(.nodelist(ring: RingID(node: NodeID(1), sequence: 2), members: [NodeID(1)]), at: 2)
        #expect(samples(of: watched).contains("vqwatch_recalculating 1"))
        #expect(samples(of: watched).contains("ha_cluster_corosync_quorate 1"))
        _ = watched.reduce(.deadline, at: 35_000_002)
        var known = try state()
        known.quorate = nil
        known.problems = [Problem(code: .unsettled, text: "votequorum does not finish recalculating")]
        for lines in [samples(of: watched), samples(PrometheusFormat.exposition(of: known))] {
            #expect(lines.contains("vqwatch_connected 1") && lines.contains("vqwatch_recalculating 1"))
            #expect(
                !lines.contains { line in
                    ["ha_cluster_corosync_quor", "ha_cluster_corosync_member", "vqwatch_quorum", "vqwatch_if_down"]
                        .contains { line.hasPrefix($0) }
                })
        }
        #expect(
            samples(of: "vqwatch_problem", in: known) == [
                #"vqwatch_problem{cluster_name="lab",code="unsettled",severity="unknown",node_id="",node=""} 1"#
            ])
        #expect(watched.record.text == "QUORUM UNKNOWN: \(UnsettledReason.recalculation.words(hasDevice: false))")
    }

    @Test("have a line for each problem and node, and never two with the same labels")
    func problems() throws {
        var state = try state()
        state.nodes[2].name = nil
        let nodes = [NodeReference(id: NodeID(2), name: "node2"), NodeReference(id: NodeID(3))]
        state.problems = [
            Problem(code: .notQuorate, text: "not quorate: needs 1 more vote"),
            Problem(code: .configuration, text: "the links cannot be read"),
            Problem(code: .configuration, text: "the configuration cannot be read"),
            Problem(code: .nodeMissing, nodes: nodes, text: "node2 and 3 are not members"),
            Problem(code: .linkDown, nodes: [nodes[0], nodes[0]], text: "links 0 and 1 to node2 are down"),
            Problem(
                code: .configVersion, nodes: [NodeReference(id: NodeID(9), name: "node9")], text: "node9 has version 3"),
        ]
        #expect(
            samples(of: "vqwatch_problem", in: state) == [
                #"vqwatch_problem{cluster_name="lab",code="not_quorate",severity="critical",node_id="",node=""} 1"#,
                #"vqwatch_problem{cluster_name="lab",code="configuration",severity="unknown",node_id="",node=""} 1"#,
                #"vqwatch_problem{cluster_name="lab",code="node_missing",severity="warning",node_id="2",node="node2"} 1"#,
                #"vqwatch_problem{cluster_name="lab",code="node_missing",severity="warning",node_id="3",node="10.0.0.3"} 1"#,
                #"vqwatch_problem{cluster_name="lab",code="link_down",severity="warning",node_id="2",node="node2"} 1"#,
                #"vqwatch_problem{cluster_name="lab",code="config_version",severity="warning",node_id="9",node="node9"} 1"#,
            ])
    }

    @Test("show a link number as healthy if every link of that number to a member is connected")
    func rings() throws {
        var state = try state()
        func rings() -> [String] {
            samples(of: "ha_cluster_corosync_rings", in: state)
                + samples(of: "ha_cluster_corosync_ring_errors", in: state)
        }
        let first = #"ha_cluster_corosync_rings{ring_id="1.1",node_id="1",number="0",address="10.0.0.1"}"#
        let second = #"ha_cluster_corosync_rings{ring_id="1.1",node_id="1",number="1",address="10.0.1.1"}"#
        #expect(rings() == ["\(first) 1", "\(second) 1", "ha_cluster_corosync_ring_errors 0"])
        state.links?[3].isConnected = false
        #expect(rings() == ["\(first) 1", "\(second) 0", "ha_cluster_corosync_ring_errors 1"])
        // A node that is not a member is no fault of the ring.
        state.nodes[2].state = .dead
        #expect(rings() == ["\(first) 1", "\(second) 1", "ha_cluster_corosync_ring_errors 0"])
        // Which address belongs to the only link is not known.
        state.links?.removeAll { $0.id.number == 0 }
        #expect(rings() == [second.replacing("10.0.1.1", with: "") + " 1", "ha_cluster_corosync_ring_errors 0"])
        // Another transport than knet has no links.
        state.links = []
        #expect(rings() == [])
    }

    @Test("have the latency and the MTU of connected links only")
    func links() throws {
        var state = try state()
        state.links?[0].isConnected = false
        state.links?[1].mtu = nil
        let metrics = ["connected", "latency_seconds", "mtu_bytes", "downs_total"]
        let counts = metrics.map { samples(of: "vqwatch_link_\($0)", in: state).count }
        #expect(counts == [4, 3, 2, 4])
        #expect(
            samples(of: "vqwatch_link_mtu_bytes", in: state).first
                == #"vqwatch_link_mtu_bytes{node_id="3",node="node3",link="0"} 1446"#)
    }

    @Test("leave out a node that was removed from the configuration, unless it is still a member")
    func removed() throws {
        var state = try state()
        state.nodes[2].isConfigured = false
        #expect(samples(of: "vqwatch_node_state", in: state).contains { $0.contains("node3") })
        state.nodes[2].state = .dead
        #expect(!samples(of: "vqwatch_node_state", in: state).contains { $0.contains("node3") })
        #expect(samples(of: "vqwatch_configured_nodes", in: state) == ["vqwatch_configured_nodes 2"])
        for index in state.nodes.indices { state.nodes[index].isConfigured = nil }
        #expect(samples(of: "vqwatch_configured_nodes", in: state) == [])
    }

    @Test("pass promtool, with links, a quorum device and problems")
    func lint() throws {
        var cluster = Cluster()
        cluster.deviceFlags = [.quorumDeviceRegistered, .quorumDeviceAlive]
        var watched = WatchedCluster.settled(cluster)
        _ = watched.reduce(.statistics(Statistics(counters: TotemCounters(tokenLosses: 1, retransmits: 2))), at: 4)
        var state = try state(cluster)
        state.counters = watched.record.state?.counters
        state.nodes[1].quorateIfDown = true
        state.problems = [Problem(code: .qdevice, nodes: state.nodes.map(\.reference), text: "no vote of the device")]
        for exposition in [
            PrometheusFormat.exposition(of: state), PrometheusFormat.exposition(of: watched.record),
        ] {
            let text = String(decoding: exposition, as: UTF8.self)
            let lint = try ChildProcess.run(["promtool", "check", "metrics"], input: text)
            #expect(lint.status == 0 && lint.output + lint.errors == "", "\(text)")
        }
    }

    @Test("escape label values by the rules of Prometheus, after making them harmless")
    func escapes() throws {
        var state = try #require(WatchedCluster.settled().record.state)
        state.nodes[0].name = "a\"b\\c\nd\u{1b}[31m"
        let line = samples(PrometheusFormat.exposition(of: state)).first { $0.contains("member_votes") }
        #expect(
            line == #"ha_cluster_corosync_member_votes{node_id="1",node="a\"b\\c\\u{a}d\\u{1b}[31m",local="true"} 1"#)
    }
}
