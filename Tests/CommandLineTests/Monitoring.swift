// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// Prometheus with the rules of the package, on node 1, and a node_exporter for each folder of metrics. Cutting a node
/// off in the sandbox affects the network of the cluster, not that of the monitoring.
struct Monitoring {
    private let sandbox: Sandbox
    private let folder: TemporaryFolder
    private let processes: [ChildProcess]

    /// Starts the programs; the folders are given by the name of the instance.
    init(of sandbox: Sandbox, _ folders: [String: TemporaryFolder]) throws {
        self.sandbox = sandbox
        folder = try TemporaryFolder()
        var processes: [ChildProcess] = []
        var targets = ""
        for (port, (instance, metrics)) in zip(9101..., folders) {
            targets += "\n          - {targets: ['127.0.0.1:\(port)'], labels: {instance: \(instance)}}"
            processes.append(
                try sandbox.spawn(
                    on: 1,
                    [
                        "prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
                        "--collector.textfile.directory=\(metrics.path)", "--web.listen-address=127.0.0.1:\(port)",
                    ], output: .null, errors: .null))
        }
        let configuration = """
            global: {scrape_interval: 500ms, evaluation_interval: 500ms}
            rule_files: ['\(folder.file("rules.yml"))']
            scrape_configs:
              - job_name: node
                static_configs:\(targets)
            """
        _ = try ChildProcess.run(["tee", folder.file("prometheus.yml")], input: configuration)
        // `delays` has the real durations.
        let rules = try ChildProcess.run(["sed", "s/^  *for: .*/        for: 1s/", PrometheusTests.rules]).output
        _ = try ChildProcess.run(["tee", folder.file("rules.yml")], input: rules)
        processes.append(
            try sandbox.spawn(
                on: 1,
                [
                    "prometheus", "--config.file=\(folder.path)/prometheus.yml",
                    "--storage.tsdb.path=\(folder.path)/data", "--web.listen-address=127.0.0.1:9090",
                    "--log.level=warn",
                ], output: .null, errors: .null))
        self.processes = processes
    }

    /// The result of a query; promtool prints an empty line if there is none.
    func query(_ expression: String) throws -> (status: Int32?, series: [String], errors: String) {
        let result = try sandbox.run(
            on: 1, ["promtool", "query", "instant", "http://127.0.0.1:9090", expression])
        return (result.status, result.lines.filter { !$0.isEmpty }, result.errors)
    }

    /// Waits until a query has a result.
    func holds(_ expression: String, within limit: Duration = .seconds(30)) throws -> Bool {
        try eventually(within: limit, every: .milliseconds(200)) {
            let result = try query(expression)
            return result.status == 0 && !result.series.isEmpty
        }
    }

    /// An expression of the dashboard, with the variables of Grafana replaced.
    static func filledIn(_ expression: String) -> String {
        [
            ("$cluster", ".*"), ("$instance", ".*"), ("$__rate_interval", "1m"), ("$__range_s", "300"),
            ("$__range", "5m"),
            ("$__interval", "1s"),
        ].reduce(expression) { $0.replacing($1.0, by: $1.1) }
    }

    /// Ends the programs.
    func end() {
        for process in processes {
            process.signal(SIGTERM)
            #expect(process.wait(within: .seconds(10)) != nil)
        }
    }
}
