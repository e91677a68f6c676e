// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// `--format prometheus`, `--metrics-file`, and the rules and the dashboard of `packaging/`, on a real cluster with
/// Prometheus and node_exporter in the network of the sandbox.
@Suite("Prometheus", .serialized)
struct PrometheusTests {
    private static let packaging =
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/packaging"
    static let rules = "\(packaging)/prometheus/vqwatch.rules.yml"

    private static func promtool(_ arguments: String..., input: String = "") throws -> ChildProcess.Result {
        do {
            return try ChildProcess.run(["promtool"] + arguments, input: input)
        } catch {
            throw TestFailure("\(error): is the package prometheus installed (make setup-test)?")
        }
    }

    /// Waits until the metrics file has the wanted samples. The documented limit is a second after the change, on a machine
    /// that is not busy.
    private func becomes(_ folder: TemporaryFolder, _ isWanted: ([String: String]) -> Bool) throws -> Bool {
        try eventually(within: .aMoment) { try isWanted(folder.samples) }
    }

    @Test("The metrics are printed once, pass promtool, and agree with corosync-quorumtool")
    func oneShot() throws {
        let sandbox = try Sandbox(nodes: 2, quorum: "wait_for_all: 1", votes: [1, 3])
        let result = try sandbox.run(on: 1, [vqwatch, "--format", "prometheus"])
        #expect(result.status == 0 && result.errors == "")
        let lint = try Self.promtool("check", "metrics", input: result.output)
        #expect(lint.status == 0 && lint.output + lint.errors == "")
        let samples = values(result)
        #expect(samples["ha_cluster_corosync_quorate"] == "1" && samples["vqwatch_connected"] == "1")
        #expect(samples["vqwatch_recalculating"] == "0")
        let info = samples.keys.first { $0.hasPrefix("vqwatch_cluster_info") } ?? ""
        let ring = try EventLine(#require(try sandbox.run(on: 1, [vqwatch, "-j"]).lines.first)).json["ring_id"].string
        #expect(
            info
                == #"vqwatch_cluster_info{cluster_name="sandbox",local_node_id="1",local_node="node1",ring_id="\#(ring ?? "")"}"#
        )
        #expect(samples[#"ha_cluster_corosync_quorum_votes{type="total_votes"}"#] == "4")
        #expect(samples[#"ha_cluster_corosync_member_votes{node_id="2",node="node2",local="false"}"#] == "3")
        #expect(samples[#"vqwatch_quorum_flag{flag="WaitForAll"}"#] == "1")
        // Of the counters, those of corosync alone.
        #expect(!samples.keys.contains { $0.hasPrefix("vqwatch_events_total") || $0.hasPrefix("vqwatch_reconnects") })
        try sandbox.cut(2)
        try sandbox.wait(node: 1, members: [1])
        let lost = try sandbox.run(on: 1, [vqwatch, "--format", "prometheus"])
        #expect(lost.status == 2 && values(lost)["ha_cluster_corosync_quorate"] == "0")
        try sandbox.kill(1)
        let gone = try sandbox.run(on: 1, [vqwatch, "--format", "prometheus"])
        #expect(gone.status == 1 && values(gone) == ["vqwatch_connected": "0"])
        #expect(gone.errors.contains("corosync is not running"))
    }

    @Test("The metrics file is correct within a second of every change, whatever is printed, and is never incomplete")
    func file() throws {
        let sandbox = try Sandbox()
        let folder = try TemporaryFolder()
        // Reads the file continuously, and reports an incomplete one.
        let reader = try ChildProcess([
            "sh", "-c",
            """
            cd "$1" && mkdir seen && until [ -e stop ]; do
              if cat vqwatch.prom >seen/copy 2>seen/absent; then
                tail -n 1 seen/copy |
                  grep -Eq '^vqwatch_(reconnects_total|last_change_timestamp_seconds|connected) [0-9.]+$' ||
                  { echo half-written; cat seen/copy; }
              fi
            done
            """, "sh", folder.path,
        ])
        // This watcher prints almost nothing, and its output is not read.
        let watch = try sandbox.spawn(
            on: 1, [vqwatch, "-f", "--events", "unresponsive", "--metrics-file", folder.metrics])
        #expect(try becomes(folder) { $0["ha_cluster_corosync_quorate"] == "1" })
        #expect(try folder.samples["vqwatch_reconnects_total"] == "0")
        let mode = try ChildProcess.run(["stat", "-c", "%a", folder.metrics]).output
        #expect(mode == "644\n")
        let lint = try Self.promtool("check", "metrics", input: try ChildProcess.run(["cat", folder.metrics]).output)
        #expect(lint.status == 0 && lint.output + lint.errors == "")

        try sandbox.cut(3)
        try sandbox.wait(node: 1, members: [1, 2])
        #expect(try becomes(folder) { $0[#"vqwatch_node_state{node_id="3",node="node3",state="dead"}"#] == "1" })
        try sandbox.kill(2)
        try sandbox.wait(node: 1, members: [1])
        #expect(try becomes(folder) { $0["ha_cluster_corosync_quorate"] == "0" && $0["vqwatch_quorum_margin"] == "-1" })
        var votes = 3
        let time = try duration(aimingFor: .seconds(1)) {
            votes += 1
            try sandbox.setExpectedVotes(votes)
            let start = ContinuousClock.now
            #expect(
                try becomes(folder) {
                    $0[#"ha_cluster_corosync_quorum_votes{type="expected_votes"}"#] == "\(votes)"
                })
            return ContinuousClock.now - start
        }
        #expect(time < .seconds(1))
        try sandbox.kill(1)
        // If corosync is killed in the middle of a request, the library takes up to two seconds to notice.
        #expect(try eventually(within: .seconds(10)) { try folder.samples["vqwatch_connected"] == "0" })
        let left = try folder.samples.keys.filter { !$0.hasPrefix("vqwatch_events_total") }
        #expect(
            left.sorted() == ["vqwatch_connected", "vqwatch_last_change_timestamp_seconds", "vqwatch_reconnects_total"])
        try sandbox.start(1)
        // It takes at most two seconds until the next attempt to connect.
        #expect(try eventually(within: .seconds(10)) { try folder.samples["vqwatch_reconnects_total"] == "1" })
        #expect(try folder.samples["ha_cluster_corosync_quorate"] != nil)
        // After the end, the file has nothing that could be taken for the current state.
        watch.signal(SIGTERM)
        #expect(watch.wait(within: .aMoment, draining: false) == .signaled(SIGTERM))
        #expect(try folder.samples == ["vqwatch_connected": "0"])
        _ = try ChildProcess.run(["touch", "\(folder.path)/stop"])
        let seen = reader.finish(within: .seconds(5))
        #expect(seen.output == "" && seen.errors == "", "\(seen.output)\(seen.errors)")
        #expect(try ChildProcess.run(["ls", "-A", folder.path]).lines.sorted() == ["seen", "stop", "vqwatch.prom"])
    }

    @Test("A metrics file that cannot be written is an error at the start, and causes one message later")
    func unwritable() throws {
        let sandbox = try Sandbox(nodes: 2)
        for (path, why) in [
            ("/nonexistent/vqwatch.prom", "No such file"), ("/proc/vqwatch.prom", "No such file"),
            ("/dev/null", "not a regular file"), ("/tmp", "not a regular file"),
        ] {
            let result = try sandbox.run(on: 1, [vqwatch, "-f", "--metrics-file", path])
            #expect(result.status == 1 && result.output == "")
            #expect(result.errors.hasPrefix("vqwatch: cannot write --metrics-file \(path): "))
            #expect(result.errors.contains(why), "\(result.errors)")
        }
        let folder = try TemporaryFolder()
        let watch = try sandbox.follow(["--metrics-file", folder.metrics])
        _ = try ChildProcess.run(["mv", folder.path, "\(folder.path).away"])
        for votes in [3, 2, 3] {
            try sandbox.setExpectedVotes(votes)
            #expect(try watch.nextEvent()?.event == "expected_votes")
        }
        #expect(eventually(within: .aMoment) { watch.errors.hasSuffix("\n") })
        // It is written again without another change.
        _ = try ChildProcess.run(["mv", "\(folder.path).away", folder.path])
        #expect(
            try eventually(within: .seconds(20)) {
                try folder.samples[#"ha_cluster_corosync_quorum_votes{type="expected_votes"}"#] == "3"
            })
        #expect(watch.errors.hasPrefix("vqwatch: cannot write --metrics-file \(folder.metrics): No such file"))
        #expect(watch.errors.split(separator: "\n").count == 1, "\(watch.errors)")
    }

    @Test("The time for which a condition holds before its alert fires")
    func delays() throws {
        let script = "/- alert:/ { alert = $3; delay[alert] = 0 } $1 == \"for:\" { delay[alert] = $2 }"
        let delays = try ChildProcess.run(
            ["awk", script + " END { for (alert in delay) print alert, delay[alert] }", Self.rules]
        ).lines.sorted()
        #expect(
            delays == [
                "ClusterConfigurationDiffers 10m", "ClusterCorosyncGone 2m", "ClusterPartitioned 2m",
                "ClusterProblem 2m", "ClusterQuorumAtRisk 2m", "ClusterQuorumLost 30s", "ClusterQuorumUnsettled 30s",
                "ClusterSplitBrain 2m", "ClusterWatchGone 2m",
            ])
    }

    @Test("An alert fires when quorum is lost, and every query of the dashboard has a result")
    func scraped() throws {
        // The metric of this flag exists whether the cluster is quorate or not.
        let sandbox = try Sandbox(quorum: "wait_for_all: 1")
        let folder = try TemporaryFolder()
        let watch = try sandbox.follow(["-l", "--metrics-file", folder.metrics])
        let monitoring = try Monitoring(of: sandbox, ["node1": folder])
        #expect(
            try monitoring.holds("ha_cluster_corosync_quorate == 1"),
            "are prometheus and prometheus-node-exporter installed?")
        #expect(try monitoring.query(#"ALERTS{alertname="ClusterQuorumLost"}"#).series.isEmpty)

        // There is a latency to show for as long as there are links.
        #expect(try monitoring.holds("vqwatch_link_latency_seconds > 0"))
        try sandbox.partition([1], [2, 3])
        #expect(try monitoring.holds(#"ALERTS{alertname="ClusterQuorumLost",alertstate="firing"}"#))
        let missing = #"ALERTS{alertname="ClusterProblem",cluster_name="sandbox",code="node_missing",node="node2"}"#
        #expect(try monitoring.holds(missing))

        let dashboard = try JSON(parsing: ChildProcess.run(["cat", "\(Self.packaging)/grafana/vqwatch.json"]).output)
        let panels = dashboard["panels"].elements
        #expect(panels.count >= 8)
        for target in panels.flatMap({ $0["targets"].elements }) + dashboard["annotations"]["list"].elements {
            let expression = Monitoring.filledIn(try #require(target["expr"].string))
            let result = try monitoring.query(expression)
            #expect(result.status == 0, "\(expression): \(result.errors)")
            // Without a quorum device, a reconnect and a connected link, these queries have no result.
            let mayBeEmpty = ["qdevice", "reconnects", "latency"].contains { expression.contains($0) }
            #expect(!result.series.isEmpty || mayBeEmpty, "\(expression)")
        }
        // When corosync has ended, the alert on its last state ends, too.
        try sandbox.kill(1)
        #expect(try monitoring.holds("vqwatch_connected == 0 unless ha_cluster_corosync_quorate"))
        #expect(try monitoring.holds(#"ALERTS{alertname="ClusterCorosyncGone"}"#))
        watch.signal(SIGTERM)
        #expect(
            try monitoring.holds(
                #"ALERTS{alertname="ClusterWatchGone"} unless on () ALERTS{alertname="ClusterCorosyncGone"}"#))
        monitoring.end()
    }

    @Test(
        "Alerts fire when the nodes of a cluster see different rings, and when more than one partition is quorate",
        arguments: [3, 2])
    func partitions(nodes: Int) throws {
        // The last node is cut off. The other part stays quorate, even if it is a single node of two.
        let sandbox = try Sandbox(nodes: nodes, quorum: "auto_tie_breaker: 1", totem: "token: 3000")
        let last = "node\(nodes)"
        let folders = try Dictionary(uniqueKeysWithValues: (1...nodes).map { ("node\($0)", try TemporaryFolder()) })
        let watches = try (1...nodes).map {
            try sandbox.follow(on: $0, ["--metrics-file", folders["node\($0)"]?.metrics ?? ""])
        }
        let monitoring = try Monitoring(of: sandbox, folders)
        #expect(try monitoring.holds("count(vqwatch_cluster_info) == \(nodes)"))
        // With two nodes, ClusterQuorumAtRisk is there from the start.
        let noAlert = #"absent(ALERTS{alertname=~"ClusterPartitioned|ClusterSplitBrain"})"#
        #expect(try monitoring.holds(noAlert))

        try sandbox.partition(Array(1..<nodes), [nodes])
        #expect(try monitoring.holds(#"ALERTS{alertname="ClusterPartitioned",cluster_name="sandbox"}"#))
        #expect(try monitoring.holds(#"max_over_time(ha_cluster_corosync_quorate{instance="\#(last)"}[3s]) == 0"#))
        #expect(try monitoring.query(#"ALERTS{alertname="ClusterSplitBrain"}"#).series.isEmpty)
        // A user makes it quorate by itself.
        try sandbox.setExpectedVotes(1, on: nodes)
        #expect(try monitoring.holds(#"ALERTS{alertname="ClusterSplitBrain",cluster_name="sandbox"}"#))
        let firing = #"ALERTS{alertname="ClusterSplitBrain",alertstate="firing",severity="critical"}"#
        #expect(try monitoring.holds(firing))
        #expect(try !monitoring.query(#"ALERTS{alertname="ClusterPartitioned",alertstate="firing"}"#).series.isEmpty)

        // The dashboard shows one loss, on one node, which ended after some seconds.
        func panel(_ title: String) throws -> String {
            let dashboard = try JSON(
                parsing: ChildProcess.run(["cat", "\(Self.packaging)/grafana/vqwatch.json"]).output)
            let panel = dashboard["panels"].elements.first { $0["title"] == .string(title) }
            return try Monitoring.filledIn(#require(panel?["targets"].elements.first?["expr"].string))
        }
        #expect(try monitoring.holds("(\(try panel("Partitions"))) == 2"))
        for (instance, isOut) in [("node1", "== 0"), (last, "== 1")] {
            let losses = try panel("Losses of quorum").replacing(".*", by: instance)
            #expect(try monitoring.holds("(\(losses)) \(isOut)"))
        }
        let outage = try panel("Longest outage")
        #expect(try monitoring.holds("(\(outage.replacing(".*", by: "node1"))) == 0"))
        #expect(try monitoring.holds("120 > (\(outage.replacing(".*", by: last))) > 0"))
        let availability = try panel("Quorate")
        #expect(try monitoring.holds("(\(availability.replacing(".*", by: "node1"))) == 100"))
        #expect(try monitoring.holds("100 > (\(availability.replacing(".*", by: last))) > 10"))

        try sandbox.join()
        try sandbox.wait(node: nodes, members: Array(1...nodes))
        #expect(try monitoring.holds(noAlert))
        for watch in watches { watch.signal(SIGTERM) }
        monitoring.end()
    }
}

/// The samples of an exposition, by metric and labels.
func values(_ result: ChildProcess.Result) -> [String: String] {
    var values: [String: String] = [:]
    for line in result.lines where !line.hasPrefix("#") {
        guard let blank = line.lastIndex(of: " ") else { continue }
        values[String(line[..<blank])] = String(line[blank...].dropFirst())
    }
    return values
}

extension TemporaryFolder {
    /// The metrics file in it, and its samples by metric and labels.
    fileprivate var metrics: String { file("vqwatch.prom") }
    fileprivate var samples: [String: String] {
        get throws { try values(ChildProcess.run(["cat", metrics])) }
    }
}
