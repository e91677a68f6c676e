// SPDX-License-Identifier: MIT

/// The latest value of a series. Readers that are slow skip intermediate values.
final class LatestValue<Value: Sendable>: Sendable {
    private struct State: Sendable {
        var value: Value
        var version = 0
        var isClosed = false
    }

    private let state: Guarded<State>
    /// Raised with every newer value.
    let changed: Flag?

    init(_ value: Value, changed: Flag? = nil) {
        state = Guarded(State(value: value))
        self.changed = changed
    }

    /// The latest value.
    var value: Value { latest.value }

    /// The latest value, and how many values there were before it.
    var latest: (value: Value, version: Int) { state.withLock { ($0.value, $0.version) } }

    /// Replaces the value. Never blocks on readers.
    func put(_ value: Value) {
        state.withLock { state in
            state.value = value
            state.version += 1
        }
        changed?.raise()
    }

    /// Changes the value. Readers see a newer version if `change` returns true. Never blocks on readers. Returns false
    /// once the series has ended.
    @discardableResult
    func update(_ change: (inout Value) -> Bool) -> Bool {
        var isOpen = false
        state.wakingIfNeeded { state in
            isOpen = !state.isClosed
            let isNewer = change(&state.value)
            if isNewer { state.version += 1 }
            return isNewer
        }
        return isOpen
    }

    /// Ends the series.
    func close() { state.withLock { $0.isClosed = true } }

    /// Waits for a newer version than `version`, or until a deadline, and sets `version` to the latest. Returns the latest
    /// value; nil once the series has ended.
    func next(after version: inout Int, until deadline: Instant? = nil) -> Value? {
        _ = state.wait(until: deadline) { $0.isClosed || $0.version != version ? () : nil }
        return state.withLock { state in
            version = state.version
            return state.isClosed ? nil : state.value
        }
    }

    /// Waits until a deadline. Returns true if the series ends before.
    func waitForEnd(until deadline: Instant) -> Bool {
        state.wait(until: deadline) { $0.isClosed ? true : nil } ?? false
    }
}
