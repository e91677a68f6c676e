// SPDX-License-Identifier: MIT

internal import ArgumentParser

/// Receivers of the events other than standard output.
struct ReceiverOptions: ParsableArguments {
    @Option(
        name: .customLong("metrics-file"),
        help: ArgumentHelp("With --follow, keep a file for node_exporter's textfile collector.", valueName: "PATH"),
        completion: .file(extensions: ["prom"]), transform: parsePath)
    var metricsFile: String?

    @Option(
        name: .customLong("exec"),
        parsing: .remaining,
        help: ArgumentHelp(
            """
            With --follow and last on the line: run this for every event, with the event's JSON line on its standard \
            input.
            """, valueName: "COMMAND [ARG…]"))
    var exec: [String] = []
}
