// SPDX-License-Identifier: MIT

internal import Corosync

/// Where the threads of a watch bring what they learn: through the reducer, and into the queue in the same order.
final class Recorder: Sendable {
    private struct State: Sendable {
        var reducer: Reducer
        var gate: Gate?
    }

    private let state: Guarded<State>
    private let queue: EventQueue
    /// Whether a full queue makes the one who records wait: only when the output always goes on.
    private let waitsForRoom: Bool

    init(reducer: Reducer, gate: Gate? = nil, queue: EventQueue, waitsForRoom: Bool) {
        state = Guarded(State(reducer: reducer, gate: gate))
        self.queue = queue
        self.waitsForRoom = waitsForRoom
    }

    /// Takes something that was learned; returns how many events it made.
    @discardableResult
    func record(_ input: Reducer.Input, at time: Timestamp = .now, mayWait: Bool = true) -> Int {
        if waitsForRoom && mayWait { queue.waitForRoom() }
        return state.withLock { state in
            var events = state.reducer.reduce(input, at: time)
            if state.gate != nil {
                for remark in state.gate?.remarks(on: input, state.reducer) ?? [] { diagnose(remark) }
                events = (state.gate?.pass(input, state.reducer, at: time)).map { [$0] } ?? []
            }
            for event in events { queue.put(.event(event)) }
            return events.count
        }
    }

    /// Puts a line for standard error in the queue.
    func diagnose(_ text: String) { queue.put(.diagnostic(text)) }

    /// Asks the reducer something.
    func ask<Result>(_ question: (Reducer) -> Result) -> Result { state.withLock { question($0.reducer) } }

    /// Whether the configuration has to be read before anything can be printed.
    var wantsConfiguration: Bool { state.withLock { $0.gate?.wantsConfiguration($0.reducer) ?? false } }

    /// The conditions that do not hold; nil while the state is not known.
    var unmetConditions: [Condition]? {
        state.withLock { state in state.gate.map { $0.unmetConditions(state.reducer) } ?? [] }
    }
}
