// SPDX-License-Identifier: MIT

internal import CLinux
internal import Corosync
internal import Glibc

/// One run of the program. Two threads speak to corosync, and each output has a thread that may block on its reader. The
/// calling thread blocks on none of them, so it can always end the run.
package struct Watch: Sendable {
    let plan: WatchPlan
    let stop: StopRequest
    let core: Core
    let outputs: Core.Outputs
    let follower: QuorumFollower
    let maps: MapFollower
    let command: CommandRunner?
    let notifier: ServiceNotifier?
    let display: LiveDisplay?
    private let metrics: MetricsFile?
    /// The number of threads that have connections to close.
    let connected = Guarded(0)
    /// The number of threads that have a last file to write.
    let writing = Guarded(0)

    /// A watch that has not begun. Throws when not enough descriptors are available.
    package init(_ plan: WatchPlan) throws(SystemError) {
        self.plan = plan
        stop = try StopRequest()
        var display: LiveDisplay?
        if case .live(let color, let isPlain) = plan.format {
            let facts = LiveFacts(kinds: plan.kinds, at: .now)
            let model = LiveModel(facts: facts, size: Terminal.size)
            display = try LiveDisplay(LatestValue(model), color: color, isPlain: isPlain, stop: stop)
        }
        self.display = display
        var outputs = Core.Outputs(
            events: try Outbox(), page: display?.model, diagnostics: try DiagnosticWriter(page: display?.model))
        if !plan.command.isEmpty { outputs.command = try Outbox() }
        let hasRecord = plan.metricsFile != nil || !plan.printsOnce && ServiceNotifier.isWanted
        if hasRecord { outputs.record = LatestValue(WatchRecord(), changed: try Flag()) }
        self.outputs = outputs
        let diagnostics = outputs.diagnostics
        notifier = plan.printsOnce ? nil : outputs.record.flatMap { ServiceNotifier($0) }
        metrics = plan.metricsFile.flatMap { path in
            outputs.record.map { MetricsFile(path: path, record: $0, diagnostics: diagnostics) }
        }
        command = outputs.command.map { [stop] outbox in
            CommandRunner(
                command: plan.command, outbox: outbox, limit: plan.limit, stop: stop, diagnostics: diagnostics)
        }
        core = try Core(
            Reducer(
                requirements: plan.requirements, predictsIfDown: plan.predictsIfDown, needsStatistics: true,
                confirmsProblems: plan.printsProblems),
            trigger: plan.trigger,
            absence: AbsenceRemarks(
                plan.isCheck && plan.format != .json ? nil : plan.requirements, failsIfAmbiguous: !plan.isCheck),
            filter: EventFilter(kinds: plan.kinds, showsFirstStatus: !plan.changesOnly), outputs: outputs, stop: stop,
            follows: plan.follows)
        maps = try MapFollower(plan: plan, core: core, stop: stop)
        follower = try QuorumFollower(plan: plan, core: core, maps: maps, stop: stop)
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
        let signals = try Signals(Signals.ending)
        if let problem {
            stop.request(.failed(problem))
            // No thread has been started that would consume them.
            outputs.events.finish()
            outputs.command?.finish()
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
        outputs.record?.close()
        maps.wakeWaiting()
        let begin = Instant.now
        var ending = Ending(of: self, signals)
        ending.run()
        if !ending.isHurried {
            closeConnections()
            // The rest of the second within which a signal ends the program.
            let end = begin + .milliseconds(850)
            Closing.finish(within: min(.milliseconds(500), end.since(.now)))
            _ = writing.wait(until: end) { $0 == 0 ? () : nil }
        }
        return ending.outcome
    }

    private func startThreads() throws(SystemError) {
        let printer = Printer(plan: plan, outbox: outputs.events, stop: stop)
        try startThread("output") { printer.run() }
        if let display { try startThread("page") { display.draw() } }
        if let metrics { try start("metrics file", counting: writing) { metrics.run() } }
        if let command { try startThread("command") { command.run() } }
        try start("maps", counting: connected) { [maps] in MapThread(maps).run() }
        try start("votequorum", counting: connected) { [follower] in follower.run() }
    }

    /// Starts a thread that the end of the watch waits for.
    private func start(
        _ name: StaticString, counting threads: Guarded<Int>, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        threads.withLock { $0 += 1 }
        do {
            try startThread(name) {
                body()
                threads.withLock { $0 -= 1 }
            }
        } catch {
            threads.withLock { $0 -= 1 }
            throw error
        }
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
