// SPDX-License-Identifier: MIT

internal import DequeModule
internal import Synchronization

/// The queue between a thread that dispatches and the task that reads its notifications.
///
/// The thread never waits: when the queue is full, the oldest element is dropped and counted.
final class Feed<Output: Sendable, ReadFailure: Error>: Sendable {
    typealias Element = FollowedElement<Output>
    typealias Failure = NotificationsError<ReadFailure>

    private enum End {
        case failed(Failure)
        case cancelled
    }

    private struct State: ~Copyable {
        var queue: Deque<Output> = []
        var dropped = 0
        var end: End?
        var interrupter: Interrupter?
        var reader: CheckedContinuation<Result<Element?, Failure>, Never>?

        /// What the reader gets next; nil when it has to wait.
        mutating func next() -> Result<Element?, Failure>? {
            if dropped > 0 {
                defer { dropped = 0 }
                return .success(.dropped(dropped))
            }
            if let output = queue.popFirst() { return .success(.received(output)) }
            guard let end else { return nil }
            // An error is thrown once, and the end is for good.
            self.end = .cancelled
            if case .failed(let error) = end { return .failure(error) }
            return .success(nil)
        }

        /// The reader that waits, and what it gets; nil when none waits.
        mutating func wake() -> (() -> Void)? {
            guard let reader, let next = next() else { return nil }
            self.reader = nil
            return { reader.resume(returning: next) }
        }
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    // MARK: The thread

    /// Whether nobody reads any more.
    var isCancelled: Bool { state.withLock { if case .cancelled = $0.end { true } else { false } } }

    /// Lets the reader's end interrupt the connection. Returns false if it has come before.
    func connected(_ interrupter: Interrupter) -> Bool {
        state.withLock {
            $0.interrupter = interrupter
            return $0.end == nil
        }
    }

    /// Adds an element.
    func put(_ output: Output) {
        update { state in
            guard state.end == nil else { return }
            if state.queue.count == limit {
                state.queue.removeFirst()
                state.dropped += 1
            }
            state.queue.append(output)
        }
    }

    /// Ends the sequence with an error, behind what is queued; without one as if it was cancelled.
    func finish(_ error: Failure?) {
        update { $0.end = $0.end ?? error.map(End.failed) ?? .cancelled }
    }

    // MARK: The reader

    /// The next element, nil at the end.
    func next() async throws(Failure) -> Element? {
        try await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                let next = state.withLock { state in
                    precondition(state.reader == nil, "two tasks read the same notifications")
                    let next = state.next()
                    if next == nil { state.reader = reader }
                    return next
                }
                if let next { reader.resume(returning: next) }
            }
        } onCancel: {
            cancel()
        }.get()
    }

    /// Ends the sequence and the connection.
    func cancel() {
        let interrupter = update { state in
            state.queue = []
            state.dropped = 0
            state.end = .cancelled
            return state.interrupter
        }
        interrupter?.interrupt()
    }

    /// Changes the state, and wakes the reader if there is something for it then.
    private func update<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        let (result, resume) = state.withLock { (body(&$0), $0.wake()) }
        resume?()
        return result
    }
}
