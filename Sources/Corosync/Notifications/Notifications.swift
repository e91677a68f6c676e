// SPDX-License-Identifier: MIT

/// Notifications of corosync as an asynchronous sequence: those of votequorum
/// (``VoteQuorum/notifications(_:limit:)``), or changes of a map (``ConfigurationMap/changes(of:in:limit:)``).
///
/// ```swift
/// for try await element in VoteQuorum.notifications() {
///     print(element)
/// }
/// ```
///
/// Each iteration is a connection of its own, which is opened, dispatched and closed by a thread of its own, since the
/// calls of the library block. It begins with the first call of `next()`.
///
/// The thread takes notifications off corosync whether they are read or not, since corosync would keep them in its own
/// memory without a limit. As many as the limit are queued here. When there are more, the oldest are dropped, and a
/// ``FollowedElement/dropped(_:)`` in their place says how many. The latest are never dropped.
///
/// The sequence ends with an error when the connection cannot be made or is lost; what was queued before is read first.
/// While corosync is busy (``CorosyncError/isTransient``), requests are made again after a pause. To connect again after
/// an error, iterate again.
///
/// When the task is cancelled, or the iterator goes out of scope, the sequence ends without an error and the connection
/// is interrupted. A corosync that hangs can hold one thread that connects for as long as it hangs, but nobody waits for
/// it, and no more threads are started for further iterations meanwhile.
public struct Notifications<Output: Sendable, ReadFailure: Error>: AsyncSequence, Sendable {
    /// A notification, or a number of dropped ones.
    public typealias Element = FollowedElement<Output>
    /// Why the sequence ends before the task is cancelled.
    public typealias Failure = NotificationsError<ReadFailure>

    /// How many elements are queued.
    let limit: Int
    /// Connects, and feeds what comes until that fails, on a thread of the library.
    let follow: @Sendable (Feed<Output, ReadFailure>) throws(Failure) -> Void

    init(limit: Int, _ follow: @escaping @Sendable (Feed<Output, ReadFailure>) throws(Failure) -> Void) {
        precondition(limit > 0, "a limit of notifications has to be at least 1")
        self.limit = limit
        self.follow = follow
    }

    /// Starts an iteration.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }
}

/// An element of a sequence that drops the oldest elements when it is read too slowly.
public enum FollowedElement<Output: Sendable>: Sendable {
    /// What the sequence is about.
    case received(Output)
    /// This many elements are missing here.
    case dropped(Int)
}

extension FollowedElement: Equatable where Output: Equatable {}
extension FollowedElement: Hashable where Output: Hashable {}

// MARK: - Iteration

extension Notifications {
    /// Reads notifications, one after the other, from one task at a time.
    public struct Iterator: AsyncIteratorProtocol {
        private let notifications: Notifications
        private var reading: Reading?

        fileprivate init(_ notifications: Notifications) { self.notifications = notifications }

        /// Waits for the next notification; nil once the task is cancelled, and after an error.
        ///
        /// Throws ``NotificationsError/corosync(_:)`` when the connection cannot be made or is lost,
        /// ``NotificationsError/read(_:)`` for an error of the closure that reads, and
        /// ``NotificationsError/noThread(errorNumber:)`` when no thread can be started.
        public mutating func next() async throws(Failure) -> Element? {
            try await next(isolation: nil)
        }

        /// Waits for the next notification; nil once the task is cancelled, and after an error.
        ///
        /// Throws the same as ``next()``.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(Failure) -> Element? {
            if let reading { return try await reading.feed.next() }
            let reading = Reading(Feed(limit: notifications.limit))
            self.reading = reading
            // A task that is cancelled already needs no connection.
            if Task.isCancelled { reading.feed.cancel() } else { notifications.start(reading.feed) }
            return try await reading.feed.next()
        }

        /// Cancels when the last copy of the iterator is gone. The thread holds only the feed.
        private final class Reading: Sendable {
            let feed: Feed<Output, ReadFailure>
            init(_ feed: Feed<Output, ReadFailure>) { self.feed = feed }
            deinit { feed.cancel() }
        }
    }

    private func start(_ feed: Feed<Output, ReadFailure>) {
        Connecting.start(
            .init(
                isCancelled: { feed.isCancelled },
                run: {
                    do throws(Failure) {
                        try follow(feed)
                        feed.finish(nil)
                    } catch {
                        feed.finish(error)
                    }
                },
                fail: { feed.finish(.noThread(errorNumber: $0)) }))
    }
}
