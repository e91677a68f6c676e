// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import QuorumWatch

extension WatchPlan {
    /// The plan of a command line without arguments, for which nothing has to be parsed: the parser takes as long as the
    /// rest of the program before the first request.
    init(for output: StandardOutput) {
        self.init()
        format = output.text(in: .auto)
        timeout = .seconds(10)
    }
}

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
            absent=NODE.

            NODE is the ID, the name or an address of a node.

            DURATION is 500ms, 10s, 2m, 1h, or a plain number of seconds.
            """,
        version: "vqwatch \(version)")

    @OptionGroup(title: "What to do") var task: TaskOptions
    @OptionGroup(title: "What to print") var printing: PrintingOptions
    @OptionGroup(title: "How to watch") var watching: WatchingOptions
    @OptionGroup(title: "Other receivers of events") var receivers: ReceiverOptions

    /// The watch that the arguments of the program describe. Those after `--exec` belong to another program: they are not
    /// parsed, and need not be UTF-8.
    static func plan(_ arguments: [[CChar]], for output: StandardOutput) throws -> WatchPlan {
        let words = arguments.map(\.text)
        let exec = words.prefix { $0 != "--" }.firstIndex(where: isExec) ?? words.count
        var command = try Command.parse(Array(words[..<exec]))
        var executed = Array(arguments[exec...])
        if !executed.isEmpty {
            let isNextArgument = words[exec] == "--exec"
            if isNextArgument { executed.removeFirst() } else { executed[0].removeFirst("--exec=".utf8.count) }
            command.receivers.exec = executed.map(\.text)
            guard command.receivers.exec.first?.isEmpty == false else {
                throw ValidationError("--exec needs a command")
            }
        }
        try command.refuseOptionsOfOtherTasks()
        return try command.plan(for: output, executing: executed)
    }

    /// Whether an argument is the option `--exec`, after which the arguments belong to another program.
    static func isExec(_ argument: String) -> Bool {
        argument == "--exec" || argument.utf8.starts(with: "--exec=".utf8)
    }

    /// The watch that the options describe.
    private func plan(for output: StandardOutput, executing command: [[CChar]]) throws -> WatchPlan {
        var plan = WatchPlan(for: output)
        switch kind {
        case .status: plan.task = .status(links: printing.links)
        case .check: plan.task = .check
        case .waitFor: plan.task = .waitFor(task.waitFor)
        case .ifDown: plan.task = .ifDown(task.ifDown)
        case .follow: plan.task = .follow
        case .live: plan.task = .live
        }
        plan.format = task.live ? try output.page(in: printing.color) : printing.outputFormat(for: output)
        if let events = printing.events { plan.kinds = events }
        plan.requirements = Requirements(
            margin: printing.warnMargin, links: printing.warnLinks, absentNodes: printing.allowAbsent)
        plan.changesOnly = printing.changesOnly
        plan.limit = printing.count
        plan.mode = watching.dispatch.mode
        let waitsForChange = printing.changesOnly && watching.dispatch == .one
        plan.timeout = watching.timeout ?? (plan.follows || waitsForChange ? nil : plan.timeout)
        let refresh = watching.refresh ?? .seconds(5)
        plan.refresh = !plan.follows || plan.mode.waitsItself || refresh == .zero ? nil : refresh
        plan.reconnects = plan.follows && !watching.noReconnect
        plan.metricsFile = receivers.metricsFile
        plan.command = command
        return plan
    }
}
