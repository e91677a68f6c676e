// SPDX-License-Identifier: MIT

internal import Corosync

/// Passes the notifications and readings of all threads to the reducer, and distributes its events to all outputs in
/// the same order.
final class EventDistributor: Sendable {
    /// The receivers of the events. None of them blocks the thread that adds an event.
    struct Outputs: Sendable {
        /// For standard output.
        let events: EventQueue
        /// For the command that is run for every event.
        var command: EventQueue?
        /// For the metrics file and the service manager.
        var statistics: LatestValue<WatchStatistics>?
        /// For the page on the terminal.
        var page: LatestValue<LiveModel>?
        /// For standard error.
        let diagnostics: DiagnosticWriter
    }

    private struct State: Sendable {
        var reducer: Reducer
        var trigger: StatusTrigger?
        var statistics = WatchStatistics()
        var clock = EventClock()
        /// When the last nodelist or quorum notification came.
        var lastRingNotification: Instant?
    }

    private let state: Guarded<State>
    private let outputs: Outputs
    /// Detects a recalculation that takes too long.
    let recalculation: Watchdog
    private let stop: StopRequest
    /// How long a thread may wait for room in the queue of standard output before it adds an event; nil: not at all. It
    /// waits only for regular files, whose writes always end unless the file system hangs.
    private let patience: Duration?

    /// A distributor to these outputs. Throws when no descriptor is available.
    init(
        predictsIfDown: Bool = false, trigger: StatusTrigger? = nil, outputs: Outputs, stop: StopRequest,
        waitsForRoom patience: Duration? = nil
    ) throws(SystemError) {
        recalculation = try Watchdog()
        state = Guarded(State(reducer: Reducer(predictsIfDown: predictsIfDown), trigger: trigger))
        self.outputs = outputs
        self.stop = stop
        self.patience = patience
    }

    /// The present moment, for a later call of ``record(_:at:mayWait:)``.
    func moment() -> EventClock.Moment { state.withLock { $0.clock.moment() } }

    /// Processes an input, which by default happens now. Returns how many events it caused.
    @discardableResult
    func record(_ input: Reducer.Input, at moment: EventClock.Moment? = nil, mayWait: Bool = true) -> Int {
        if mayWait, let patience { outputs.events.waitForRoom(atMost: patience) }
        return state.withLock { state in
            let time = state.clock.time(of: moment ?? state.clock.moment())
            switch input {
            case .nodelist, .quorum: state.lastRingNotification = .now
            default: break
            }
            let wasRecalculating = state.reducer.isRecalculating
            let told = state.reducer.reduce(input, at: time)
            var events = told
            // Last, because the line must not wait for the timer.
            defer { if state.reducer.isRecalculating != wasRecalculating { supervise(state.reducer, told) } }
            if let statistics = outputs.statistics,
                state.statistics.record(events, state.reducer, at: time)
            {
                statistics.put(state.statistics)
            }
            outputs.page?.update { $0.record(events, state.reducer, at: .now) }
            if case .baseline = input, let known = state.reducer.known {
                outputs.events.begin(with: known)
                outputs.command?.begin(with: known)
            }
            if state.trigger != nil {
                for remark in state.trigger?.remarks(on: input, state.reducer) ?? [] { diagnose(remark) }
                if let unknown = state.trigger?.unknownNode(state.reducer) {
                    stop.request(.failed(unknown.diagnosis(hasNames: state.reducer.configuration != nil)))
                }
                events = (state.trigger?.status(of: state.reducer, at: time)).map { [$0] } ?? []
            }
            for event in events {
                outputs.command?.put(event)
                outputs.events.put(event)
            }
            return events.count
        }
    }

    /// Records a change of totem's membership at this moment, unless a notification of votequorum came after it: that
    /// belongs to the same change, which the configuration map reports with a delay.
    func recordMembershipChange(at moment: Instant) {
        guard state.withLock({ $0.lastRingNotification.map { $0 < moment } ?? true }) else { return }
        record(.membershipChanged(uptime: .nanoseconds(Int64(moment.nanoseconds))))
    }

    /// Starts or stops the timeout of the recalculation.
    private func supervise(_ reducer: Reducer, _ events: [Event]) {
        guard reducer.isRecalculating else { return recalculation.end() }
        if case .unsettled(let report) = events.first?.body {
            recalculation.begin(silence: Watchdog.repetition, elapsed: report.elapsed)
        } else {
            recalculation.begin(silence: (reducer.configuration ?? Configuration()).longestRecalculation)
        }
    }

    /// Queues a diagnostic for standard error.
    func diagnose(_ text: String) { outputs.diagnostics.write(text) }

    /// Records that the watch is waiting for corosync, and why.
    func recordWaiting(because reason: String, _ intention: String) {
        outputs.diagnostics.write("\(reason); \(intention)", isShown: true)
        outputs.page?.update { $0.recordWaiting(because: reason) }
        guard let statistics = outputs.statistics else { return }
        state.withLock { state in
            state.statistics.recordWaiting(because: reason)
            statistics.put(state.statistics)
        }
    }

    /// Reads a property of the reducer.
    func reducer<Result>(_ property: (Reducer) -> Result) -> Result { state.withLock { property($0.reducer) } }

    /// The conditions that do not hold; nil while the state is not known.
    var unmetConditions: [Condition]? {
        state.withLock { state in state.trigger.map { $0.unmetConditions(state.reducer) } ?? [] }
    }
}
