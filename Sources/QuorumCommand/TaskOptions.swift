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
            """
            Predict whether the cluster would stay quorate if this member, and every other given, failed now; qdevice is \
            the quorum device.
            """, valueName: "NODE"),
        completion: .members, transform: parseNode)
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

    /// The name of the option without its dashes.
    private var isOption: Bool { self != .status }

    /// Why an option makes no sense with the task.
    var reason: String {
        switch self {
        case .status: "the status, which is printed once"
        case .check: "--check, which looks once and prints one line of its own form"
        case .waitFor: "--wait-for, which prints the status once, when the conditions hold"
        case .ifDown: "--if-down, which looks once and prints a prediction"
        case .follow: "--follow"
        case .live: "--live, which shows one page to a person at a terminal"
        }
    }
}

/// An option of the command line, and the tasks to which it belongs.
struct OptionRule {
    let name: String
    let isGiven: Bool
    let tasks: Set<TaskKind>

    init(_ name: String, _ isGiven: Bool, for tasks: Set<TaskKind>) {
        self.name = name
        self.isGiven = isGiven
        self.tasks = tasks
    }

    /// The error if the option is given with a task that it does not belong to.
    func refusal(by task: TaskKind) -> ValidationError? {
        guard isGiven, !tasks.contains(task) else { return nil }
        guard task == .status else { return ValidationError("\(name) makes no sense with \(task.reason)") }
        let options = [TaskKind.follow, .live, .waitFor, .check].filter(tasks.contains).map(\.rawValue)
        let list = options.count > 1 ? options.dropLast().joined(separator: ", ") + " or " + options.last! : options[0]
        return ValidationError("\(name) needs \(list)")
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

    /// Which option belongs to which task.
    private var rules: [OptionRule] {
        let lasting: Set<TaskKind> = [.follow, .live, .waitFor]
        let printing = self.printing
        return [
            OptionRule("--follow", task.follow, for: [.follow]),
            OptionRule("--check", task.check, for: [.check]),
            OptionRule("--wait-for", !task.waitFor.isEmpty, for: [.waitFor]),
            OptionRule("--if-down", !task.ifDown.isEmpty, for: [.ifDown]),
            OptionRule("--json", printing.json, for: [.status, .check, .waitFor, .ifDown, .follow]),
            OptionRule(
                "--format \(printing.format?.rawValue ?? "")", printing.format != nil && printing.format != .prometheus,
                for: [.status, .waitFor, .ifDown, .follow]),
            OptionRule("--format prometheus", printing.format == .prometheus, for: [.status]),
            OptionRule("--quiet", printing.quiet, for: [.status, .check, .waitFor, .ifDown, .follow]),
            OptionRule(
                "--color always", printing.color == .always, for: [.status, .waitFor, .ifDown, .follow, .live]),
            OptionRule("--links", printing.links, for: [.status, .check, .follow, .live]),
            OptionRule("--events", printing.events != nil, for: [.follow, .live]),
            OptionRule(
                "--changes-only", printing.changesOnly,
                for: watching.dispatch == .all ? [.follow] : [.status, .follow]),
            OptionRule("--count", printing.count != nil, for: [.follow]),
            OptionRule("--warn-margin", printing.warnMargin != nil, for: [.status, .check, .follow, .live]),
            OptionRule("--warn-links", printing.warnLinks != nil, for: [.status, .check, .follow, .live]),
            OptionRule("--allow-absent", !printing.allowAbsent.isEmpty, for: [.status, .check, .follow, .live]),
            OptionRule(
                "--dispatch \(watching.dispatch.rawValue)", watching.dispatch != .all, for: [.status, .follow]),
            OptionRule("--refresh", watching.refresh != nil, for: lasting),
            OptionRule("--no-reconnect", watching.noReconnect, for: lasting),
            OptionRule("--metrics-file", receivers.metricsFile != nil, for: [.follow]),
            OptionRule("--exec", !receivers.exec.isEmpty, for: [.follow]),
        ]
    }

    /// Throws a usage error for the first option that does not belong to the task.
    func refuseOptionsOfOtherTasks() throws {
        for rule in rules { if let refusal = rule.refusal(by: kind) { throw refusal } }
        for (index, condition) in task.waitFor.enumerated() {
            if let other = task.waitFor[..<index].first(where: condition.contradicts) {
                throw ValidationError("--wait-for \(condition) contradicts --wait-for \(other)")
            }
        }
    }
}
