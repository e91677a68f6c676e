// SPDX-License-Identifier: MIT

internal import Glibc

extension VoteQuorum {
    /// The notifications of votequorum as an asynchronous sequence.
    ///
    /// ```swift
    /// for try await element in VoteQuorum.Notifications() {
    ///     print(element)
    /// }
    /// ```
    ///
    /// Each iteration is a connection of its own, which is opened, dispatched and closed by a thread of its own, since
    /// the calls of the library block. It begins with the first call of `next()`.
    ///
    /// The thread takes notifications off corosync whether they are read or not, since corosync would keep them in its
    /// own memory without a limit. As many as the `limit` are queued here. When there are more, the oldest are dropped,
    /// and a ``FollowedElement/dropped(_:)`` in their place says how many. The latest are never dropped, and the last
    /// quorum notification says how the cluster is now.
    ///
    /// The sequence ends with an error when the connection cannot be made or is lost; what was queued before is read
    /// first. While corosync is busy (``CorosyncError/isTransient``), requests are made again after a pause. To connect
    /// again after an error, iterate again.
    ///
    /// When the task is cancelled, or the iterator goes out of scope, the sequence ends without an error and the
    /// connection is interrupted. A corosync that hangs can hold the thread for as long as it hangs, but nobody waits
    /// for it.
    public struct Notifications<Output: Sendable>: AsyncSequence, Sendable {
        /// A notification, or a number of dropped ones.
        public typealias Element = FollowedElement<Output>
        /// Why the sequence ends before the task is cancelled.
        public typealias Failure = NotificationsError

        private let flags: VoteQuorum.TrackFlags
        private let limit: Int
        private let read: @Sendable (VoteQuorum.Notification, borrowing VoteQuorum) throws(CorosyncError) -> Output

        /// Notifications with what `read` makes of them on the thread that dispatches.
        ///
        /// This is the place for requests that belong to a notification, such as ``VoteQuorum/info(of:)``: when the
        /// notification is read from the sequence, the next change may have begun.
        ///
        /// - Parameters:
        ///   - flags: What to track (votequorum_trackstart(3)).
        ///   - limit: How many elements are queued, at least 1.
        ///   - read: Called for every notification, with the connection. While it runs, nothing is taken off corosync:
        ///     it should do nothing but make requests. It is called again after a pause when it throws a transient
        ///     error, and ends the sequence with any other.
        public init(
            _ flags: VoteQuorum.TrackFlags = .changes, limit: Int = 1000,
            read: @escaping @Sendable (VoteQuorum.Notification, borrowing VoteQuorum) throws(CorosyncError) -> Output
        ) {
            precondition(limit > 0, "a limit of notifications has to be at least 1")
            self.flags = flags
            self.limit = limit
            self.read = read
        }

        /// Starts an iteration.
        public func makeAsyncIterator() -> Iterator { Iterator(self) }
    }
}

extension VoteQuorum.Notifications where Output == VoteQuorum.Notification {
    /// Notifications as votequorum sends them.
    ///
    /// - Parameters:
    ///   - flags: What to track (votequorum_trackstart(3)).
    ///   - limit: How many elements are queued, at least 1.
    public init(_ flags: VoteQuorum.TrackFlags = .changes, limit: Int = 1000) {
        self.init(flags, limit: limit) { notification, _ in notification }
    }
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

extension VoteQuorum.Notifications {
    /// Reads notifications, one after the other, from one task at a time.
    public struct Iterator: AsyncIteratorProtocol {
        private let notifications: VoteQuorum.Notifications<Output>
        private var reading: Reading?

        fileprivate init(_ notifications: VoteQuorum.Notifications<Output>) { self.notifications = notifications }

        /// Waits for the next notification; nil once the task is cancelled, and after an error.
        ///
        /// Throws ``NotificationsError/corosync(_:)`` when the connection cannot be made or is lost, and
        /// ``NotificationsError/noThread(errorNumber:)`` when no thread can be started.
        public mutating func next() async throws(NotificationsError) -> Element? {
            try await next(isolation: nil)
        }

        /// Waits for the next notification; nil once the task is cancelled, and after an error.
        ///
        /// Throws the same as ``next()``.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(NotificationsError) -> Element? {
            let reading = self.reading ?? Reading(Feed(limit: notifications.limit))
            if self.reading == nil {
                self.reading = reading
                notifications.start(reading.feed)
            }
            return try await reading.feed.next()
        }

        /// Cancels when the last copy of the iterator is gone. The thread holds only the feed.
        private final class Reading: Sendable {
            let feed: Feed<Output>
            init(_ feed: Feed<Output>) { self.feed = feed }
            deinit { feed.cancel() }
        }
    }

    private func start(_ feed: Feed<Output>) {
        let error = startThread {
            do throws(CorosyncError) {
                try follow(feed)
                feed.finish(nil)
            } catch {
                feed.finish(.corosync(error))
            }
        }
        if error != 0 { feed.finish(.noThread(errorNumber: error)) }
    }

    private func follow(_ feed: Feed<Output>) throws(CorosyncError) {
        let quorum = try persist(feed) { () throws(CorosyncError) in try VoteQuorum() }
        guard feed.connected(quorum.interrupter) else { return }
        try persist(feed) { () throws(CorosyncError) in try quorum.startTracking(flags) }
        try quorum.dispatch(.blocking) { notification throws(CorosyncError) in
            feed.put(try persist(feed) { () throws(CorosyncError) in try read(notification, quorum) })
        }
    }
}

/// Makes a request again, after a pause that grows, while corosync is busy and somebody reads.
private func persist<Answer: ~Copyable, Output>(
    _ feed: Feed<Output>, _ request: () throws(CorosyncError) -> Answer
) throws(CorosyncError) -> Answer {
    var pause: useconds_t = 1000
    while true {
        do {
            return try request()
        } catch  where error.isTransient && !feed.isCancelled {
            usleep(pause)
            pause = min(pause * 2, 250_000)
        }
    }
}
