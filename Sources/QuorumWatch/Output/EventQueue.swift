// SPDX-License-Identifier: MIT

internal import DequeModule

/// The queue of events for one output. It also computes what changed since the last event that the output received.
///
/// Adding an event never blocks on the reader of the output. When the queue has too many events, or they take too much
/// memory, the oldest are dropped and replaced by one `dropped` event.
final class EventQueue: Sendable {
    /// The limits of a queue.
    struct Limits: Sendable {
        /// The maximum number of events.
        var events: Int
        /// The maximum memory of the events in bytes; a single event may take more.
        var bytes: Int

        static let standardOutput = Limits(events: 10_000, bytes: 32 << 20)
        static let command = Limits(events: 100_000, bytes: 64 << 20)
    }

    /// An event on its way to the output.
    struct Item: Sendable {
        /// The event.
        let event: Event
        /// The changes since the last state that the output received.
        let changes: [Change]
        /// The members for which the answer to "does quorum survive its loss?" has changed.
        let ifDownChanges: [Node]
    }

    /// The next thing to write.
    enum Next: Sendable {
        /// An event.
        case event(Item)
        /// The watch ends without a status, for this reason.
        case noAnswer(reason: String)
        /// Nothing: the queue is closed and empty.
        case end
    }

    private struct State: Sendable {
        var events: Deque<Event> = []
        /// The memory of the events in bytes.
        var bytes = 0
        var dropped = 0
        var lastDropped: Event?
        var tracker = ChangeTracker()
        var hasFirstState = false
        var isClosed = false
        /// Why the watch ends without a status; to be written after the events.
        var noAnswer: String?
        /// Whether the event that ``EventQueue/next()`` returned last may still be being written.
        var isWriting = false
        /// Whether the last wait for room timed out.
        var isStalled = false
        var writeNow: (@Sendable (Item) -> Bool)?
        var startConsumer: (@Sendable () -> Bool)?

        mutating func removeFirst() -> Event? {
            guard let event = events.popFirst() else { return nil }
            bytes -= event.footprint
            return event
        }
    }

    private let kinds: Set<EventKind>
    private let limits: Limits
    private let state = Guarded(State())
    private let drainedFlag: Flag

    /// A queue for events of these kinds. Throws when no descriptor is available.
    init(kinds: Set<EventKind> = Set(EventKind.allCases), limits: Limits = .standardOutput) throws(SystemError) {
        self.kinds = kinds
        self.limits = limits
        drainedFlag = try Flag()
    }

    /// Sets the fast path, called when the queue is empty; it returns false if the event has to be queued.
    ///
    /// It runs in the thread that adds the event, so it must not block. It never runs while the consumer writes an
    /// event.
    func onEmpty(writeNow: @escaping @Sendable (Item) -> Bool) { state.withLock { $0.writeNow = writeNow } }

    /// Sets a callback that starts the consumer when the first event is queued. It returns false if the start failed.
    func onFirstQueued(start: @escaping @Sendable () -> Bool) { state.withLock { $0.startConsumer = start } }

    /// Starts the consumer if it has not been started. If the start fails, closes the queue, since nothing would be
    /// written.
    private func startConsumer(_ state: inout State) {
        defer { state.startConsumer = nil }
        guard state.startConsumer?() == false else { return }
        state.isClosed = true
        drainedFlag.raise()
    }

    /// Sets the state from which the first changes are computed, when no status is printed.
    func begin(with state: ClusterState) {
        self.state.withLock { queue in
            queue.hasFirstState = true
            queue.tracker.begin(with: state)
        }
    }

    /// Adds an event, if it is of the kinds of this queue. After ``close(noAnswer:)`` events are discarded.
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
                guard let item = state.tracker.item(for: event), !writeNow(item) else { return false }
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

    /// Waits until the queue is at most half full, for `limit` at most. After a wait that timed out, further calls
    /// return at once until there is room again.
    func waitForRoom(atMost limit: Duration) {
        let hasRoom = { [limits] (state: inout State) -> Void? in
            guard state.events.count <= limits.events / 2, state.bytes <= limits.bytes / 2 else {
                return state.isClosed || state.isStalled ? () : nil
            }
            state.isStalled = false
            return ()
        }
        var mayGoOn = false
        // Check without waking the waiters first: nothing changes that they wait for.
        state.wakingIfNeeded { state in
            mayGoOn = hasRoom(&state) != nil
            return false
        }
        guard !mayGoOn, state.wait(until: .now + limit, for: hasRoom) == nil else { return }
        state.withLock { $0.isStalled = true }
    }

    /// Waits for the next item. The consumer calls it when it has written the previous one.
    func next() -> Next {
        state.wait { state in
            state.isWriting = false
            if let last = state.lastDropped {
                var marker = last
                marker.body = .dropped(count: state.dropped)
                (state.dropped, state.lastDropped) = (0, nil)
                state.isWriting = true
                return .event(Item(event: marker, changes: [], ifDownChanges: []))
            }
            while let event = state.removeFirst() {
                guard let item = state.tracker.item(for: event) else { continue }
                state.isWriting = true
                return .event(item)
            }
            guard let reason = state.noAnswer else { return state.isClosed ? .end : nil }
            state.noAnswer = nil
            return .noAnswer(reason: reason)
        } ?? .end
    }

    /// Drops all queued events and closes the queue. Returns how many events were dropped.
    func discard() -> Int {
        state.withLock { state in
            defer { (state.events, state.bytes, state.isClosed) = ([], 0, true) }
            return state.events.count
        }
    }

    /// Closes the queue. The queued events are still written, and then the reason, if the watch ends without a status.
    func close(noAnswer reason: String? = nil) {
        state.withLock { state in
            state.isClosed = true
            state.noAnswer = reason
            if reason != nil {
                startConsumer(&state)
            } else if state.startConsumer != nil {
                // Nothing was ever queued, so there is no consumer that would raise it.
                drainedFlag.raise()
            }
        }
    }

    /// Closes the queue, and records that no more events will be written.
    func drained() {
        close()
        drainedFlag.raise()
    }

    /// A descriptor that is readable once no more events will be written.
    var drainedDescriptor: CInt { drainedFlag.descriptor }
}

extension ChangeTracker {
    /// Records that the output receives an event, and returns it with its changes; nil for an `info` event without
    /// changes, which is not shown.
    mutating func item(for event: Event) -> EventQueue.Item? {
        let isFirst = !hasState
        let losses = ifDownChanges(in: event)
        let changes = changes(in: event)
        if changes.isEmpty, !isFirst, case .info = event.body { return nil }
        return EventQueue.Item(event: event, changes: changes, ifDownChanges: losses)
    }
}
