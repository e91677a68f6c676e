// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import QuorumWatch

/// What to print.
struct PrintingOptions: ParsableArguments {
    @Option(
        name: .customLong("format"),
        help: ArgumentHelp(
            "Print text (the default), json (JSON lines) or, for the status only, prometheus.", valueName: "FORMAT"))
    var format: FormatArgument?

    @Flag(name: [.customShort("j"), .customLong("json")], help: "The same as --format json.")
    var json = false

    @Flag(
        name: [.customShort("q"), .customLong("quiet")],
        help: "Print nothing on standard output; only the exit status shows the result.")
    var quiet = false

    @Option(
        name: .customLong("color"),
        help: ArgumentHelp(
            "Show colour in text: auto (the default: on a terminal, unless NO_COLOR is set), always or never.",
            valueName: "WHEN"))
    var color = ColorArgument.auto

    @Flag(
        name: [.customShort("l"), .customLong("links")],
        help: "Print a table of the network links with the status, with their latency and MTU.")
    var links = false

    @Option(
        name: .customLong("events"),
        help: ArgumentHelp(
            """
            With --follow and --live, print only these kinds of events, comma separated: \
            \(EventKind.ofWatch.map(\.rawValue).joined(separator: ", ")).
            """, valueName: "KINDS"),
        completion: .eventKinds, transform: parseEventKinds)
    var events: Set<EventKind>?

    @Flag(
        name: .customLong("changes-only"),
        help: "Do not print the status at the start: with --follow, --dispatch one or --dispatch one-nonblocking.")
    var changesOnly = false

    @Option(
        name: [.customShort("n", allowingJoined: true), .customLong("count")],
        help: ArgumentHelp("With --follow, exit after N events.", valueName: "N"),
        transform: { try parseNumber($0, of: "events", in: 1...Int.max) })
    var count: Int?

    @Option(
        name: .customLong("warn-margin"),
        help: ArgumentHelp("Report a problem when fewer than N more votes can be lost.", valueName: "N"),
        transform: { try parseNumber($0, of: "votes", in: 0...Int(UInt32.max)) })
    var warnMargin: Int?

    @Option(
        name: .customLong("warn-links"),
        help: ArgumentHelp("Report a problem when a member is connected over fewer than N links.", valueName: "N"),
        transform: { try parseNumber($0, of: "links", in: 1...8) })
    var warnLinks: Int?

    @Option(
        name: .customLong("allow-absent"),
        help: ArgumentHelp("This node may be away: its absence is no problem; repeatable.", valueName: "NODE"),
        completion: .nodes, transform: NodeSelector.init(parsing:))
    var allowAbsent: [NodeSelector] = []

    func validate() throws {
        if json, let format, format != .json { throw ValidationError("--json contradicts --format \(format)") }
        if quiet, json || format != nil {
            let option = json ? "--json" : "--format"
            throw ValidationError("\(option) makes no sense with --quiet, which prints nothing")
        }
        if color == .always, quiet || json || format == .json || format == .prometheus {
            throw ValidationError("--color always is for text only")
        }
        if format == .prometheus, changesOnly {
            throw ValidationError("--format prometheus needs the status: leave out --changes-only")
        }
    }

    func outputFormat(for output: StandardOutput) -> OutputFormat {
        if quiet { return .quiet }
        return switch json ? .json : format ?? .text {
        case .json: .json
        case .prometheus: .prometheus
        case .text: output.text(in: color)
        }
    }
}
