// SPDX-License-Identifier: MIT

/// The latest of something, for threads that want to know it and need not see what came before.
final class Latest<Value: Sendable>: Sendable {
    /// What waiting for news came to.
    enum News: Sendable {
        /// This is the latest now.
        case value(Value)
        /// Nothing new came in time.
        case none
        /// The end was said; this is the latest for good.
        case end
    }

    private struct State: Sendable {
        var value: Value
        var version = 0
        var isClosed = false
    }

    private let state: Guarded<State>

    init(_ value: Value) { state = Guarded(State(value: value)) }

    /// What it is now.
    var value: Value { state.withLock { $0.value } }

    /// Replaces it. Never waits for those who read.
    func put(_ value: Value) {
        state.withLock { state in
            state.value = value
            state.version += 1
        }
    }

    /// Says that nothing new will come.
    func close() { state.withLock { $0.isClosed = true } }

    /// Waits until there is something newer than the version that the caller has seen, and takes note of it.
    func next(after version: inout Int, until deadline: Instant? = nil) -> News {
        var seen = version
        defer { version = seen }
        return state.wait(until: deadline) { state in
            if state.isClosed { return .end }
            guard state.version != seen else { return nil }
            seen = state.version
            return .value(state.value)
        } ?? .none
    }

    /// Waits until a deadline; true when the end is said sooner.
    func waitForEnd(until deadline: Instant) -> Bool {
        state.wait(until: deadline) { $0.isClosed ? true : nil } ?? false
    }
}
