// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// One run of the program. Votequorum, the configuration map and each output have a thread that may block on them. The
/// calling thread blocks on none of them, so it can always end the run.
package struct Watch: Sendable {
    let plan: WatchPlan
    let stop: StopRequest
    let outputs: EventDistributor.Outputs
    let distributor: EventDistributor
    let follower: QuorumFollower
    let command: CommandRunner?
    let notifier: ServiceNotifier?
    let display: LiveDisplay?
    private let configuration: ConfigurationReader
    private let statistics: StatisticsReader?
    private let metrics: MetricsFile?
    /// The watchdogs that detect requests that corosync does not answer.
    private let watchdogs: [Watchdog]
    /// The number of threads that have connections to close.
    private let connected = Guarded(0)
    /// The number of threads that have a last message or file to write.
    private let writing = Guarded(0)

    /// A watch that has not begun. Throws when not enough descriptors are available.
    package init(_ plan: WatchPlan) throws(SystemError) {
        self.plan = plan
        let stop = try StopRequest()
        var display: LiveDisplay?
        if case .live(let style) = plan.format {
            let facts = LiveFacts(kinds: plan.kinds, at: .now)
            display = try LiveDisplay(LatestValue(LiveModel(facts, size: Terminal.size)), style: style, stop: stop)
        }
        let notifier = plan.printsOnce ? nil : ServiceNotifier()
        var outputs = EventDistributor.Outputs(
            events: try EventQueue(kinds: plan.kinds), page: display?.model,
            diagnostics: try DiagnosticWriter(page: display?.model))
        if !plan.command.isEmpty { outputs.command = try EventQueue(kinds: plan.kinds, limits: .command) }
        if plan.metricsFile != nil || notifier != nil { outputs.statistics = LatestValue(WatchStatistics()) }
        let diagnostics = outputs.diagnostics
        metrics = plan.metricsFile.flatMap { path in
            outputs.statistics.map { MetricsFile(path: path, statistics: $0, diagnostics: diagnostics) }
        }
        command = outputs.command.map { queue in
            CommandRunner(command: plan.command, queue: queue, limit: plan.limit, stop: stop, diagnostics: diagnostics)
        }
        let distributor = try EventDistributor(
            predictsIfDown: plan.predictsIfDown, trigger: plan.trigger, outputs: outputs, stop: stop,
            waitsForRoom: isRegularFile(STDOUT_FILENO) ? .seconds(1) : nil)
        let statistics =
            plan.needsStatistics
            ? try StatisticsReader(
                stop: stop, follows: plan.follows, readsCounters: plan.follows || plan.format == .prometheus,
                refresh: plan.refresh, reportsNoLinks: display == nil, distributor: distributor) : nil
        configuration = try ConfigurationReader(
            stop: stop, follows: plan.follows, readsVoting: plan.predictsIfDown,
            report: { result in
                switch result {
                case .success(let configuration):
                    distributor.record(.configuration(configuration))
                    statistics?.configure(configuration)
                case .failure(let error):
                    distributor.record(.configuration(nil))
                    statistics?.configure(nil)
                    // Before the first state, the thread that waits for the names reports the error.
                    if distributor.reducer(\.hasState) { distributor.diagnose(error.diagnosisOfConfiguration) }
                }
            },
            reportMembership: { distributor.recordMembershipChange(at: $0) })
        let watchdog = try Watchdog()
        let probe = try ProviderProbe(stop: stop)
        follower = QuorumFollower(
            plan: plan, distributor: distributor, configuration: configuration, statistics: statistics,
            watchdog: watchdog, probe: probe, stop: stop)
        watchdogs = [watchdog, probe.watchdog, configuration.watchdog]
        self.statistics = statistics
        self.stop = stop
        self.notifier = notifier
        self.display = display
        self.outputs = outputs
        self.distributor = distributor
    }

    /// Runs the watch, and returns how it ended. To be called once, and the program should exit then: threads that
    /// corosync or the reader of an output blocks are not ended.
    ///
    /// Throws when the system allows no more threads or descriptors.
    package func run() throws(SystemError) -> Outcome {
        Glibc.signal(SIGPIPE, SIG_IGN)
        // Each connection has a buffer of 1 MiB. With a fixed threshold, freeing it returns the memory to the system.
        // By default, malloc(3) raises the threshold after the first free, and then keeps such memory.
        mallopt(M_MMAP_THRESHOLD, 512 << 10)
        // An arena for each thread would cost memory and time without a benefit here.
        mallopt(M_ARENA_MAX, 1)
        // These access files before signals are handled here: if a file system hangs, a signal still ends the program.
        let problem = command?.begin() ?? metrics?.begin()
        let signals = try EndingSignals()
        if let problem {
            stop.request(.failed(problem))
            // No thread has been started that would write the queues.
            outputs.events.drained()
            outputs.command?.drained()
        } else {
            do {
                try startThreads()
            } catch {
                display?.end(interruptedBy: signals.descriptor)
                throw error
            }
            supervise(signals)
        }
        notifier?.stopping()
        outputs.statistics?.close()
        let begin = Instant.now
        var ending = Ending(of: self, signals)
        ending.run()
        if !ending.isHurried {
            closeConnections()
            // The rest of the second within which a signal ends the program.
            _ = writing.wait(until: begin + .milliseconds(850)) { $0 == 0 ? () : nil }
        }
        return ending.outcome
    }

    private func startThreads() throws(SystemError) {
        let printer = Printer(plan: plan, queue: outputs.events, stop: stop, diagnostics: outputs.diagnostics)
        // A single status rarely needs this thread. A watch that follows starts it now, since the system may have no
        // resources for it later.
        if plan.follows || !printer.writesAtOnce {
            try startThread("output") { printer.run() }
        } else {
            outputs.events.onFirstQueued { [stop] in
                do throws(SystemError) {
                    try startThread("output") { printer.run() }
                    return true
                } catch {
                    stop.request(.failed(error.description))
                    return false
                }
            }
        }
        if plan.needsDetails {
            // Corosync accepts connections one by one. This one is made first because more has to be read from it.
            configuration.request()
            try start("configuration", counting: connected) { [configuration] in configuration.run() }
        }
        if let statistics {
            statistics.request()
            try start("statistics", counting: connected) { statistics.run() }
        }
        if let display {
            try startThread("page") { display.draw() }
            try startThread("keyboard") { display.readKeys() }
        }
        if let metrics { try start("metrics file", counting: writing) { metrics.run() } }
        if let command { try startThread("command") { command.run() } }
        if let notifier, let statistics = outputs.statistics {
            try start("service manager", counting: writing) { notifier.run(statistics) }
        }
        try start("votequorum", counting: connected) { [follower] in follower.run() }
    }

    /// Starts a thread that the end of the watch waits for.
    private func start(
        _ name: StaticString, counting threads: Guarded<Int>, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        try startThread(name) {
            body()
            threads.withLock { $0 -= 1 }
        }
        threads.withLock { $0 += 1 }
    }

    /// Waits until there is a reason to end.
    private func supervise(_ signals: EndingSignals) {
        let deadline = plan.timeout.map { Instant.now + $0 }
        var nextPing = notifier?.watchdogInterval.map { Instant.now + $0 }
        var reported: Watchdog?
        let descriptors: [(descriptor: CInt, events: CInt)] =
            [(stop.descriptor, POLLIN), (signals.descriptor, POLLIN), (output, 0)]
            + watchdogs.map { ($0.descriptor, POLLIN) }
            + [(statistics?.watchdog.descriptor ?? -1, POLLIN), (distributor.recalculation.descriptor, POLLIN)]
        while true {
            let ready = wait(for: descriptors, until: [deadline, nextPing].compactMap { $0 }.min())
            if ready[0] != 0 { return }
            if ready[1] != 0, let signal = signals.next() { return stop.request(.signal(signal)) }
            if ready[2] & (POLLERR | POLLHUP) != 0 { return stop.request(.outputClosed) }
            for (watchdog, isReady) in zip(watchdogs, ready.dropFirst(3)) where isReady != 0 {
                guard let silent = watchdog.silentFor(), plan.follows else { continue }
                // If several requests are not answered, report one of them only.
                if let reported, reported !== watchdog, reported.isWaiting { continue }
                reported = watchdog
                // This thread must not block, so it does not wait for room in the queue either.
                distributor.record(.unresponsive(silent: silent), mayWait: false)
            }
            // Only the links are unknown now, not the state of the cluster.
            if ready[ready.count - 2] != 0, statistics?.watchdog.silentFor() != nil { statistics?.giveUp() }
            if ready[ready.count - 1] != 0, let elapsed = distributor.recalculation.silentFor() {
                distributor.record(.unsettled(elapsed: elapsed), mayWait: false)
            }
            if let deadline, deadline <= .now { return stop.request(.timedOut(obstacle)) }
            if let notifier, let interval = notifier.watchdogInterval, let due = nextPing, due <= .now {
                // Blocks if another thread never releases the distributor, so that the service manager restarts the
                // program. A restart would not help against a corosync that does not answer.
                _ = distributor.reducer(\.mayRead)
                notifier.ping()
                nextPing = .now + interval
            }
        }
    }

    /// Why there is nothing to print yet.
    private var obstacle: Outcome.Obstacle {
        if distributor.reducer(\.isRecalculating) { return .recalculation }
        return follower.isConnected || watchdogs.contains { $0.isWaiting } ? .silence : .noConnection
    }

    /// Waits for the connections to be closed, so that their shared memory is removed. Only threads that block in the
    /// library or in a request without an answer are interrupted: libqb takes 40 ms to close an interrupted connection,
    /// since it waits for the daemon to end.
    private func closeConnections() {
        let areFree = { (count: inout Int) in count == 0 ? () : nil }
        let isHeld = plan.follows && plan.mode.waitsItself
        if isHeld || connected.wait(until: .now + .milliseconds(50), for: areFree) == nil {
            follower.hangUp()
            _ = connected.wait(until: .now + .milliseconds(200), for: areFree)
        }
    }

    /// The descriptor of the output, to notice that its reader closes it; -1 if nothing is printed.
    var output: CInt { plan.format == .quiet ? -1 : STDOUT_FILENO }
}
