// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// One run of the program: threads that each wait for one thing only (votequorum, the configuration map, whoever reads
/// the output, and one for each outlet besides), and the calling thread, which waits for none of them and so can always
/// end the run.
public struct Watch: Sendable {
    private let plan: WatchPlan
    private let stop = StopRequest()
    private let queue = EventQueue()
    private let watchdog = Watchdog()
    private let recorder: Recorder
    private let follower: QuorumFollower
    private let configuration: ConfigurationReader
    private let outlets: Outlets
    private let metrics: MetricsFile?
    private let command: CommandRunner?
    private let notifier: ServiceNotifier?
    private let threads = Guarded(0)

    /// A watch that has not begun.
    public init(_ plan: WatchPlan) {
        self.plan = plan
        notifier = plan.printsOnce ? nil : ServiceNotifier()
        let outlets = Outlets(
            survey: plan.metricsFile == nil && notifier == nil ? nil : Latest(Survey()),
            command: plan.command.isEmpty ? nil : EventQueue(capacity: .max))
        let recorder = Recorder(
            reducer: Reducer(kinds: plan.kinds), gate: plan.gate, queue: queue,
            waitsForRoom: isRegularFile(STDOUT_FILENO), outlets: outlets)
        metrics = plan.metricsFile.flatMap { path in
            outlets.survey.map { MetricsFile(path: path, survey: $0, diagnose: recorder.diagnose) }
        }
        command = outlets.command.map { [stop] queue in
            CommandRunner(command: plan.command, queue: queue, limit: plan.limit, stop: stop)
        }
        self.outlets = outlets
        configuration = ConfigurationReader(stop: stop, follows: plan.follows) { result in
            switch result {
            case .success(let configuration): recorder.record(.configuration(configuration))
            case .failure(let error):
                recorder.record(.configuration(nil))
                // Before there is a state it is for the one who waits for the names to say.
                if recorder.ask(\.hasState) { recorder.diagnose(error.diagnosisOfNames) }
            }
        }
        follower = QuorumFollower(
            plan: plan, recorder: recorder, configuration: configuration, watchdog: watchdog, stop: stop)
        self.recorder = recorder
    }

    /// Watches until the end, and says how it came. Once in the life of a program, which should end then: a thread
    /// that corosync or a reader of the output does not let go is left behind.
    public func run() -> Outcome {
        Glibc.signal(SIGPIPE, SIG_IGN)
        // Each connection takes a buffer of 1 MiB. Given back when the connection is lost, it must go back to the system:
        // left to itself, malloc(3) would learn from it to keep such memory, in every thread.
        mallopt(M_MMAP_THRESHOLD, 512 << 10)
        // One arena for all threads: one of its own for each takes memory and time, and gives nothing here.
        mallopt(M_ARENA_MAX, 1)
        if let problem = command?.begin() ?? metrics?.begin() { return .failed(problem) }
        let signals = EndingSignals()
        let printer = Printer(
            queue: queue, format: plan.format, printsPage: plan.printsOnce, check: plan.check,
            limit: plan.printsOnce ? 1 : plan.limit, stop: stop)
        let print: @Sendable () -> Void = { start("output") { printer.run() } }
        // Who looks once can mostly do without this thread; who stays for long takes it while there is room for one.
        if plan.follows { print() } else { queue.whenNeeded(start: print) }
        if plan.showsDetails {
            // The daemon makes one connection after the other, and there is more to read from this one.
            configuration.request()
            start("configuration") { [configuration] in configuration.run() }
        }
        if let metrics { start("metrics file") { metrics.run() } }
        if let command { start("command") { command.run() } }
        if let notifier, let survey = outlets.survey { start("service manager") { notifier.run(survey) } }
        start("votequorum") { [follower] in follower.run() }

        supervise(signals)
        notifier?.stopping()
        // Nobody follows the cluster any more, however long it takes to write and run what is left.
        outlets.survey?.close()
        explain()
        let outcome = finish(signals)
        // Time to close the connections, which would otherwise leave their shared memory to corosync's care. One that is
        // hung up takes libqb 40 ms to close, while it waits for the daemon to end: that is for the thread that the
        // library holds, and for one that corosync does not answer.
        let areFree = { (count: inout Int) in count == 0 ? () : nil }
        if plan.follows && plan.mode.waitsItself || threads.wait(until: .now + .milliseconds(50), for: areFree) == nil {
            follower.hangUp()
            _ = threads.wait(until: .now + .milliseconds(200), for: areFree)
        }
        if case .signal = outcome { return outcome }
        let end = stop.requested ?? outcome
        if case .done = end, let failure = command?.startFailure.withLock({ $0 }) { return .failed(failure) }
        return end
    }

    /// Puts in the queue why there will be no answer to a check, and what was waited for in vain.
    private func explain() {
        guard let outcome = stop.requested, let why = outcome.whyNoStatus else { return }
        if plan.check != nil || plan.format == .prometheus && !plan.follows {
            queue.put(.unknown(why))
        } else if case .timedOut = outcome, !plan.conditions.isEmpty {
            let unmet = recorder.unmetConditions
            guard unmet?.isEmpty != true else { return }
            let list = (unmet ?? plan.conditions).map { harmless("\($0)") }.joined(separator: ", ")
            let known = "corosync says otherwise; ask vqwatch for the status, or allow more time with --timeout"
            recorder.diagnose("waited in vain for \(list): \(unmet == nil ? why : known)")
        }
    }

    private func start(_ name: StaticString, _ body: @escaping @Sendable () -> Void) {
        threads.withLock { $0 += 1 }
        startThread(name) { [threads] in
            body()
            threads.withLock { $0 -= 1 }
        }
    }

    /// Waits until there is a reason to end.
    private func supervise(_ signals: EndingSignals) {
        let deadline = plan.timeout.map { Instant.now + $0 }
        var nextPing = notifier?.watchdogInterval.map { Instant.now + $0 }
        while true {
            let ready = wait(
                for: [
                    (stop.descriptor, POLLIN), (signals.descriptor, POLLIN), (output, 0),
                    (watchdog.descriptor, POLLIN),
                ],
                until: [deadline, nextPing].compactMap { $0 }.min())
            if ready[0] != 0 { return }
            if ready[1] != 0, let signal = signals.next() { return stop.request(.signal(signal)) }
            if ready[2] & (POLLERR | POLLHUP) != 0 { return stop.request(.outputClosed) }
            if ready[3] != 0, let silent = watchdog.silentFor(), plan.follows {
                // This thread must not wait for anybody, so it does not wait for room either.
                recorder.record(.unresponsive(silent: silent), mayWait: false)
            }
            if let deadline, deadline <= .now {
                return stop.request(.timedOut(isSilent: follower.isConnected || watchdog.isWaiting))
            }
            if let notifier, let interval = notifier.watchdogInterval, let due = nextPing, due <= .now {
                // Whoever holds the recorder for good holds up the watch: that, and not a corosync that does not answer,
                // is what a restart mends.
                _ = recorder.ask(\.mayRead)
                notifier.ping()
                nextPing = .now + interval
            }
        }
    }

    /// Lets what is queued be written, and the command be run for what is queued: without a limit after a failure,
    /// which leaves the reader all the time it takes; not for long when somebody wants the program to end.
    private func finish(_ signals: EndingSignals) -> Outcome {
        var outcome = stop.requested ?? .nothingPending
        let patience = Duration.milliseconds(700)
        var deadline: Instant?
        var isPrinting = true
        var isRunning = command != nil
        var notRun = 0
        func hurry() {
            deadline = Instant.now + patience
            notRun += outlets.command?.discard() ?? 0
        }
        switch outcome {
        case .failed, .nothingPending: break
        case .signal, .timedOut: hurry()
        case .done, .checked, .outputClosed, .outputFailed: isPrinting = false
        }
        queue.close()
        outlets.command?.close()
        while isPrinting || isRunning {
            let ready = wait(
                for: [
                    (isPrinting ? queue.drainedDescriptor : -1, POLLIN), (signals.descriptor, POLLIN),
                    (isPrinting ? output : -1, 0), (isRunning ? outlets.command?.drainedDescriptor ?? -1 : -1, POLLIN),
                ], until: deadline)
            if ready[1] != 0, let signal = signals.next() {
                outcome = .signal(signal)
                hurry()
                continue
            }
            if ready.allSatisfy({ $0 == 0 }) { break }
            if ready[0] != 0 || ready[2] != 0 { isPrinting = false }
            if ready[3] != 0 { isRunning = false }
        }
        command?.reportEnd(notRun: notRun, isRunning: isRunning)
        return outcome
    }

    /// The descriptor whose reader matters, or none.
    private var output: CInt { plan.format == .quiet ? -1 : STDOUT_FILENO }
}
