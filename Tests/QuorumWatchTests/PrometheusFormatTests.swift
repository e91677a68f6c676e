// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("Prometheus metrics")
struct PrometheusFormatTests {
    /// The lines that are neither HELP nor TYPE.
    private func samples(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    private func samples(of watched: WatchedCluster) -> [String] {
        samples(PrometheusFormat.exposition(of: watched.statistics))
    }

    @Test("include those of ha_cluster_exporter in the same form")
    func metrics() {
        var cluster = Cluster()
        cluster.states[3] = .dead
        let lines = samples(PrometheusFormat.exposition(of: WatchedCluster.settled(cluster).statistics.state))
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
                #"vqwatch_cluster_info{cluster_name="lab",local_node_id="1",local_node="node1",ring_id="1.1"} 1"#,
                #"vqwatch_connected 1"#,
                #"vqwatch_recalculating 0"#,
            ])
    }

    @Test("have one HELP and one TYPE line each, before the samples")
    func headers() {
        let text = String(decoding: PrometheusFormat.exposition(of: WatchedCluster.settled().statistics), as: UTF8.self)
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
        #expect(seen.count == 12 && text.hasSuffix("\n"))
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
        var state = try #require(WatchedCluster.settled().statistics.state)
        state.quorate = nil
        state.votes = Votes()
        state.flags = nil
        state.nodes[1].votes = nil
        state.nodes[2].name = nil
        let lines = samples(PrometheusFormat.exposition(of: state))
        #expect(!lines.contains { $0.hasPrefix("ha_cluster_corosync_quor") || $0.hasPrefix("vqwatch_quorum") })
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
        _ = watched.record(.disconnected(.lost), at: 1_763_804_614_007_311)
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

    @Test("have no state but vqwatch_connected 1 and vqwatch_recalculating 1 while a recalculation does not end")
    func unsettled() {
        var watched = WatchedCluster.settled()
        #expect(samples(of: watched).contains("vqwatch_recalculating 0"))
        _ = watched.record(.nodelist(ring: RingID(node: NodeID(1), sequence: 2), members: [NodeID(1)]), at: 2)
        #expect(samples(of: watched).contains("vqwatch_recalculating 1"))
        #expect(samples(of: watched).contains("ha_cluster_corosync_quorate 1"))
        _ = watched.record(.unsettled(elapsed: .seconds(35)), at: 3)
        let lines = samples(of: watched).filter { !$0.hasPrefix("vqwatch_events") }
        #expect(lines.prefix(2) == ["vqwatch_connected 1", "vqwatch_recalculating 1"])
        #expect(
            !lines.contains { $0.hasPrefix("ha_") || $0.hasPrefix("vqwatch_quorum") || $0.hasPrefix("vqwatch_node") })
        #expect(watched.statistics.text == "QUORUM UNKNOWN: votequorum does not finish recalculating")
    }

    @Test("escape label values by the rules of Prometheus, after making them harmless")
    func escapes() throws {
        var state = try #require(WatchedCluster.settled().statistics.state)
        state.nodes[0].name = "a\"b\\c\nd\u{1b}[31m"
        let line = samples(PrometheusFormat.exposition(of: state)).first { $0.contains("member_votes") }
        #expect(
            line == #"ha_cluster_corosync_member_votes{node_id="1",node="a\"b\\c\\u{a}d\\u{1b}[31m",local="true"} 1"#)
    }
}
