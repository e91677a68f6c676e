// SPDX-License-Identifier: MIT

internal import Glibc

/// A connection that can be followed.
protocol Followable: ~Copyable {
    associatedtype Notification
    var fileDescriptor: CInt { get }
    var interrupter: Interrupter { get }
    func dispatch<Failure: Error>(
        _ mode: DispatchMode, _ handler: (Notification) throws(Failure) -> Void
    ) throws(DispatchError<Failure>)
}

extension VoteQuorum: Followable {}

extension ConfigurationMap: Followable {
    typealias Notification = Change
}

extension VoteQuorum {
    /// Notifications as votequorum sends them (votequorum_trackstart(3)).
    ///
    /// - Parameters:
    ///   - flags: What to track.
    ///   - limit: How many elements are queued, at least 1.
    /// - Returns: The sequence. It connects at each iteration.
    public static func notifications(
        _ flags: TrackFlags = .changes, limit: Int = 1000
    ) -> Notifications<Notification, Never> {
        notifications(flags, limit: limit) { notification, _ throws(Never) in notification! }
    }

    /// Notifications of votequorum with what `read` makes of them on the thread that dispatches.
    ///
    /// This is the place for requests that belong to a notification, such as ``VoteQuorum/info(of:)``: when the
    /// notification is read from the sequence, the next change may have begun. Some changes come without a notification:
    /// votes that change without changing whether the cluster is quorate, and what a quorum device does. With an
    /// `interval`, `read` is called for these as well.
    ///
    /// - Parameters:
    ///   - flags: What to track (votequorum_trackstart(3)).
    ///   - interval: How often to call `read` without a notification, longer than zero; nil for never.
    ///   - limit: How many elements are queued, at least 1.
    ///   - read: Called for every notification, with the connection; with nil when the interval has passed. While it
    ///     runs, nothing is taken off corosync: it should do nothing but make requests. It is called again after a pause
    ///     when it throws a transient error of corosync, and ends the sequence with any other.
    /// - Returns: The sequence of what `read` returns. It connects at each iteration.
    public static func notifications<Output, ReadFailure>(
        _ flags: TrackFlags = .changes, every interval: Duration? = nil, limit: Int = 1000,
        read: @escaping @Sendable (Notification?, borrowing VoteQuorum) throws(ReadFailure) -> Output
    ) -> Notifications<Output, ReadFailure> {
        Notifications(limit: limit) { feed throws(NotificationsError<ReadFailure>) in
            try follow(
                feed, every: interval, connect: { () throws(CorosyncError) in try VoteQuorum() },
                track: { quorum throws(CorosyncError) in
                    try persist(feed) { () throws(CorosyncError) in try quorum.startTracking(flags) }
                },
                read: read)
        }
    }
}

extension ConfigurationMap {
    /// Changes of keys as corosync sends them (cmap_track_add(3)).
    ///
    /// ```swift
    /// for try await element in ConfigurationMap.changes(of: ["nodelist.": [.add, .modify, .delete, .prefix]]) {
    ///     print(element)
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - keys: The keys to track, or with ``TrackKinds/prefix`` their prefixes, each with the kinds of changes.
    ///   - kind: The map.
    ///   - limit: How many elements are queued, at least 1.
    /// - Returns: The sequence. It connects at each iteration.
    public static func changes(
        of keys: [String: TrackKinds], in kind: Kind = .configuration, limit: Int = 1000
    ) -> Notifications<Change, Never> {
        changes(of: keys, in: kind, limit: limit) { change, _ throws(Never) in change! }
    }

    /// Changes of keys with what `read` makes of them on the thread that dispatches.
    ///
    /// - Parameters:
    ///   - keys: The keys to track, or with ``TrackKinds/prefix`` their prefixes, each with the kinds of changes.
    ///   - kind: The map.
    ///   - interval: How often to call `read` without a change, longer than zero; nil for never.
    ///   - limit: How many elements are queued, at least 1.
    ///   - read: Called for every change, with the connection; with nil when the interval has passed. While it runs,
    ///     nothing is taken off corosync: it should do nothing but make requests. It is called again after a pause when
    ///     it throws a transient error of corosync, and ends the sequence with any other.
    /// - Returns: The sequence of what `read` returns. It connects at each iteration.
    public static func changes<Output, ReadFailure>(
        of keys: [String: TrackKinds], in kind: Kind = .configuration, every interval: Duration? = nil,
        limit: Int = 1000,
        read: @escaping @Sendable (Change?, borrowing ConfigurationMap) throws(ReadFailure) -> Output
    ) -> Notifications<Output, ReadFailure> {
        Notifications(limit: limit) { feed throws(NotificationsError<ReadFailure>) in
            try follow(
                feed, every: interval, connect: { () throws(CorosyncError) in try ConfigurationMap(kind) },
                track: { map throws(CorosyncError) in
                    for (key, kinds) in keys {
                        _ = try persist(feed) { () throws(CorosyncError) in try map.startTracking(key, for: kinds) }
                    }
                },
                read: read)
        }
    }
}

/// Connects, and feeds what `read` makes of each notification, until that fails or nobody reads any more.
private func follow<Connection: Followable & ~Copyable, Output, ReadFailure>(
    _ feed: Feed<Output, ReadFailure>, every interval: Duration?,
    connect: () throws(CorosyncError) -> Connection,
    track: (borrowing Connection) throws(CorosyncError) -> Void,
    read: (Connection.Notification?, borrowing Connection) throws(ReadFailure) -> Output
) throws(NotificationsError<ReadFailure>) {
    do throws(DispatchError<ReadFailure>) {
        let connection: Connection
        do throws(CorosyncError) {
            defer { Connecting.ended() }
            connection = try persist(feed, connect)
        } catch {
            throw .corosync(error)
        }
        guard feed.connected(connection.interrupter) else { return }
        do throws(CorosyncError) { try track(connection) } catch { throw .corosync(error) }
        func put(_ notification: Connection.Notification?) throws(ReadFailure) {
            feed.put(try persist(feed) { () throws(ReadFailure) in try read(notification, connection) })
        }
        guard let interval else {
            return try connection.dispatch(.blocking) { notification throws(ReadFailure) in try put(notification) }
        }
        precondition(interval > .zero, "an interval has to be longer than zero")
        var next = ContinuousClock.now + interval
        while true {
            var wait = pollfd(fd: connection.fileDescriptor, events: Int16(POLLIN), revents: 0)
            let rest = (next - .now) / .milliseconds(1)
            poll(&wait, 1, CInt(max(0, min(rest.rounded(.up), 1e9))))
            try connection.dispatch(.all) { notification throws(ReadFailure) in try put(notification) }
            guard next <= .now else { continue }
            do throws(ReadFailure) { try put(nil) } catch { throw .handler(error) }
            next = .now + interval
        }
    } catch {
        switch error {
        case .corosync(let error): throw .corosync(error)
        case .handler(let error): throw .read(error)
        }
    }
}

/// Makes a request again, after a pause that grows, while corosync is busy and somebody reads.
private func persist<Answer: ~Copyable, Output, ReadFailure, Failure: Error>(
    _ feed: Feed<Output, ReadFailure>, _ request: () throws(Failure) -> Answer
) throws(Failure) -> Answer {
    var pause: useconds_t = 1000
    while true {
        do throws(Failure) {
            return try request()
        } catch {
            guard isTransient(error), !feed.isCancelled else { throw error }
            usleep(pause)
            pause = min(pause * 2, 250_000)
        }
    }
}

/// Whether an error is a transient one of corosync.
private func isTransient(_ error: any Error) -> Bool {
    switch error {
    case let error as CorosyncError: error.isTransient
    case ConfigurationMap.ReadError.corosync(let error): error.isTransient
    default: false
    }
}
