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
        completion: .conditions, transform: Condition.init(parsing:))
    var waitFor: [Condition] = []

    @Flag(
        name: .customLong("live"),
        help: "Show the status as a page on the terminal that keeps itself up to date; ? shows its keys.")
    var live = false

    @Option(
        name: .customLong("if-down"),
        help: ArgumentHelp(
            """
            Predict whether the cluster would stay quorate if this member, and every other given, failed now; qdevice is \
            the quorum device.
            """, valueName: "NODE"),
        completion: .members, transform: NodeSelector.init(parsing:))
    var ifDown: [NodeSelector] = []
}

/// The six tasks of the program. The raw value is the option that asks for it.
enum TaskKind: String {
    case status = "the status"
    case check = "--check"
    case waitFor = "--wait-for"
    case ifDown = "--if-down"
    case follow = "--follow"
    case live = "--live"

    /// Why an option makes no sense with the task.
    var reason: String {
        switch self {
        case .check: "--check, which looks once and prints one line of its own form"
        case .waitFor: "--wait-for, which prints the status once, when the conditions hold"
        case .ifDown: "--if-down, which looks once and prints a prediction"
        case .status, .follow: rawValue
        case .live: "--live, which shows one page to a person at a terminal"
        }
    }
}

extension Command {
    /// What the program does. `--dispatch blocking` never returns, so it always follows.
    var kind: TaskKind {
        if task.live { return .live }
        if task.check { return .check }
        if !task.ifDown.isEmpty { return .ifDown }
        if !task.waitFor.isEmpty { return .waitFor }
        return task.follow || watching.dispatch == .blocking ? .follow : .status
    }

    /// Which option belongs to which tasks, and whether it is given.
    private var rules: [(option: String, isGiven: Bool, tasks: Set<TaskKind>)] {
        let lasting: Set<TaskKind> = [.follow, .live, .waitFor]
        let (printing, dispatch) = (self.printing, watching.dispatch)
        let format = printing.format
        return [
            ("--follow", task.follow, [.follow]),
            ("--check", task.check, [.check]),
            ("--wait-for", !task.waitFor.isEmpty, [.waitFor]),
            ("--if-down", !task.ifDown.isEmpty, [.ifDown]),
            ("--json", printing.json, [.status, .check, .waitFor, .ifDown, .follow]),
            (
                "--format \(format?.rawValue ?? "")", format != nil && format != .prometheus,
                [.status, .check, .waitFor, .ifDown, .follow]
            ),
            ("--format prometheus", format == .prometheus, [.status]),
            ("--quiet", printing.quiet, [.status, .check, .waitFor, .ifDown, .follow]),
            ("--color always", printing.color == .always, [.status, .waitFor, .ifDown, .follow, .live]),
            ("--links", printing.links, [.status, .check, .follow, .live]),
            ("--events", printing.events != nil, [.follow, .live]),
            ("--changes-only", printing.changesOnly, dispatch == .all ? [.follow] : [.status, .follow]),
            ("--count", printing.count != nil, [.follow]),
            ("--warn-margin", printing.warnMargin != nil, [.status, .check, .follow, .live]),
            ("--warn-links", printing.warnLinks != nil, [.status, .check, .follow, .live]),
            ("--allow-absent", !printing.allowAbsent.isEmpty, [.status, .check, .follow, .live]),
            ("--dispatch \(dispatch.rawValue)", dispatch != .all, [.status, .follow]),
            ("--refresh", watching.refresh != nil, lasting),
            ("--no-reconnect", watching.noReconnect, lasting),
            ("--metrics-file", receivers.metricsFile != nil, [.follow]),
            ("--exec", !receivers.exec.isEmpty, [.follow]),
        ]
    }

    /// Throws a usage error for the first option that does not belong to the task.
    func refuseOptionsOfOtherTasks() throws {
        let kind = self.kind
        for (option, isGiven, tasks) in rules where isGiven && !tasks.contains(kind) {
            guard kind == .status else { throw ValidationError("\(option) makes no sense with \(kind.reason)") }
            let needed = [TaskKind.follow, .live, .waitFor, .check].filter(tasks.contains).map(\.rawValue)
            throw ValidationError("\(option) needs \(list(needed, "or"))")
        }
        // The exit status of a status tells only whether the cluster is quorate, and these do not change that.
        let content: Set = ["--links", "--warn-margin", "--warn-links", "--allow-absent"]
        if kind == .status, printing.quiet, let rule = rules.first(where: { $0.isGiven && content.contains($0.option) })
        {
            throw ValidationError("\(rule.option) makes no sense with --quiet, which prints nothing")
        }
        for (index, condition) in task.waitFor.enumerated() {
            if let other = task.waitFor[..<index].first(where: condition.contradicts) {
                throw ValidationError("--wait-for \(condition) contradicts --wait-for \(other)")
            }
        }
    }
}
