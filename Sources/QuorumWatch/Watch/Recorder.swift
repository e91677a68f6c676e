// SPDX-License-Identifier: MIT

internal import Corosync

/// Where the threads of a watch bring what they learn: through the reducer, and into the queue in the same order.
final class Recorder: Sendable {
    private let reducer: Guarded<Reducer>
    private let queue: EventQueue
    /// Whether a full queue makes the one who records wait: only when the output always goes on.
    private let waitsForRoom: Bool

    init(reducer: Reducer, queue: EventQueue, waitsForRoom: Bool) {
        self.reducer = Guarded(reducer)
        self.queue = queue
        self.waitsForRoom = waitsForRoom
    }

    /// Takes something that was learned; returns how many events it made.
    @discardableResult
    func record(_ input: Reducer.Input, at time: Timestamp = .now, mayWait: Bool = true) -> Int {
        if waitsForRoom && mayWait { queue.waitForRoom() }
        return reducer.withLock { reducer in
            let events = reducer.reduce(input, at: time)
            for event in events { queue.put(.event(event)) }
            return events.count
        }
    }

    /// Puts a line for standard error in the queue.
    func diagnose(_ text: String) { queue.put(.diagnostic(text)) }

    /// Asks the reducer something.
    func ask<Result>(_ question: (Reducer) -> Result) -> Result { reducer.withLock { question($0) } }
}
