// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import QuorumWatch

/// What to do.
struct TaskOptions: ParsableArguments {
    @Flag(
        name: [.customShort("f"), .customLong("follow")], help: "Print the status, then every change, until stopped.")
    var follow = false

    @Flag(
        name: [.customShort("c"), .customLong("check")],
        help: "Print one line for a monitoring system; exit 0, 1, 2 or 3 as its plugins do.")
    var check = false

    @Option(
        name: [.customShort("w", allowingJoined: true), .customLong("wait-for")],
        help: ArgumentHelp(
            "Print the status as soon as this condition, and every other one given, holds.", valueName: "CONDITION"),
        completion: .conditions, transform: parseCondition)
    var waitFor: [Condition] = []

    @Flag(
        name: .customLong("live"),
        help: "Show the status as a page on the terminal that keeps itself up to date; ? shows its keys.")
    var live = false

    @Option(
        name: .customLong("if-down"),
        help: ArgumentHelp(
            "Predict whether the cluster would stay quorate if this member, and every other given, failed now.",
            valueName: "NODE"),
        completion: .members, transform: parseNode)
    var ifDown: [NodeSelector] = []

    func validate(in command: Command) throws {
        let (printing, watching) = (command.printing, command.watching)
        let following = [
            ("--events", printing.events != nil),
            ("--dispatch \(watching.dispatch.rawValue)", watching.dispatch != .all),
            ("--changes-only", printing.changesOnly), ("--count", printing.count != nil),
        ]
        let lasting = [("--refresh", watching.refresh != nil), ("--no-reconnect", watching.noReconnect)] + following
        if live {
            try refuse(
                [
                    ("--follow", follow), ("--check", check), ("--wait-for", !waitFor.isEmpty),
                    ("--if-down", !ifDown.isEmpty), ("--format", printing.format != nil), ("--json", printing.json),
                    ("--quiet", printing.quiet),
                ] + following.filter { $0.0 != "--events" }
                    + [
                        ("--metrics-file", command.receivers.metricsFile != nil),
                        ("--exec", !command.receivers.exec.isEmpty),
                    ],
                because: "makes no sense with --live, which shows one page to a person at a terminal")
        }
        if check {
            try refuse(
                [
                    ("--follow", follow), ("--wait-for", !waitFor.isEmpty), ("--format", printing.format != nil),
                    ("--json", printing.json), ("--color always", printing.color == .always),
                ] + lasting,
                because: "makes no sense with --check, which looks once and prints one line of its own form")
        }
        if !ifDown.isEmpty {
            try refuse(
                [
                    ("--follow", follow), ("--check", check), ("--wait-for", !waitFor.isEmpty),
                    ("--links", printing.links), ("--format prometheus", printing.format == .prometheus),
                ] + lasting,
                because: "makes no sense with --if-down, which looks once and prints a prediction")
        }
        guard !waitFor.isEmpty else { return }
        try refuse(
            [("--follow", follow), ("--links", printing.links)] + following,
            because: "makes no sense with --wait-for, which prints the status once, when the conditions hold")
        for (index, condition) in waitFor.enumerated() {
            if let other = waitFor[..<index].first(where: condition.contradicts) {
                throw ValidationError("--wait-for \(condition) contradicts --wait-for \(other)")
            }
        }
    }
}
