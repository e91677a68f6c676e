// SPDX-License-Identifier: MIT

internal import DequeModule

/// What waits for one output: the events for standard output or for the command, the diagnostics for standard error.
///
/// Adding an element never blocks on the reader of the output. If too many elements wait, or they take too much memory,
/// the oldest are dropped, and the consumer is told how many. Closing the outbox drains it: the elements that wait are
/// still consumed.
final class Outbox<Element: Sendable>: Sendable {
    /// The bounds of an outbox.
    struct Limits: Sendable {
        /// The maximum number of elements.
        var count: Int
        /// The maximum memory of the elements in bytes; a single element may take more.
        var bytes: Int
    }

    /// What the consumer has to handle next.
    enum Next: Sendable {
        /// An element.
        case element(Element)
        /// So many elements were dropped here; the newest of them.
        case dropped(count: Int, last: Element)
        /// Nothing: the outbox is closed and empty.
        case end
    }

    private struct State: Sendable {
        var elements: Deque<Element> = []
        /// The memory of the elements in bytes.
        var bytes = 0
        var dropped = 0
        var lastDropped: Element?
        var isClosed = false
    }

    private let limits: Limits
    /// The approximate memory of an element in bytes.
    private let footprint: @Sendable (Element) -> Int
    private let state = Guarded(State())
    private let finished: Flag

    /// An empty outbox. Throws when no descriptor is available.
    init(limits: Limits, footprint: @escaping @Sendable (Element) -> Int) throws(SystemError) {
        self.limits = limits
        self.footprint = footprint
        finished = try Flag()
    }

    /// Adds an element; after ``close()`` it is discarded.
    func put(_ element: Element) {
        let size = footprint(element)
        state.withLock { state in
            guard !state.isClosed else { return }
            while state.elements.count >= limits.count || state.bytes + size > limits.bytes,
                let oldest = state.elements.popFirst()
            {
                state.bytes -= footprint(oldest)
                state.dropped += 1
                state.lastDropped = oldest
            }
            state.elements.append(element)
            state.bytes += size
        }
    }

    /// Removes what is next; waits for it if there is nothing yet.
    func next() -> Next { state.wait { self.take(from: &$0) } ?? .end }

    /// Removes what is next; nil if there is nothing yet.
    func nextWithoutWaiting() -> Next? { state.withLock { take(from: &$0) } }

    private func take(from state: inout State) -> Next? {
        if let last = state.lastDropped.take() {
            defer { state.dropped = 0 }
            return .dropped(count: state.dropped, last: last)
        }
        guard let element = state.elements.popFirst() else { return state.isClosed ? .end : nil }
        state.bytes -= footprint(element)
        return .element(element)
    }

    /// Discards later elements. Those that wait are still consumed.
    func close() { state.withLock { $0.isClosed = true } }

    /// Removes the elements that wait, and closes the outbox. Returns how many there were.
    func discard() -> Int {
        state.withLock { state in
            defer { state = State(isClosed: true) }
            return state.elements.count + state.dropped
        }
    }

    /// Closes the outbox, and records that its consumer has ended.
    func finish() {
        close()
        finished.raise()
    }

    /// A descriptor that is readable once the consumer has ended.
    var finishedDescriptor: CInt { finished.descriptor }
}
