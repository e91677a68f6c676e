// SPDX-License-Identifier: MIT

internal import DequeModule

/// The events that wait for one output, in order, and what changed since the last one that the output was given.
///
/// Adding an event never waits for the reader of the output. When too many events wait, or they take too much memory,
/// the oldest are dropped, and one `dropped` event stands in their place.
final class EventQueue: Sendable {
    /// How much may wait.
    struct Limits: Sendable {
        /// Events at most.
        var events: Int
        /// Bytes of memory at most; a single event may take more.
        var bytes: Int

        static let standardOutput = Limits(events: 10_000, bytes: 32 << 20)
        static let command = Limits(events: 100_000, bytes: 64 << 20)
    }

    /// An event on its way to the output.
    struct Item: Sendable {
        /// The event.
        let event: Event
        /// What changed since the last state that the output was given.
        let changes: [Change]
        /// The members for which it has changed whether quorum survives their loss.
        let turnedLosses: [Node]
    }

    /// The next thing to write.
    enum Next: Sendable {
        /// An event.
        case event(Item)
        /// That there is no answer, and why.
        case noAnswer(reason: String)
        /// Nothing: the queue is closed and empty.
        case end
    }

    private struct State: Sendable {
        var events: Deque<Event> = []
        /// The memory that the events take.
        var bytes = 0
        var dropped = 0
        var lastDropped: Event?
        var tracker = ChangeTracker()
        var hasFirstState = false
        var isClosed = false
        /// Why there is no answer, to be written after the events.
        var noAnswer: String?
        /// Whether the last event that was taken may not be written yet.
        var isWriting = false
        /// Whether the last wait for room ended without any.
        var isStalled = false
        var writeNow: (@Sendable (Item) -> Bool)?
        var startConsumer: (@Sendable () -> Bool)?

        mutating func removeFirst() -> Event? {
            guard let event = events.popFirst() else { return nil }
            bytes -= event.footprint
            return event
        }

        /// The event with its changes; nil for an `info` event that tells the output nothing new.
        mutating func item(for event: Event) -> Item? {
            let isFirst = !tracker.hasState
            let losses = tracker.turnedLosses(in: event)
            let changes = tracker.changes(in: event)
            if changes.isEmpty, !isFirst, case .info = event.body { return nil }
            return Item(event: event, changes: changes, turnedLosses: losses)
        }
    }

    private let kinds: Set<EventKind>
    private let limits: Limits
    private let state = Guarded(State())
    private let drainedFlag: Flag

    /// A queue that takes events of these kinds. Throws when there is no descriptor to be had.
    init(kinds: Set<EventKind> = Set(EventKind.allCases), limits: Limits = .standardOutput) throws(SystemError) {
        self.kinds = kinds
        self.limits = limits
        drainedFlag = try Flag()
    }

    /// Sets the fast path, called when the queue is empty; it returns false if the event has to be queued.
    ///
    /// The thread that adds the event calls it, so it must not block; it is never called while an event that was taken
    /// is being written.
    func onEmpty(writeNow: @escaping @Sendable (Item) -> Bool) { state.withLock { $0.writeNow = writeNow } }

    /// Sets how the consumer is started when something has to be queued for the first time; `start` returns whether it was.
    func onFirstQueued(start: @escaping @Sendable () -> Bool) { state.withLock { $0.startConsumer = start } }

    /// Starts the consumer, if it has to be started. Without a consumer, nothing that is queued is ever written.
    private func startConsumer(_ state: inout State) {
        defer { state.startConsumer = nil }
        guard state.startConsumer?() == false else { return }
        state.isClosed = true
        drainedFlag.raise()
    }

    /// Takes the state at the start, from which changes are computed, where no status is printed.
    func begin(with state: ClusterState) {
        self.state.withLock { queue in
            queue.hasFirstState = true
            queue.tracker.begin(with: state)
        }
    }

    /// Adds an event at the end, if it is of the kinds of this queue. After ``close()`` it is lost.
    func put(_ event: Event) {
        state.wakingIfNeeded { state in
            guard !state.isClosed else { return false }
            if let first = event.state, !state.hasFirstState {
                state.hasFirstState = true
                if !kinds.contains(event.kind) { state.tracker.begin(with: first) }
            }
            guard kinds.contains(event.kind) else { return false }
            if state.events.isEmpty, !state.isWriting, state.lastDropped == nil, let writeNow = state.writeNow {
                let tracker = state.tracker
                guard let item = state.item(for: event), !writeNow(item) else { return false }
                state.tracker = tracker
            }
            let size = event.footprint
            while state.events.count >= limits.events || state.bytes + size > limits.bytes,
                let oldest = state.removeFirst()
            {
                state.dropped += 1
                state.lastDropped = oldest
            }
            state.events.append(event)
            state.bytes += size
            startConsumer(&state)
            return true
        }
    }

    /// Waits for room for as many events as come at once, but not longer than `limit`, and not at all after a wait that
    /// ended without room until there is some again.
    func waitForRoom(atMost limit: Duration) {
        let hasRoom = { [limits] (state: inout State) -> Void? in
            guard state.events.count <= limits.events / 2, state.bytes <= limits.bytes / 2 else {
                return state.isClosed || state.isStalled ? () : nil
            }
            state.isStalled = false
            return ()
        }
        var mayGoOn = false
        // The threads that wait here change nothing that another waits for.
        state.wakingIfNeeded { state in
            mayGoOn = hasRoom(&state) != nil
            return false
        }
        guard !mayGoOn, state.wait(until: .now + limit, for: hasRoom) == nil else { return }
        state.withLock { $0.isStalled = true }
    }

    /// Waits for the next event to write, the one before being written.
    func next() -> Next {
        state.wait { state in
            state.isWriting = false
            if let last = state.lastDropped {
                var marker = last
                marker.body = .dropped(count: state.dropped)
                (state.dropped, state.lastDropped) = (0, nil)
                state.isWriting = true
                return .event(Item(event: marker, changes: [], turnedLosses: []))
            }
            while let event = state.removeFirst() {
                guard let item = state.item(for: event) else { continue }
                state.isWriting = true
                return .event(item)
            }
            guard let reason = state.noAnswer else { return state.isClosed ? .end : nil }
            state.noAnswer = nil
            return .noAnswer(reason: reason)
        } ?? .end
    }

    /// Drops what waits and closes the queue; returns how many events were dropped.
    func discard() -> Int {
        state.withLock { state in
            defer { (state.events, state.bytes, state.isClosed) = ([], 0, true) }
            return state.events.count
        }
    }

    /// Closes the queue; what waits is still written, and after it why there is no answer, if there is none.
    func close(noAnswer reason: String? = nil) {
        state.withLock { state in
            state.isClosed = true
            state.noAnswer = reason
            if reason != nil {
                startConsumer(&state)
            } else if state.startConsumer != nil {
                // Nothing had to be queued.
                drainedFlag.raise()
            }
        }
    }

    /// Records that everything is written, or never will be.
    func drained() {
        close()
        drainedFlag.raise()
    }

    /// Readable once everything is written, or never will be.
    var drainedDescriptor: CInt { drainedFlag.descriptor }
}
