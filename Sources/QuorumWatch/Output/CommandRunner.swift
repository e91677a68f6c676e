// SPDX-License-Identifier: MIT

internal import CLinux
internal import Corosync
internal import Glibc

/// Runs a command for every event, one at a time and in order.
struct CommandRunner: Sendable {
    /// The command and its arguments, as C strings.
    let command: [[CChar]]
    let outbox: Outbox<Delivery>
    /// The number of events after which the watch ends.
    let limit: Int?
    let stop: StopRequest
    let diagnostics: DiagnosticWriter

    /// Checks that the command can be started. If it cannot, returns a diagnosis: why, and what to do.
    func begin() -> String? {
        // If the parent process ignores SIGCHLD, so does this process, and the exit status of a command would be lost.
        signal(SIGCHLD, SIG_DFL)
        let error = obstacle(toStarting: command[0])
        return error == 0 ? nil : diagnosis(ofStarting: error)
    }

    /// Runs until the outbox is closed and empty.
    func run() {
        defer { outbox.finish() }
        let inherited = currentEnvironment().filter { entry in
            let entry = entry.text
            return !Self.ownVariables.contains { entry.utf8.starts(with: $0.utf8) }
        }
        var tracker = ChangeTracker()
        var isFirst = true
        var hasReportedDrops = false
        var rest = limit ?? .max
        while rest > 0 {
            let next = outbox.next()
            if case .end = next { return }
            guard let item = tracker.item(for: next) else { continue }
            let event = item.event
            if case .dropped = event.body, !hasReportedDrops {
                hasReportedDrops = true
                diagnostics.write(
                    "events for the command of --exec were dropped: \(name) is too slow; make it faster, or run it for "
                        + "fewer --events")
            }
            let spawn = Spawn(
                arguments: command, environment: inherited + Self.variables(for: event).map { Array($0.utf8CString) },
                input: JSONFormat.line(for: event, changes: item.changes))
            let ending = run(spawn)
            if isFirst, case .notStarted(let error) = ending {
                return stop.request(.commandFailed(diagnosis(ofStarting: error)))
            }
            if let problem = diagnosis(of: ending) {
                diagnostics.write("the command of --exec failed on '\(event.kind.rawValue)': \(problem)")
            }
            isFirst = false
            rest -= 1
        }
    }

    /// Runs the command. Retries while the system has no resources for another process.
    private func run(_ spawn: Spawn) -> Spawn.Ending {
        var pause = Backoff(from: .milliseconds(100), to: .seconds(2))
        while true {
            let ending = spawn.run()
            guard
                [.notStarted(EAGAIN), .notStarted(ENOMEM), .notStarted(EMFILE), .notStarted(ENFILE)].contains(ending),
                !stop.wait(until: .now + pause.pause())
            else { return ending }
        }
    }
}

extension CommandRunner {
    /// Reports the events that the command was not run for, and a command that still runs, at the end of the watch.
    func reportEnd(notRun: Int, isRunning: Bool) {
        var problems: [String] = []
        if isRunning { problems.append("\(name) still runs and is not stopped") }
        if notRun > 0 { problems.append("it was not run for the last \(count(notRun, "event"))") }
        guard !problems.isEmpty else { return }
        diagnostics.write(
            "the command of --exec was cut short: " + problems.joined(separator: ", and ")
                + "; make it faster if it has to be run for every event")
    }
}

// MARK: - Environment

extension CommandRunner {
    /// The environment variables that are not inherited by the command: those that are set for each event, and those
    /// that the service manager meant for this process alone.
    private static let ownVariables = [
        "VQWATCH_EVENT=", "VQWATCH_QUORATE=", "VQWATCH_CLUSTER_NAME=", "VQWATCH_LOCAL_NODE_ID=",
        "NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=",
    ]

    /// The environment variables that describe an event. The value of a variable is empty if it is not known.
    static func variables(for event: Event) -> [String] {
        [
            "VQWATCH_EVENT=\(event.kind.rawValue)",
            "VQWATCH_QUORATE=\(event.quorate.map { $0 ? "yes" : "no" } ?? "unknown")",
            "VQWATCH_CLUSTER_NAME=\(event.clusterName.map { escaped($0) } ?? "")",
            "VQWATCH_LOCAL_NODE_ID=\(event.localNode?.description ?? "")",
        ]
    }
}

// MARK: - Diagnostics

extension CommandRunner {
    private var name: String { escaped(command[0].text) }

    private func diagnosis(ofStarting error: CInt) -> String {
        "cannot run --exec \(name): \(String(cString: strerror(error))); see that it exists, in PATH or at the path "
            + "given, and may be executed"
    }

    private func diagnosis(of ending: Spawn.Ending) -> String? {
        switch ending {
        case .exited(0): nil
        case .exited(let status): "\(name) returned \(status); see what it wrote"
        case .signaled(let signal): "\(name) was ended by signal \(signal); see who sent it"
        case .notStarted(let error): "\(name) was not started: \(String(cString: strerror(error))); see that it exists"
        }
    }
}
