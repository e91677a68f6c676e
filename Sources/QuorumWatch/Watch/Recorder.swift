// SPDX-License-Identifier: MIT

internal import Corosync

/// Where the threads of a watch bring what they learn: through the reducer, and to every outlet in the same order.
final class Recorder: Sendable {
    private struct State: Sendable {
        var reducer: Reducer
        var gate: Gate?
        var survey = Survey()
    }

    private let state: Guarded<State>
    private let queue: EventQueue
    /// Whether a full queue makes the one who records wait: only when the output always goes on.
    private let waitsForRoom: Bool
    private let outlets: Outlets

    init(reducer: Reducer, gate: Gate? = nil, queue: EventQueue, waitsForRoom: Bool, outlets: Outlets = Outlets()) {
        state = Guarded(State(reducer: reducer, gate: gate))
        self.queue = queue
        self.waitsForRoom = waitsForRoom
        self.outlets = outlets
    }

    /// Takes something that was learned; returns how many events it made.
    @discardableResult
    func record(_ input: Reducer.Input, at time: Timestamp = .now, mayWait: Bool = true) -> Int {
        if waitsForRoom && mayWait { queue.waitForRoom() }
        return state.withLock { state in
            if let survey = outlets.survey, state.survey.take(input, at: time) { survey.put(state.survey) }
            var events = state.reducer.reduce(input, at: time)
            if state.gate != nil {
                for remark in state.gate?.remarks(on: input, state.reducer) ?? [] { diagnose(remark) }
                events = (state.gate?.pass(input, state.reducer, at: time)).map { [$0] } ?? []
            }
            for event in events {
                outlets.command?.put(.event(event))
                queue.put(.event(event))
            }
            return events.count
        }
    }

    /// Puts a line for standard error in the queue.
    func diagnose(_ text: String) { queue.put(.diagnostic(text)) }

    /// Takes that the watch waits for corosync, and why.
    func wait(because reason: String, _ intention: String) {
        diagnose("\(reason); \(intention)")
        guard let survey = outlets.survey else { return }
        state.withLock { state in
            state.survey.wait(because: reason)
            survey.put(state.survey)
        }
    }

    /// Asks the reducer something.
    func ask<Result>(_ question: (Reducer) -> Result) -> Result { state.withLock { question($0.reducer) } }

    /// Whether the configuration has to be read before anything can be printed.
    var wantsConfiguration: Bool { state.withLock { $0.gate?.wantsConfiguration($0.reducer) ?? false } }

    /// The conditions that do not hold; nil while the state is not known.
    var unmetConditions: [Condition]? {
        state.withLock { state in state.gate.map { $0.unmetConditions(state.reducer) } ?? [] }
    }
}
