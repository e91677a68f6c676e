// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import QuorumWatch

/// The command line.
struct Command: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqwatch",
        abstract: "Watch the quorum of a Corosync cluster.",
        usage: """
            vqwatch [options]
            vqwatch --follow [options]
            vqwatch --check [options]
            vqwatch --wait-for CONDITION… [options]
            vqwatch --live [options]
            vqwatch --if-down NODE… [options]
            """,
        discussion: """
            Without --follow, prints the status once and exits 0 when the cluster is quorate, 2 when it is not.

            CONDITION is quorate, inquorate, complete (every configured node is a member), member=NODE or \
            absent=NODE, with the ID or the name of a node.

            DURATION is 500ms, 10s, 2m, 1h, or a plain number of seconds.
            """,
        version: "vqwatch \(version)")

    @OptionGroup(title: "What to do") var task: TaskOptions
    @OptionGroup(title: "What to print") var printing: PrintingOptions
    @OptionGroup(title: "How to watch") var watching: WatchingOptions
    @OptionGroup(title: "Other receivers of events") var receivers: ReceiverOptions

    /// Parses the arguments of the program. Those after `--exec` belong to another program and are not parsed.
    static func parse(withRestOf arguments: [String]) throws -> Command {
        let end = arguments.firstIndex { $0 == "--exec" } ?? arguments.endIndex
        var command = try Command.parse(Array(arguments[..<end]))
        if end < arguments.endIndex {
            command.receivers.exec = Array(arguments[(end + 1)...])
            guard command.receivers.exec.first?.isEmpty == false else {
                throw ValidationError("--exec needs a command")
            }
        }
        try command.refuseContradictions()
        return command
    }

    /// Whether the program continues after the status. `--dispatch blocking` never returns, so it always follows.
    var follows: Bool { task.follow || task.live || watching.dispatch == .blocking }

    /// Whether the program reads the status once and exits.
    var isOneShot: Bool { !follows && task.waitFor.isEmpty }

    private func refuseContradictions() throws {
        try task.validate(in: self)
        try printing.validate(in: self)
        try watching.validate(in: self)
        try receivers.validate(in: self)
    }

    /// The watch that the options describe.
    func plan(for output: StandardOutput) throws -> WatchPlan {
        var plan = WatchPlan()
        plan.follows = !isOneShot
        plan.conditions = task.waitFor
        plan.ifDown = task.ifDown
        plan.check = task.check ? CheckFormat(printing.requirements, needsLinks: printing.links) : nil
        plan.format = task.live ? try output.page(in: printing.color) : printing.outputFormat(for: output)
        if let events = printing.events { plan.kinds = events }
        // The page has no column for links if there are none.
        plan.links = printing.links || task.live
        plan.changesOnly = printing.changesOnly
        plan.limit = printing.count
        plan.mode = watching.dispatch.mode
        plan.timeout = watching.timeout ?? defaultTimeout
        let refresh = watching.refresh ?? .seconds(5)
        plan.refresh = isOneShot || watching.dispatch.holdsThread || refresh == .zero ? nil : refresh
        plan.reconnects = !isOneShot && !watching.noReconnect
        plan.metricsFile = receivers.metricsFile
        plan.command = receivers.exec
        return plan
    }

    private var defaultTimeout: Duration? {
        let waitsForChange = printing.changesOnly && watching.dispatch == .one
        return isOneShot && !waitsForChange ? .seconds(10) : nil
    }
}

/// Throws a usage error for the first of these options that is given.
func refuse(_ options: [(name: String, isGiven: Bool)], because reason: String) throws {
    if let option = options.first(where: \.isGiven) { throw ValidationError("\(option.name) \(reason)") }
}
