// SPDX-License-Identifier: MIT

import Corosync
import TestSupport
import Testing

@testable import QuorumWatch

/// `packaging/prometheus/vqwatch.rules.yml`, evaluated by promtool on what the program exposes.
@Suite("The alerts")
struct AlertTests {
    /// A node's view of a cluster of nodes with one vote each.
    private func view(
        _ local: UInt32, ring: UInt64 = 8, members: [UInt32] = [1, 2, 3], of count: UInt32 = 3, named: String = "node",
        quorate: Bool = true, allowed: [UInt32] = [], problems: [Problem] = []
    ) -> ClusterState {
        var state = ClusterState()
        state.clusterName = "lab"
        state.localNode = NodeID(local)
        state.quorate = quorate
        state.ring = RingID(node: NodeID(members[0]), sequence: ring)
        state.configuredVotes = Int(count)
        state.nodes = (1...count).map { id in
            var node = Node(
                id: NodeID(id), name: "\(named)\(id)", state: members.contains(id) ? .member : .dead, votes: 1,
                isLocal: id == local, addresses: [], isConfigured: true, configuredVotes: 1, configVersion: 4)
            node.quorateIfDown = node.isMember ? quorate && members.count > count / 2 + 1 : nil
            return node
        }
        let missing = state.nodes.filter { !$0.isMember && !allowed.contains($0.id.rawValue) }.map(\.reference)
        state.problems =
            (quorate ? [] : [Problem(code: .notQuorate, text: "not quorate")])
            + (missing.isEmpty ? [] : [Problem(code: .nodeMissing, nodes: missing, text: "not members")]) + problems
        return state
    }

    /// The views of all three nodes of a split cluster.
    private func partitioned(_ quorate: [Bool]) -> [ClusterState] {
        [
            view(1, ring: 12, members: [1, 2], quorate: quorate[0]),
            view(2, ring: 12, members: [1, 2], quorate: quorate[1]),
            view(3, ring: 12, members: [3], quorate: quorate[2]),
        ]
    }

    private func check(_ scenario: AlertScenario, _ location: SourceLocation = #_sourceLocation) throws {
        let failures = try scenario.failures()
        #expect(failures == "", sourceLocation: location)
    }

    private static func problem(_ code: String, _ node: String? = nil) -> String {
        let labels = node.map { #",node="\#($0)",node_id="\#($0.last ?? "0")""# } ?? ""
        return
            #"ALERTS{alertname="ClusterProblem",alertstate="firing",cluster_name="lab",code="\#(code)"\#(labels),severity="warning"}"#
    }

    private static func alert(_ name: String, _ severity: String, code: String? = nil) -> String {
        let label = code.map { #"code="\#($0)","# } ?? ""
        return #"ALERTS{alertname="\#(name)",alertstate="firing",cluster_name="lab",\#(label)severity="\#(severity)"}"#
    }

    private static func alert(_ name: String, _ severity: String, on id: Int) -> String {
        #"ALERTS{alertname="\#(name)",alertstate="firing",cluster_name="lab",instance="node\#(id):9100",job="node","#
            + #"node="node\#(id)",node_id="\#(id)",severity="\#(severity)"}"#
    }

    private static let missing = problem("node_missing", "node3")
    private static let atRisk = alert("ClusterQuorumAtRisk", "warning")
    private static let split = alert("ClusterPartitioned", "warning")

    @Test("A failed node is one alert, whatever the number of nodes that report it, until it is back")
    func nodeMissing() throws {
        var scenario = AlertScenario()
        for id: UInt32 in 1...2 {
            scenario.add(
                "node\(id)",
                [
                    (10, .following(view(id))), (20, .following(view(id, ring: 12, members: [1, 2]))),
                    (10, .following(view(id))),
                ])
        }
        scenario.add("node3", [(10, .following(view(3))), (30, .down)])
        scenario.expect(at: 9)
        scenario.expect(at: 17)
        scenario.expect(at: 19, Self.missing, Self.atRisk)
        scenario.expect(at: 31)
        try check(scenario)
    }

    @Test("A node that may be absent causes no alert, even if its vqwatch runs without corosync")
    func allowedAbsence() throws {
        for third in [AlertScenario.Exposition.down, .following(nil)] {
            var scenario = AlertScenario()
            for id: UInt32 in 1...2 {
                let reduced = view(id, ring: 12, members: [1, 2], allowed: [3])
                scenario.add("node\(id)", [(10, .following(view(id))), (20, .following(reduced))])
            }
            scenario.add("node3", [(10, .following(view(3))), (20, third)])
            scenario.expect(at: 29)
            try check(scenario)
        }
    }

    @Test("Lost quorum is one alert, which names the nodes that report it")
    func quorumLost() throws {
        var scenario = AlertScenario()
        for id: UInt32 in 1...2 {
            let lost = view(id, ring: 12, members: [id], of: 4, quorate: false, allowed: [1, 2, 3, 4])
            scenario.add(
                "node\(id)",
                [(10, .following(view(id, members: [1, 2, 3], of: 4, allowed: [4]))), (10, .following(lost))])
        }
        scenario.expect(at: 11)
        scenario.expect(at: 13, Self.alert("ClusterQuorumLost", "critical", code: "not_quorate"))
        try check(scenario)
        let description = try AlertScenario.annotation("description", of: "ClusterQuorumLost")
        scenario.expect(
            at: 13, "ClusterQuorumLost",
            labels: ["cluster_name": "lab", "code": "not_quorate", "severity": "critical"],
            annotations: [
                "summary": "The cluster lab is not quorate, on 2 of its nodes", "description": description,
                "reported_by": "node1:9100 node2:9100 ",
            ])
        try check(scenario)
    }

    @Test("Every other problem is an alert with its code, and with its node if it has one")
    func problems() throws {
        let codes = Problem.Code.allCases.filter { ![.notQuorate, .unsettled, .nodeMissing].contains($0) }
        var scenario = AlertScenario()
        for id: UInt32 in 1...3 {
            let nodes = [NodeReference(id: NodeID(2), name: "node2")]
            let problems = codes.map { Problem(code: $0, nodes: $0 == .linkDown ? nodes : [], text: "") }
            scenario.add("node\(id)", [(20, .following(view(id, problems: problems)))])
        }
        scenario.expect(at: 7)
        scenario.expect(
            at: 19, codes.map { Self.problem($0.rawValue, $0 == .linkDown ? "node2" : nil) })
        try check(scenario)
    }

    @Test(
        "A cluster of which one failure ends quorum is at risk only while it lacks something, and never one of one node"
    )
    func atRisk() throws {
        var scenario = AlertScenario()
        // Two nodes without two_node, as they are meant to be.
        for id: UInt32 in 1...2 { scenario.add("node\(id)", [(20, .following(view(id, members: [1, 2], of: 2)))]) }
        scenario.expect(at: 19)
        try check(scenario)
        var single = AlertScenario()
        let device = Problem(code: .qdevice, text: "")
        single.add("node1", [(20, .following(view(1, members: [1], of: 1, problems: [device])))])
        single.expect(at: 19, Self.problem("qdevice"))
        try check(single)
    }

    @Test("What votequorum does not decide is an alert")
    func unsettled() throws {
        var scenario = AlertScenario()
        for id: UInt32 in 1...3 {
            var state = view(id)
            state.quorate = nil
            state.problems = [Problem(code: .unsettled, text: "")]
            scenario.add("node\(id)", [(10, .following(view(id))), (10, .following(state, recalculating: true))])
        }
        scenario.expect(at: 11)
        scenario.expect(at: 19, Self.alert("ClusterQuorumUnsettled", "critical", code: "unsettled"))
        try check(scenario)
    }

    @Test("A split is an alert, and two quorate partitions are another one, once they have decided")
    func splitBrain() throws {
        var scenario = AlertScenario()
        let steps = [partitioned([true, true, false]), partitioned([true, true, true])]
        for id in 0...2 {
            scenario.add(
                "node\(id + 1)",
                [
                    (10, .following(view(UInt32(id + 1)))), (20, .following(steps[0][id])),
                    (20, .following(steps[1][id])),
                    (20, .following(steps[1][id], recalculating: true)),
                ])
        }
        let common = [
            Self.split, Self.missing, Self.problem("node_missing", "node1"), Self.problem("node_missing", "node2"),
        ]
        let lost = Self.alert("ClusterQuorumLost", "critical", code: "not_quorate")
        scenario.expect(at: 17, lost)
        scenario.expect(at: 29, common + [lost, Self.atRisk])
        scenario.expect(at: 37, common + [Self.atRisk])
        let splitBrain = Self.alert("ClusterSplitBrain", "critical")
        scenario.expect(at: 49, common + [Self.atRisk, splitBrain])
        scenario.expect(at: 60, common)
        try check(scenario)
        scenario.expect(
            at: 49, "ClusterSplitBrain", labels: ["cluster_name": "lab", "severity": "critical"],
            annotations: [
                "summary": "More than one partition of the cluster lab is quorate",
                "description": try AlertScenario.annotation("description", of: "ClusterSplitBrain"),
                "rings": "node1:9100: 1.c node2:9100: 1.c node3:9100: 3.c ",
            ])
        try check(scenario)
    }

    @Test("Two clusters of one name are neither split nor configured differently")
    func sameName() throws {
        var scenario = AlertScenario()
        for id: UInt32 in 1...3 {
            scenario.add("a\(id)", [(60, .following(view(id, ring: 12, members: [1, 2, 3], named: "a")))])
        }
        // The other one has fewer nodes, and one of its own is missing.
        for id: UInt32 in 1...1 {
            scenario.add("b\(id)", [(60, .following(view(id, ring: 16, members: [1], of: 2, named: "b")))])
        }
        scenario.add("b2", [(60, .down)])
        scenario.expect(at: 59, Self.problem("node_missing", "b2"), Self.atRisk)
        try check(scenario)
    }

    @Test("Nodes that run with different configurations are an alert", arguments: ["nodes", "votes", "version"])
    func configuration(difference: String) throws {
        var scenario = AlertScenario()
        for id: UInt32 in 1...3 {
            var state = view(id)
            if id == 3 {
                switch difference {
                case "nodes": state.nodes.removeFirst()
                case "votes": state.configuredVotes = 5
                default: state.nodes[2].configVersion = 3
                }
            }
            scenario.add("node\(id)", [(10, .following(view(id))), (60, .following(state))])
        }
        scenario.expect(at: 49)
        scenario.expect(at: 69, Self.alert("ClusterConfigurationDiffers", "warning"))
        try check(scenario)
    }

    @Test("A corosync that is gone is an alert where there was a cluster and no other node knows, even after a reboot")
    func corosyncGone() throws {
        var scenario = AlertScenario()
        for id: UInt32 in 1...3 {
            scenario.add("node\(id)", [(10, .following(view(id))), (10, .down), (20, .following(nil))])
        }
        scenario.add("laptop", [(40, .following(nil))])
        scenario.expect(at: 27)
        scenario.expect(at: 39, (1...3).map { Self.alert("ClusterCorosyncGone", "critical", on: $0) })
        try check(scenario)

        // The others report the node itself.
        var reported = AlertScenario()
        for id: UInt32 in 1...2 {
            reported.add(
                "node\(id)", [(10, .following(view(id))), (20, .following(view(id, ring: 12, members: [1, 2])))])
        }
        reported.add("node3", [(10, .following(view(3))), (20, .following(nil))])
        reported.expect(at: 29, Self.missing, Self.atRisk)
        try check(reported)

        // It does not answer, but takes part in the ring.
        var silent = AlertScenario()
        for id: UInt32 in 1...2 { silent.add("node\(id)", [(30, .following(view(id)))]) }
        silent.add("node3", [(10, .following(view(3))), (20, .following(nil))])
        silent.expect(at: 29, Self.alert("ClusterCorosyncGone", "critical", on: 3))
        try check(silent)
    }

    @Test(
        "A vqwatch that has ended or was killed is an alert where there was a cluster, and its last state is not used")
    func watchGone() throws {
        var scenario = AlertScenario()
        for id: UInt32 in 1...2 {
            let reduced = view(id, ring: 12, members: [1, 2])
            scenario.add("node\(id)", [(10, .following(view(id))), (30, .following(reduced))])
        }
        // Its last file says that it is quorate, with all nodes.
        scenario.add("node3", [(10, .following(view(3))), (30, .killed(view(3)))])
        scenario.add("laptop", [(40, .ended)])
        scenario.expect(
            at: 39, Self.missing, Self.atRisk, Self.alert("ClusterWatchGone", "warning", on: 3))
        try check(scenario)

        var ended = AlertScenario()
        ended.add("node1", [(10, .following(view(1, members: [1], of: 1))), (30, .ended)])
        ended.expect(at: 17)
        ended.expect(at: 39, Self.alert("ClusterWatchGone", "warning", on: 1))
        try check(ended)
    }

    @Test("Each alert is tested here")
    func names() throws {
        let names = try ChildProcess.run(["sed", "-n", "s/^ *- alert: //p", AlertScenario.rules]).lines
        #expect(
            names == [
                "ClusterQuorumLost", "ClusterQuorumUnsettled", "ClusterProblem", "ClusterQuorumAtRisk",
                "ClusterPartitioned", "ClusterSplitBrain", "ClusterConfigurationDiffers", "ClusterCorosyncGone",
                "ClusterWatchGone",
            ])
    }
}
