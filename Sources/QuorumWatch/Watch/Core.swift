// SPDX-License-Identifier: MIT

internal import Corosync

/// Passes what all threads learn of the cluster to the reducer, and its events to all outputs, in the same order.
final class Core: Sendable {
    /// The receivers of the events. None of them blocks the thread that adds an event.
    struct Outputs: Sendable {
        /// For standard output.
        let events: Outbox<Delivery>
        /// For the command that is run for every event.
        var command: Outbox<Delivery>?
        /// For the metrics file and the service manager.
        var record: LatestValue<WatchRecord>?
        /// For the page on the terminal.
        var page: LatestValue<LiveModel>?
        /// For standard error.
        let diagnostics: DiagnosticWriter
    }

    /// What the thread that recorded an input has to know for its next step.
    struct Next: Sendable {
        /// Whether what votequorum says is up to date.
        var phase: QuorumPhase
        /// The nodes that votequorum knows.
        var nodes: [NodeID]
        /// Whether a second reading has to confirm the last one.
        var wantsSecondReading: Bool
        /// When the configuration has to be read again, at the end of a reload; nil: not.
        var reloadEnd: Instant?
        /// Whether evidence is due some time later, because corosync was not scheduled.
        var hasSchedulingMiss: Bool
        /// How many events the outputs show for this input.
        var shown: Int
    }

    private struct State: Sendable {
        var reducer: Reducer
        var trigger: StatusTrigger?
        var absence: AbsenceRemarks
        var filter: EventFilter
        var record = WatchRecord()
        var clock = EventClock()
        var deadline: Instant?
    }

    private let state: Guarded<State>
    private let outputs: Outputs
    private let stop: StopRequest
    private let follows: Bool
    /// Expires at the deadline of the reducer.
    let timer: Timer

    /// A core for these outputs. Throws when no descriptor is available.
    init(
        _ reducer: Reducer, trigger: StatusTrigger?, absence: AbsenceRemarks = AbsenceRemarks(nil), filter: EventFilter,
        outputs: Outputs, stop: StopRequest, follows: Bool
    ) throws(SystemError) {
        timer = try Timer()
        state = Guarded(State(reducer: reducer, trigger: trigger, absence: absence, filter: filter))
        self.outputs = outputs
        self.stop = stop
        self.follows = follows
    }

    /// Processes an input, which by default happens now.
    @discardableResult
    func record(_ input: Reducer.Input, at moment: Moment? = nil) -> Next {
        state.withLock { state in
            let moment = state.clock.moment(of: moment ?? .now)
            let events = state.reducer.reduce(input, at: moment)
            if !events.isEmpty { state.clock.note(moment) }
            // First, because the status that is awaited ends the watch.
            for remark in state.trigger?.remarks(on: input, state.reducer) ?? [] { diagnose(remark) }
            let remark = state.absence.remark(on: state.reducer)
            if let remark {
                remark.isError ? stop.request(.failed(remark.text, isConnected: true)) : diagnose(remark.text)
            }
            let shown = remark?.isError == true ? 0 : distribute(events, &state, at: moment)
            // Last, because the events must not wait for the timer.
            if state.reducer.deadline != state.deadline {
                state.deadline = state.reducer.deadline
                timer.set(to: state.deadline)
            }
            let reducer = state.reducer
            return Next(
                phase: reducer.phase, nodes: reducer.knownNodes, wantsSecondReading: reducer.wantsSecondReading,
                reloadEnd: reducer.reloadEnd, hasSchedulingMiss: reducer.hasSchedulingMiss, shown: shown)
        }
    }

    /// Records that the timeout has expired. Shows a status that is required, as far as it is known.
    ///
    /// - Parameters:
    ///   - isSilent: Whether a request to votequorum has no answer yet.
    ///   - obstacle: The reason if there is no state, or no answer.
    /// - Returns: Why there is no status that is up to date; nil if none is required.
    func recordTimeout(withoutAnswer isSilent: Bool, withoutState obstacle: Outcome.Obstacle) -> Outcome.Obstacle? {
        state.withLock { state in
            let moment = state.clock.moment(of: .now)
            let hasState = state.reducer.phase.hasState
            guard let trigger = state.trigger else { return hasState || follows ? nil : obstacle }
            let obstacle = hasState && !isSilent ? trigger.obstacle(state.reducer) : obstacle
            if let event = state.trigger?.statusAtTimeout(of: state.reducer, at: moment.time) { show([event], &state) }
            return obstacle
        }
    }

    /// Blocks for as long as another thread does not release the core.
    func proveLiveness() { state.withLock { _ in } }

    /// Queues a diagnostic for standard error.
    func diagnose(_ text: String) { outputs.diagnostics.write(text) }

    /// Records that the watch is waiting for corosync, and why.
    func recordWaiting(because reason: String, _ intention: String) {
        outputs.diagnostics.write("\(reason); \(intention)", isShown: true)
        outputs.page?.update { $0.recordWaiting(because: reason) }
        state.withLock { state in
            state.record.recordWaiting(because: reason)
            outputs.record?.put(state.record)
        }
    }

    /// Gives the events of an input to the outputs. Returns how many of them are shown.
    private func distribute(_ events: [Event], _ state: inout State, at moment: Moment) -> Int {
        if let record = outputs.record, state.record.record(events, state.reducer, at: moment.time) {
            record.put(state.record)
        }
        outputs.page?.update { $0.record(events, state.reducer, at: moment.instant) }
        guard state.trigger != nil else { return show(events, &state) }
        if let problem = state.trigger?.diagnosis(state.reducer) { stop.request(.failed(problem, isConnected: true)) }
        return show((state.trigger?.status(of: state.reducer, at: moment.time)).map { [$0] } ?? [], &state)
    }

    @discardableResult
    private func show(_ events: [Event], _ state: inout State) -> Int {
        var shown = 0
        for event in events {
            guard let delivery = state.filter.delivery(of: event) else { continue }
            outputs.command?.put(delivery)
            outputs.events.put(delivery)
            if case .event = delivery { shown += 1 }
        }
        return shown
    }
}
