// SPDX-License-Identifier: MIT

internal import CCorosync
internal import Glibc

/// One connection to corosync's votequorum service (votequorum_overview(3)).
///
/// The connection is open from `init` until the value goes out of scope. It is used from one thread at a time; only
/// ``hangUp(descriptor:)`` may be called from another. Requests block, without a limit, while corosync does not
/// answer.
///
/// ```swift
/// let quorum = try VoteQuorum()
/// try quorum.trackStart(.changes)
/// try quorum.dispatch(.all) { notification in
///     print(notification)
/// }
/// ```
public struct VoteQuorum: ~Copyable {
    private let handle: votequorum_handle_t

    /// Connects (votequorum_initialize(3)).
    ///
    /// Throws `CS_ERR_LIBRARY` when corosync does not run or its quorum provider is not votequorum, and
    /// `CS_ERR_ACCESS` when this user has no access. `CS_ERR_TRY_AGAIN` means that corosync is busy: try again.
    public init() throws(CorosyncError) {
        var callbacks = votequorum_callbacks_t(
            votequorum_quorum_notify_fn: { handle, _, quorate, count, nodes in
                deliver(to: handle) {
                    .quorum(
                        quorate: quorate != 0,
                        nodes: UnsafeBufferPointer(start: nodes, count: Int(count)).map {
                            .init(id: NodeID($0.nodeid), state: NodeState(rawValue: $0.state))
                        })
                }
            },
            votequorum_expectedvotes_notify_fn: { handle, _, expected in
                deliver(to: handle) { .expectedVotes(expected) }
            },
            votequorum_nodelist_notify_fn: { handle, _, ring, count, nodes in
                deliver(to: handle) {
                    .nodelist(
                        ring: RingID(node: NodeID(ring.nodeid), sequence: ring.seq),
                        members: UnsafeBufferPointer(start: nodes, count: Int(count)).map(NodeID.init(_:)))
                }
            })
        var handle: votequorum_handle_t = 0
        try check(.votequorumInitialize, votequorum_initialize(&handle, &callbacks))
        self.handle = handle
    }

    deinit {
        // The one error it can give, a bad handle, cannot happen: nobody else has the handle.
        _ = votequorum_finalize(handle)
    }

    /// Starts notifications (votequorum_trackstart(3)).
    ///
    /// With ``TrackFlags/current`` or ``TrackFlags/changes``, a nodelist and then a quorum notification are queued
    /// before this returns. Expected votes are never sent at the start.
    ///
    /// Throws `CS_ERR_EXIST` when tracking was started before; a snapshot that was asked for is queued all the same.
    public func trackStart(_ flags: TrackFlags) throws(CorosyncError) {
        try check(.votequorumTrackstart, votequorum_trackstart(handle, 0, flags.rawValue))
    }

    /// Stops notifications (votequorum_trackstop(3)).
    ///
    /// Throws `CS_ERR_NOT_EXIST` when tracking was not started.
    public func trackStop() throws(CorosyncError) {
        try check(.votequorumTrackstop, votequorum_trackstop(handle))
    }

    /// A descriptor to wait on with poll(2): readable when there is something to dispatch, hung up when corosync has
    /// gone (votequorum_fd_get(3)). It belongs to the connection: never read, write or close it.
    public var fileDescriptor: CInt {
        get throws(CorosyncError) {
            var descriptor: CInt = -1
            try check(.votequorumFdGet, votequorum_fd_get(handle, &descriptor))
            return descriptor
        }
    }

    /// Ends a connection from another thread or a signal handler: a ``dispatch(_:_:)`` that waits throws
    /// `CS_ERR_LIBRARY` at once. Nothing else can end it, since the library takes a signal as a reason to wait again.
    /// The connection must not have gone out of scope.
    public static func hangUp(descriptor: CInt) {
        _ = shutdown(descriptor, CInt(SHUT_RDWR))
    }

    /// Takes notifications off corosync and hands each to `handler`, on the caller's thread and in the order in which
    /// corosync sent them (votequorum_dispatch(3)).
    ///
    /// `handler` may make requests on the same connection. Take notifications promptly: those that are not taken wait
    /// in shared memory and then in corosync's own.
    ///
    /// The library puts 1 MiB on the stack.
    ///
    /// Throws `CS_ERR_TRY_AGAIN` with ``DispatchMode/oneNonblocking`` and nothing queued, and `CS_ERR_LIBRARY` when
    /// the connection is lost.
    public func dispatch(
        _ mode: DispatchMode, _ handler: (VoteQuorumNotification) -> Void
    ) throws(CorosyncError) {
        var outer: UnsafeMutableRawPointer?
        try check(.votequorumContextGet, votequorum_context_get(handle, &outer))
        // Callbacks fire only inside dispatch and on this thread, so the handler needs to live no longer than this.
        let result = withoutActuallyEscaping(handler) { handler in
            withUnsafePointer(to: NotificationSink(receive: handler)) { sink in
                let set = votequorum_context_set(handle, UnsafeMutableRawPointer(mutating: sink))
                guard set == CS_OK else { return (CorosyncError.Operation.votequorumContextSet, set) }
                let dispatched = votequorum_dispatch(handle, mode.cValue)
                let reset = votequorum_context_set(handle, outer)
                return dispatched == CS_OK && reset != CS_OK
                    ? (.votequorumContextSet, reset) : (.votequorumDispatch, dispatched)
            }
        }
        try check(result.0, result.1)
    }

    /// What this node knows of a node, and of the whole cluster (votequorum_getinfo(3)); without a node: of itself.
    ///
    /// Throws `CS_ERR_NOT_EXIST` for a node that votequorum has never seen, also when it is configured.
    public func info(of node: NodeID? = nil) throws(CorosyncError) -> NodeInfo {
        var info = votequorum_info()
        let id = (node ?? .quorumDevice).rawValue
        try check(.votequorumGetinfo, votequorum_getinfo(handle, id, &info))
        return NodeInfo(info)
    }

    /// Changes the expected votes of the whole cluster (votequorum_setexpected(3)).
    ///
    /// Throws `CS_ERR_INVALID_PARAM` for fewer than the votes present, or so many that a quorate cluster would not be.
    public func setExpectedVotes(_ votes: UInt32) throws(CorosyncError) {
        try check(.votequorumSetexpected, votequorum_setexpected(handle, votes))
    }

    /// Changes the votes of one node (votequorum_setvotes(3)).
    ///
    /// Throws `CS_ERR_INVALID_PARAM` for votes that would take quorum away, `CS_ERR_NAME_NOT_FOUND` for an unknown
    /// node.
    public func setVotes(_ votes: UInt32, of node: NodeID) throws(CorosyncError) {
        try check(.votequorumSetvotes, votequorum_setvotes(handle, node.rawValue, votes))
    }
}

private struct NotificationSink {
    let receive: (VoteQuorumNotification) -> Void
}

/// Hands a notification to the handler of the dispatch that is under way on this handle.
private func deliver(to handle: votequorum_handle_t, _ notification: () -> VoteQuorumNotification) {
    var context: UnsafeMutableRawPointer?
    guard votequorum_context_get(handle, &context) == CS_OK, let context else {
        // A notification that nobody got must not go unnoticed: this dispatch, or the next, finds the connection lost.
        var descriptor: CInt = -1
        if votequorum_fd_get(handle, &descriptor) == CS_OK { VoteQuorum.hangUp(descriptor: descriptor) }
        return
    }
    context.assumingMemoryBound(to: NotificationSink.self).pointee.receive(notification())
}
