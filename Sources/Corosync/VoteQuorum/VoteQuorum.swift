// SPDX-License-Identifier: MIT

internal import CCorosync

/// One connection to corosync's votequorum service (votequorum_overview(3)).
///
/// The connection is open from `init` until the value goes out of scope. It is used from one thread at a time; its
/// ``interrupter`` ends it from any other. Requests block, without a limit, while corosync does not answer. While one
/// thread waits for such a corosync in `init`, other threads that make one of these calls wait too; requests
/// and dispatches of other connections do not.
///
/// The end of the value never blocks. A connection that cannot be closed at once is closed by a thread of the library:
/// one that is lost, whose shared memory is removed once corosync has exited (within ten seconds), and one whose end
/// comes while another thread connects. A process that calls exit(3) waits for the former, for half a second at most.
///
/// ```swift
/// let quorum = try VoteQuorum()
/// try quorum.startTracking(.changes)
/// try quorum.dispatch(.all) { notification in
///     print(notification)
/// }
/// ```
public struct VoteQuorum: ~Copyable {
    let handle: votequorum_handle_t
    let delivery = Delivery<Notification>()

    /// A descriptor to wait on with poll(2): readable when there is something to dispatch, hung up when corosync has
    /// gone (votequorum_fd_get(3)). With `qb_ipc_type: socket` in corosync.conf(5) it does not hang up: then only a dispatch
    /// that waits, or any other call, finds that out. It belongs to the connection: never read, write, shut down or close
    /// it.
    public let fileDescriptor: CInt

    /// Ends the connection from any thread, and may be kept for longer than the connection exists.
    public let interrupter: Interrupter

    /// Connects (votequorum_initialize(3)).
    ///
    /// Throws `CS_ERR_LIBRARY` when corosync does not run, has only begun to start, or its quorum provider is not
    /// votequorum, and `CS_ERR_ACCESS` when this user has no access. `CS_ERR_TRY_AGAIN` means that corosync is busy: try
    /// again.
    public init() throws(CorosyncError) {
        var callbacks = votequorumCallbacks
        var handle: votequorum_handle_t = 0
        try check(
            .votequorumInitialize, HandleLock.votequorum.hold { votequorum_initialize(&handle, &callbacks) })
        var descriptor: CInt = -1
        do throws(CorosyncError) {
            try check(.votequorumFdGet, votequorum_fd_get(handle, &descriptor))
        } catch {
            _ = HandleLock.votequorum.hold { votequorum_finalize(handle) }
            throw error
        }
        self.handle = handle
        fileDescriptor = descriptor
        interrupter = Interrupter(descriptor)
    }

    deinit {
        Closing.close(interrupter, fileDescriptor, .votequorum) { [handle] in votequorum_finalize(handle) }
    }

    /// What the local node knows of a node and of the whole cluster (votequorum_getinfo(3)); without a node: of itself.
    ///
    /// Throws `CS_ERR_NOT_EXIST` for a node that votequorum has never seen, also when it is configured, and
    /// `CS_ERR_INVALID_PARAM` for ``NodeID/quorumDevice``: the information about any other node has that about its
    /// quorum device.
    public func info(of node: NodeID? = nil) throws(CorosyncError) -> NodeInfo {
        var info = votequorum_info()
        if let node { try refuseQuorumDevice(node, .votequorumGetinfo) }
        // Node 0 stands for the local node.
        try interrupter.check(.votequorumGetinfo, votequorum_getinfo(handle, node?.rawValue ?? 0, &info))
        return NodeInfo(info)
    }

    /// Changes the expected votes of the whole cluster (votequorum_setexpected(3)).
    ///
    /// Throws `CS_ERR_INVALID_PARAM` for fewer than the votes present, or so many that a quorate cluster would not be.
    public func setExpectedVotes(_ votes: UInt32) throws(CorosyncError) {
        try interrupter.check(.votequorumSetexpected, votequorum_setexpected(handle, votes))
    }

    /// Changes the votes of one node (votequorum_setvotes(3)).
    ///
    /// Throws `CS_ERR_INVALID_PARAM` for votes that would take quorum away and for ``NodeID/quorumDevice``,
    /// `CS_ERR_NAME_NOT_FOUND` for an unknown node.
    public func setVotes(_ votes: UInt32, of node: NodeID) throws(CorosyncError) {
        try refuseQuorumDevice(node, .votequorumSetvotes)
        try interrupter.check(.votequorumSetvotes, votequorum_setvotes(handle, node.rawValue, votes))
    }

    /// In a request, corosync takes the number of the quorum device for the local node.
    private func refuseQuorumDevice(_ node: NodeID, _ operation: CorosyncError.Operation) throws(CorosyncError) {
        guard node != .quorumDevice else { throw CorosyncError(code: .invalidParameter, operation: operation) }
    }
}
