// SPDX-License-Identifier: MIT

import Corosync
import TestSupport

@testable import QuorumWatch

/// What the nodes of clusters expose over time, and the alerts that have to fire: a test for `promtool test rules`.
///
/// A step is 15 seconds long, and everything is scraped and evaluated once in it.
struct AlertScenario {
    static let rules =
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        + "/packaging/prometheus/vqwatch.rules.yml"
    private static let step = 15

    /// The content of the metrics file of a node, as node_exporter publishes it.
    enum Exposition {
        /// A running `vqwatch --follow`; nil: without corosync.
        case following(ClusterState?, recalculating: Bool = false)
        /// A `vqwatch --follow` that has ended.
        case ended
        /// A `vqwatch --follow` that was killed in this state: its file does not change.
        case killed(ClusterState)
        /// The machine is down.
        case down

        /// The lines of the file.
        fileprivate var lines: [Substring] {
            switch self {
            case .following(let state, let isRecalculating):
                return Self.lines(PrometheusFormat.exposition(of: state)).map {
                    $0 == "vqwatch_recalculating 0" && isRecalculating ? "vqwatch_recalculating 1" : $0
                } + Self.counters
            case .killed(let state): return Self.lines(PrometheusFormat.exposition(of: state)) + Self.counters
            case .ended: return Self.lines(PrometheusFormat.exposition(of: nil as ClusterState?))
            case .down: return []
            }
        }

        /// The counters of a watch.
        private static var counters: [Substring] {
            var watched = WatchedCluster.settled()
            _ = watched.reduce(.disconnected(.lost), at: 5)
            return lines(PrometheusFormat.exposition(of: watched.record)).filter {
                !$0.hasPrefix("vqwatch_connected")
            }
        }

        private static func lines(_ exposition: [UInt8]) -> [Substring] {
            String(decoding: exposition, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
        }
    }

    private var series: [String: [Int: String]] = [:]
    private var expectations: [String] = []
    private var alerts: [String] = []
    private var steps = 0

    /// Adds a node with what it exposes, each for a number of steps.
    mutating func add(_ node: String, _ history: [(steps: Int, exposition: Exposition)]) {
        var step = 0
        var lastWrite = 0
        for (count, exposition) in history {
            let samples = exposition.lines.map { line in
                let blank = line.lastIndex(of: " ") ?? line.endIndex
                return (Self.labelled(line[..<blank], node), String(line[blank...].dropFirst()))
            }
            for step in step..<step + count {
                for (name, value) in samples { series[name, default: [:]][step] = value }
                if case .down = exposition { continue }
                if case .killed = exposition {} else { lastWrite = step * Self.step }
                let file = #"node_textfile_mtime_seconds{file="/var/lib/prometheus/node-exporter/vqwatch.prom"}"#
                series[Self.labelled(file[...], node), default: [:]][step] = "\(lastWrite)"
            }
            step += count
        }
        steps = max(steps, step)
    }

    /// Adds the labels with which Prometheus stores a series of a node.
    private static func labelled(_ series: Substring, _ node: String) -> String {
        let labels = #"instance="\#(node):9100",job="node""#
        return series.hasSuffix("}") ? "\(series.dropLast()),\(labels)}" : "\(series){\(labels)}"
    }

    /// Expects that these alerts fire at a step, and no other.
    mutating func expect(at step: Int, _ alerts: String...) { expect(at: step, alerts) }

    /// Expects that these alerts fire at a step, and no other.
    mutating func expect(at step: Int, _ alerts: [String]) {
        let samples = alerts.map { "{labels: '\($0)', value: 1}" }.joined(separator: ", ")
        expectations.append(
            #"{expr: 'ALERTS{alertstate="firing"}', eval_time: \#(step * Self.step)s, exp_samples: [\#(samples)]}"#)
    }

    /// Expects that one alert fires at a step, with these labels and annotations.
    mutating func expect(at step: Int, _ name: String, labels: [String: String], annotations: [String: String]) {
        func map(_ values: [String: String]) -> String {
            "{" + values.map { "\($0): '\($1.replacing("'", with: "''"))'" }.joined(separator: ", ") + "}"
        }
        alerts.append(
            "{alertname: \(name), eval_time: \(step * Self.step)s, exp_alerts: "
                + "[{exp_labels: \(map(labels)), exp_annotations: \(map(annotations))}]}")
    }

    /// Runs promtool; returns what it finds, or nothing.
    func failures() throws -> String {
        let inputs = series.sorted { $0.key < $1.key }.map { name, values in
            let samples = (0..<steps).map { values[$0] ?? (values[$0 - 1] == nil ? "_" : "stale") }
            return "      - {series: '\(name)', values: '\(samples.joined(separator: " "))'}"
        }
        let test = """
            rule_files: ['\(Self.rules)']
            evaluation_interval: \(Self.step)s
            tests:
              - interval: \(Self.step)s
                input_series:
            \(inputs.joined(separator: "\n"))
                promql_expr_test: [\(expectations.joined(separator: ", "))]
                alert_rule_test: [\(alerts.joined(separator: ", "))]
            """
        let result = try ChildProcess.run(["promtool", "test", "rules", "/dev/stdin"], input: test)
        return result.status == 0 ? "" : result.output + result.errors
    }

    /// An annotation as it is in the rules, folded to one line.
    static func annotation(_ name: String, of alert: String) throws -> String {
        let script = """
            $2 == "alert:" { current = $3; on = 0 }
            current == alert && on { if (/^            /) { sub(/^ */, ""); text = text sep $0; sep = " " } else on = 0 }
            current == alert && $1 == name ":" { on = 1 }
            END { print text }
            """
        return try ChildProcess.run(["awk", "-v", "alert=\(alert)", "-v", "name=\(name)", script, rules]).lines[0]
    }
}
