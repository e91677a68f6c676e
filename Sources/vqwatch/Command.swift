// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import QuorumWatch

/// The command line: its options, and what is refused.
struct Command: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqwatch",
        abstract: "Watch the quorum of a Corosync cluster.",
        usage: """
            vqwatch [options]
            vqwatch --follow [options]
            vqwatch --check [options]
            vqwatch --wait-for CONDITION… [options]
            """,
        discussion: """
            Without --follow, prints the status once and exits 0 when the cluster is quorate, 2 when it is not.

            CONDITION is quorate, inquorate, complete (every configured node is a member), member=NODE or \
            absent=NODE, with the ID or the name of a node.

            DURATION is 500ms, 10s, 2m, 1h, or a plain number of seconds.
            """,
        version: "vqwatch \(version)")

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
            "Print the status at the moment this, and every other condition given, holds.", valueName: "CONDITION"),
        completion: .conditions, transform: parseCondition)
    var waitFor: [Condition] = []

    @Option(
        name: .customLong("format"),
        help: ArgumentHelp(
            "Print text (the default), json (JSON lines) or, without --follow, prometheus.", valueName: "FORMAT"))
    var format: FormatArgument?

    @Flag(name: [.customShort("j"), .customLong("json")], help: "The same as --format json.")
    var json = false

    @Flag(
        name: [.customShort("q"), .customLong("quiet")],
        help: "Print nothing on standard output; the exit status tells.")
    var quiet = false

    @Option(
        name: .customLong("color"),
        help: ArgumentHelp(
            "Show colour in text: auto (the default: on a terminal, unless NO_COLOR is set), always or never.",
            valueName: "WHEN"))
    var color = ColorArgument.auto

    @Option(
        name: .customLong("events"),
        help: ArgumentHelp(
            """
            With --follow, print only these kinds of events, comma separated: status, nodelist, quorum, \
            expected_votes, info, disconnected, unresponsive, dropped.
            """, valueName: "KINDS"),
        completion: .eventKinds, transform: parseEventKinds)
    var events: Set<EventKind>?

    @Option(
        name: .customLong("dispatch"),
        help: ArgumentHelp(
            "How to take notifications off corosync: all (the default), one, blocking or one-nonblocking.",
            valueName: "MODE"))
    var dispatch = DispatchArgument.all

    @Flag(
        name: .customLong("changes-only"),
        help: "Do not print the status at the start: with --follow, --dispatch one or --dispatch one-nonblocking.")
    var changesOnly = false

    @Option(
        name: [.customShort("n", allowingJoined: true), .customLong("count")],
        help: ArgumentHelp("With --follow, exit after N events.", valueName: "N"),
        transform: parseCount)
    var count: Int?

    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("timeout")],
        help: ArgumentHelp(
            "Give up after this long (default: 10s; with --follow and --wait-for: never).", valueName: "DURATION"),
        transform: parseDuration)
    var timeout: Duration?

    @Option(
        name: .customLong("refresh"),
        help: ArgumentHelp(
            """
            With --follow and --wait-for, how often to read what votequorum changes without a notification (5s; 0: \
            never). Not possible with --dispatch one and --dispatch blocking.
            """, valueName: "DURATION"),
        transform: parseDuration)
    var refresh: Duration?

    @Flag(
        name: .customLong("no-reconnect"),
        help: "With --follow and --wait-for, exit 1 when the connection is lost or cannot be made.")
    var noReconnect = false

    @Option(
        name: .customLong("warn-margin"),
        help: ArgumentHelp("With --check, warn when fewer than N more votes can be lost.", valueName: "N"),
        transform: parseMargin)
    var warnMargin: Int?

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

    /// `--dispatch blocking` never returns, and so follows in any case.
    var follows: Bool { follow || dispatch == .blocking }

    /// Whether one look is all.
    var isOneShot: Bool { !follows && waitFor.isEmpty }

    func validate() throws {
        if json, let format, format != .json { throw ValidationError("--json contradicts --format \(format)") }
        if quiet, json { throw ValidationError("--json makes no sense with --quiet, which prints nothing") }
        if quiet, format != nil { throw ValidationError("--format makes no sense with --quiet, which prints nothing") }
        if color == .always, quiet || json || format == .json || format == .prometheus {
            throw ValidationError("--color always is for text only")
        }
        try validateOutlets()
        try validateCheck()
        try validateWaitFor()
        if timeout == .zero { throw ValidationError("--timeout must be more than 0") }
        if !follows {
            if events != nil { throw ValidationError("--events needs --follow") }
            if count != nil { throw ValidationError("--count needs --follow") }
            if isOneShot {
                if refresh != nil { throw ValidationError("--refresh needs --follow or --wait-for") }
                if noReconnect { throw ValidationError("--no-reconnect needs --follow or --wait-for") }
            }
            if changesOnly, dispatch == .all {
                throw ValidationError(
                    "--changes-only needs --follow, --dispatch one or --dispatch one-nonblocking")
            }
        }
        if let refresh, refresh > .zero, dispatch.holdsThread {
            throw ValidationError(
                "--refresh is not possible with --dispatch \(dispatch.rawValue): the library holds the thread")
        }
    }

    /// What is told elsewhere than on standard output is told for as long as the watch goes on.
    private func validateOutlets() throws {
        if format == .prometheus {
            if follows { throw ValidationError("--format prometheus is not for --follow: use --metrics-file") }
            if changesOnly { throw ValidationError("--format prometheus needs the status: leave out --changes-only") }
        }
        // The parser takes nothing for an empty list.
        if exec.isEmpty ? CommandLine.arguments.last == "--exec" : exec[0].isEmpty {
            throw ValidationError("--exec needs a command")
        }
        if metricsFile != nil, !follows { throw ValidationError("--metrics-file needs --follow") }
        if !exec.isEmpty, !follows { throw ValidationError("--exec needs --follow") }
    }

    /// `--check` is one look with a form of its own.
    private func validateCheck() throws {
        guard check else {
            if warnMargin != nil { throw ValidationError("--warn-margin needs --check") }
            return
        }
        try refuse(
            [
                ("--follow", follow), ("--wait-for", !waitFor.isEmpty), ("--format", format != nil), ("--json", json),
                ("--color always", color == .always), ("--events", events != nil),
                ("--dispatch \(dispatch.rawValue)", dispatch != .all), ("--changes-only", changesOnly),
                ("--count", count != nil), ("--refresh", refresh != nil), ("--no-reconnect", noReconnect),
            ], because: "makes no sense with --check, which looks once and prints one line of its own form")
    }

    /// `--wait-for` prints one status, and when is for the conditions to say.
    private func validateWaitFor() throws {
        guard !waitFor.isEmpty else { return }
        try refuse(
            [
                ("--follow", follow), ("--events", events != nil),
                ("--dispatch \(dispatch.rawValue)", dispatch != .all), ("--changes-only", changesOnly),
                ("--count", count != nil),
            ], because: "makes no sense with --wait-for, which prints the status once, when the conditions hold")
        for (index, condition) in waitFor.enumerated() {
            if let other = waitFor[..<index].first(where: condition.contradicts) {
                throw ValidationError("--wait-for \(condition) contradicts --wait-for \(other)")
            }
        }
    }

    private func refuse(_ options: [(name: String, isGiven: Bool)], because reason: String) throws {
        if let option = options.first(where: \.isGiven) { throw ValidationError("\(option.name) \(reason)") }
    }

    /// What the options ask for.
    func plan(for output: StandardOutput) -> WatchPlan {
        // To wait is to follow, and to print nothing for a while.
        let flags = Flags(follow: !isOneShot, check: check, json: json || format == .json, quiet: quiet)
        var plan = flags.plan(text: output.text(in: color))
        plan.conditions = waitFor
        plan.mode = dispatch.mode
        plan.changesOnly = changesOnly
        plan.limit = count
        plan.metricsFile = metricsFile
        plan.command = exec
        if format == .prometheus { plan.format = .prometheus }
        if let warnMargin { plan.check = CheckFormat(warnMargin: warnMargin) }
        if let events { plan.kinds = events }
        // The next change comes when it comes.
        if changesOnly, dispatch == .one { plan.timeout = nil }
        if let timeout { plan.timeout = timeout }
        if let refresh { plan.refresh = refresh == .zero ? nil : refresh }
        if dispatch.holdsThread { plan.refresh = nil }
        if noReconnect { plan.reconnects = false }
        return plan
    }
}
