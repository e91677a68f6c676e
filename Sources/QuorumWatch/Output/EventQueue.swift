// SPDX-License-Identifier: MIT

/// What waits to be written: events, and diagnostics for standard error, in order.
///
/// Putting something in never waits for whoever reads the output. When too many events wait, the oldest go, and one
/// `dropped` event stands in their place.
final class EventQueue: Sendable {
    /// Something to write.
    enum Item: Sendable {
        case event(Event)
        case diagnostic(String)
        /// There is no answer for who prints a line in any case, and why.
        case unknown(String)
    }

    private struct State: Sendable {
        var items: [Item] = []
        var head = 0
        var dropped = 0
        var lastDropped: Event?
        var isClosed = false
        /// Whether what was taken last may not be written yet.
        var isTaken = false
        var printAtOnce: (@Sendable (Event) -> Bool)?
        var startTaking: (@Sendable () -> Void)?

        var count: Int { items.count - head }

        mutating func popFirst() -> Item? {
            guard head < items.count else { return nil }
            defer {
                head += 1
                // Forget what was taken, but not at every step: that would move the rest each time.
                if head == items.count {
                    items.removeAll(keepingCapacity: head < 1024)
                    head = 0
                } else if head >= 1024, head * 2 >= items.count {
                    items.removeFirst(head)
                    head = 0
                }
            }
            return items[head]
        }
    }

    private let capacity: Int
    private let state = Guarded(State())
    private let drainedFlag = Flag()

    /// A queue in which at most `capacity` events wait.
    init(capacity: Int = 10_000) { self.capacity = capacity }

    /// Whom to give an event that nothing else is before, instead of making it wait; false: it has to wait after all.
    ///
    /// It is called by the thread that has the event, which it must not make wait, and never while something that was
    /// taken is being written.
    func deliver(atOnce print: @escaping @Sendable (Event) -> Bool) { state.withLock { $0.printAtOnce = print } }

    /// Whom to start when something has to wait for the first time: the thread that takes it. If nothing ever has to, there
    /// is no such thread.
    func whenNeeded(start: @escaping @Sendable () -> Void) { state.withLock { $0.startTaking = start } }

    /// Puts something at the end. What comes after ``close()`` is lost.
    func put(_ item: Item) {
        state.wakingIfNeeded { state in
            guard !state.isClosed else { return false }
            if case .event(let event) = item, state.count == 0, !state.isTaken, state.lastDropped == nil,
                state.printAtOnce?(event) == true
            {
                return false
            }
            if state.count >= capacity {
                switch state.popFirst() {
                case .event(let event):
                    state.dropped += 1
                    state.lastDropped = event
                case .diagnostic, .unknown, nil: break
                }
            }
            state.items.append(item)
            state.startTaking?()
            state.startTaking = nil
            return true
        }
    }

    /// Waits until as many events can be put in as come at once without one being dropped, or the queue is closed.
    func waitForRoom() {
        var hasRoom = true
        // Whoever waits does not wait for this, and need not be woken.
        state.wakingIfNeeded { state in
            hasRoom = state.count <= capacity / 2 || state.isClosed
            return false
        }
        if !hasRoom { state.wait { $0.count <= capacity / 2 || $0.isClosed ? () : nil } }
    }

    /// Waits for the next thing to write, what was taken before being written; nil once the queue is closed and empty.
    func next() -> Item? {
        state.wait { state -> Item?? in
            state.isTaken = state.lastDropped != nil || state.count > 0
            if let event = state.lastDropped {
                defer { (state.dropped, state.lastDropped) = (0, nil) }
                var marker = event
                marker.body = .dropped(count: state.dropped)
                return .some(.event(marker))
            }
            if let item = state.popFirst() { return .some(item) }
            return state.isClosed ? .some(nil) : nil
        } ?? nil
    }

    /// How much waits.
    var count: Int { state.withLock { $0.count } }

    /// Forgets what waits, and takes nothing more; returns how much was forgotten.
    func discard() -> Int {
        state.withLock { state in
            defer { (state.items, state.head, state.isClosed) = ([], 0, true) }
            return state.count
        }
    }

    /// Takes nothing more; what is in is still written.
    func close() {
        // Where nothing ever had to wait there is no thread to say so.
        let isDrained = state.withLock { state in
            state.isClosed = true
            defer { state.startTaking = nil }
            return state.startTaking != nil
        }
        if isDrained { drainedFlag.raise() }
    }

    /// Says that everything is written, or never will be.
    func drained() {
        close()
        drainedFlag.raise()
    }

    /// Readable once everything is written, or never will be.
    var drainedDescriptor: CInt { drainedFlag.descriptor }
}
