// SPDX-License-Identifier: MIT

internal import CCorosync

extension VoteQuorum {
    /// Starts notifications (votequorum_trackstart(3)).
    ///
    /// With ``TrackFlags/current`` or ``TrackFlags/changes``, a nodelist and then a quorum notification are queued
    /// before this returns. Expected votes are never sent at the start.
    ///
    /// Throws `CS_ERR_EXIST` when tracking was started before; a snapshot that was asked for is queued all the same.
    /// Throws `CS_ERR_INVALID_PARAM` for flags that track nothing.
    public func startTracking(_ flags: TrackFlags) throws(CorosyncError) {
        guard !flags.isDisjoint(with: [.current, .changes, .changesOnly]) else {
            throw CorosyncError(code: .invalidParameter, operation: .votequorumTrackstart)
        }
        try interrupter.check(.votequorumTrackstart, votequorum_trackstart(handle, 0, flags.rawValue))
    }

    /// Stops notifications (votequorum_trackstop(3)).
    ///
    /// Throws `CS_ERR_NOT_EXIST` when tracking was not started.
    public func stopTracking() throws(CorosyncError) {
        try interrupter.check(.votequorumTrackstop, votequorum_trackstop(handle))
    }

    /// Takes notifications off corosync and hands each to `handler`, on the caller's thread and in the order in which
    /// corosync sent them (votequorum_dispatch(3)).
    ///
    /// `handler` may make requests and dispatch on the same connection. Take notifications promptly: those that are not
    /// taken wait in shared memory and then, without a limit, in corosync's own. The library puts 1 MiB on the stack.
    ///
    /// When `handler` throws, this throws the same error and does not call `handler` again:
    ///
    /// - With ``DispatchMode/one`` and ``DispatchMode/oneNonblocking`` what else is queued stays queued.
    /// - With ``DispatchMode/all`` the library cannot be made to stop. What it takes off corosync from then on is kept,
    ///   and handed over at the start of the next dispatch. The descriptor is not readable for it: dispatch again
    ///   before waiting, or give the connection up.
    /// - With ``DispatchMode/blocking`` the connection is ended, since nothing else makes the library return. Every
    ///   later call throws ``CorosyncError/Code/connectionInterrupted``: make a new connection.
    ///
    /// A closure that throws says what it throws, which Swift does not infer:
    ///
    /// ```swift
    /// try quorum.dispatch(.all) { notification throws(CorosyncError) in
    ///     print(notification, try quorum.info().totalVotes)
    /// }
    /// ```
    ///
    /// Throws what `handler` throws, `CS_ERR_TRY_AGAIN` with ``DispatchMode/oneNonblocking`` and nothing queued, and
    /// `CS_ERR_LIBRARY` when the connection is lost.
    public func dispatch(
        _ mode: DispatchMode, _ handler: (VoteQuorum.Notification) throws(CorosyncError) -> Void
    ) throws(CorosyncError) {
        do throws(DispatchError<CorosyncError>) {
            try deliver(mode, to: handler)
        } catch {
            throw error.either
        }
    }

    /// Takes notifications off corosync and hands each to `handler`, which may throw errors of any type
    /// (votequorum_dispatch(3)).
    ///
    /// The same as the dispatch whose handler throws `CorosyncError`, with an error that tells one from the other.
    ///
    /// Throws ``DispatchError/handler(_:)`` with what `handler` throws, and ``DispatchError/corosync(_:)`` for an error
    /// of the library.
    public func dispatch<Failure: Error>(
        _ mode: DispatchMode, _ handler: (VoteQuorum.Notification) throws(Failure) -> Void
    ) throws(DispatchError<Failure>) {
        try deliver(mode, to: handler)
    }

    private func deliver<Failure: Error>(
        _ mode: DispatchMode, to handler: (VoteQuorum.Notification) throws(Failure) -> Void
    ) throws(DispatchError<Failure>) {
        try delivery.dispatch(mode, .votequorumDispatch, interrupter: interrupter, to: handler) { sink in
            var outer: UnsafeMutableRawPointer?
            let got = votequorum_context_get(handle, &outer)
            guard got == CS_OK else { return (.votequorumContextGet, got) }
            let set = votequorum_context_set(handle, UnsafeMutableRawPointer(mutating: sink))
            guard set == CS_OK else { return (.votequorumContextSet, set) }
            let dispatched = votequorum_dispatch(handle, mode.cValue)
            let reset = votequorum_context_set(handle, outer)
            return dispatched == CS_OK && reset != CS_OK
                ? (.votequorumContextSet, reset) : (.votequorumDispatch, dispatched)
        }
    }
}

/// The functions that the library calls, one for each kind of notification.
let votequorumCallbacks = votequorum_callbacks_t(
    votequorum_quorum_notify_fn: { handle, _, quorate, count, nodes in
        receive(handle, count) {
            .quorum(
                quorate: quorate != 0,
                nodes: UnsafeBufferPointer(start: nodes, count: Int(count)).map {
                    .init(id: NodeID($0.nodeid), state: NodeState(rawValue: $0.state))
                })
        }
    },
    votequorum_expectedvotes_notify_fn: { handle, _, expected in
        receive(handle) { .expectedVotes(expected) }
    },
    votequorum_nodelist_notify_fn: { handle, _, ring, count, nodes in
        receive(handle, count) {
            .nodelist(
                ring: RingID(ring),
                members: UnsafeBufferPointer(start: nodes, count: Int(count)).map(NodeID.init(_:)))
        }
    })

/// The largest number of entries of a list in a notification; corosync 3.1 knows 384 nodes at most.
///
/// Whatever length corosync gives, the copy of such a list ends inside the library's buffer of 1 MiB.
private let maximumListLength = 1 << 16

/// Hands a notification to the dispatch that is under way on this handle.
private func receive(
    _ handle: votequorum_handle_t, _ listLength: UInt32 = 0, _ notification: () -> VoteQuorum.Notification
) {
    var context: UnsafeMutableRawPointer?
    guard listLength <= maximumListLength, votequorum_context_get(handle, &context) == CS_OK, let context else {
        // A notification that cannot be handed over must not go unnoticed: this dispatch finds the connection lost.
        var descriptor: CInt = -1
        if votequorum_fd_get(handle, &descriptor) == CS_OK { shutDown(descriptor) }
        return
    }
    context.assumingMemoryBound(to: Sink<VoteQuorum.Notification>.self).pointee.receive(notification())
}
