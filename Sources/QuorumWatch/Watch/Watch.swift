// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// One run of the program: three threads that each wait for one thing only (votequorum, the configuration map,
/// whoever reads the output), and the calling thread, which waits for none of them and so can always end the run.
public struct Watch {
    private let plan: WatchPlan
    private let stop = StopRequest()
    private let queue = EventQueue()
    private let watchdog = Watchdog()
    private let recorder: Recorder
    private let follower: QuorumFollower
    private let configuration: ConfigurationReader
    private let threads = Guarded(0)

    /// A watch that has not begun.
    public init(_ plan: WatchPlan) {
        self.plan = plan
        let recorder = Recorder(
            reducer: Reducer(kinds: plan.kinds), gate: plan.gate, queue: queue,
            waitsForRoom: isRegularFile(STDOUT_FILENO))
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
        let signals = EndingSignals()
        let printer = Printer(
            queue: queue, format: plan.format, printsPage: plan.printsOnce, check: plan.check,
            limit: plan.printsOnce ? 1 : plan.limit, stop: stop)
        start("output") { printer.run() }
        if plan.showsDetails { start("configuration") { [configuration] in configuration.run() } }
        start("votequorum") { [follower] in follower.run() }

        supervise(signals)
        explain()
        let outcome = finish(signals)
        follower.hangUp()
        // Time to close the connections, which would otherwise leave their shared memory to corosync's care.
        _ = threads.wait(until: .now + .milliseconds(200)) { $0 == 0 ? () : nil }
        if case .signal = outcome { return outcome }
        return stop.requested ?? outcome
    }

    /// Puts in the queue why there will be no answer to a check, and what was waited for in vain.
    private func explain() {
        guard let outcome = stop.requested, let why = outcome.whyNoStatus else { return }
        if plan.check != nil {
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
        while true {
            let ready = wait(
                for: [
                    (stop.descriptor, POLLIN), (signals.descriptor, POLLIN), (output, 0),
                    (watchdog.descriptor, POLLIN),
                ],
                until: deadline)
            if ready[0] != 0 { return }
            if ready[1] != 0, let signal = signals.next() { return stop.request(.signal(signal)) }
            if ready[2] & (POLLERR | POLLHUP) != 0 { return stop.request(.outputClosed) }
            if ready[3] != 0, let silent = watchdog.silentFor(), plan.follows {
                // This thread must not wait for anybody, so it does not wait for room either.
                recorder.record(.unresponsive(silent: silent), mayWait: false)
            }
            if let deadline, deadline <= .now {
                return stop.request(.timedOut(isConnected: follower.isConnected))
            }
        }
    }

    /// Lets what is queued be written: without a limit after a failure, which leaves the reader all the time it takes;
    /// not for long when somebody wants the program to end.
    private func finish(_ signals: EndingSignals) -> Outcome {
        queue.close()
        var outcome = stop.requested ?? .nothingPending
        let patience = Duration.milliseconds(700)
        var deadline: Instant?
        switch outcome {
        case .failed, .nothingPending: break
        case .signal, .timedOut: deadline = Instant.now + patience
        case .done, .checked, .outputClosed, .outputFailed: return outcome
        }
        while true {
            let ready = wait(
                for: [(queue.drainedDescriptor, POLLIN), (signals.descriptor, POLLIN), (output, 0)], until: deadline)
            if ready[1] != 0, let signal = signals.next() {
                outcome = .signal(signal)
                deadline = Instant.now + patience
                continue
            }
            return outcome
        }
    }

    /// The descriptor whose reader matters, or none.
    private var output: CInt { plan.format == .quiet ? -1 : STDOUT_FILENO }
}
