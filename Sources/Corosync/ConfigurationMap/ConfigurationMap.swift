// SPDX-License-Identifier: MIT

internal import CCorosync

/// One connection to corosync's configuration map (cmap_overview(8), cmap_keys(8)).
///
/// The connection is open from `init` until the value goes out of scope. It is used from one thread at a time; its
/// ``interrupter`` ends it from any other. Requests block, without a limit, while corosync does not answer. While one
/// thread waits for such a corosync in `init`, ``startTracking(_:for:)`` or ``stopTracking(_:)``, other threads that make one of these calls wait too; requests
/// and dispatches of other connections do not.
///
/// The end of the value never blocks. A connection that cannot be closed at once is closed by a thread of the library:
/// one that is lost, whose shared memory is removed once corosync has exited (within ten seconds), and one whose end
/// comes while another thread connects. A process that calls exit(3) waits for the former, for half a second at most.
///
/// ```swift
/// let map = try ConfigurationMap()
/// let name = try map.get("totem.cluster_name", as: String.self)
/// ```
public struct ConfigurationMap: ~Copyable {
    let handle: cmap_handle_t
    let delivery = Delivery<Change>()

    /// A descriptor to wait on with poll(2): readable when there is something to dispatch, hung up when corosync has
    /// gone (cmap_fd_get(3)). With `qb_ipc_type: socket` in corosync.conf(5) it does not hang up: then only a dispatch
    /// that waits, or any other call, finds that out. It belongs to the connection: never read, write, shut down or close
    /// it.
    public let fileDescriptor: CInt

    /// Ends the connection from any thread, and may be kept for longer than the connection exists.
    public let interrupter: Interrupter

    /// Which of corosync's maps (`cmap_map_t`).
    public enum Kind: Hashable, Sendable, CaseIterable {
        /// The configuration and the state of corosync (`CMAP_MAP_ICMAP`).
        case configuration
        /// Counters, which can only be read and, below `stats.clear.`, reset (`CMAP_MAP_STATS`).
        case statistics

        var cValue: cmap_map_t {
            switch self {
            case .configuration: CMAP_MAP_ICMAP
            case .statistics: CMAP_MAP_STATS
            }
        }
    }

    /// Connects (cmap_initialize_map(3)).
    ///
    /// Throws `CS_ERR_LIBRARY` when corosync does not run or has only begun to start, `CS_ERR_ACCESS` when this user has no access.
    /// `CS_ERR_TRY_AGAIN` means that corosync is busy: try again.
    public init(_ kind: Kind = .configuration) throws(CorosyncError) {
        var handle: cmap_handle_t = 0
        var descriptor: CInt = -1
        do throws(CorosyncError) {
            try check(.cmapInitialize, HandleLock.cmap.hold { cmap_initialize_map(&handle, kind.cValue) })
            try check(.cmapFdGet, cmap_fd_get(handle, &descriptor))
        } catch {
            // cmap_initialize_map leaves the connection open when corosync refuses the map. A handle without a
            // connection is refused.
            if handle != 0 { _ = HandleLock.cmap.hold { cmap_finalize(handle) } }
            throw error
        }
        self.handle = handle
        fileDescriptor = descriptor
        interrupter = Interrupter(descriptor)
    }

    deinit {
        Closing.close(interrupter, fileDescriptor, .cmap) { [handle] in cmap_finalize(handle) }
    }

    /// Refuses a name that the library would cut off at a NUL, or for which some versions of it leak the connection.
    func refuseIllegalName(_ name: String, _ operation: CorosyncError.Operation) throws(CorosyncError) {
        guard name.utf8.count < CS_MAX_NAME_LENGTH else {
            throw CorosyncError(code: .nameTooLong, operation: operation)
        }
        try refuseNUL(in: name, operation)
    }
}

/// Refuses a text that the library would cut off.
func refuseNUL(in text: String, _ operation: CorosyncError.Operation) throws(CorosyncError) {
    guard !text.utf8.contains(0) else { throw CorosyncError(code: .invalidParameter, operation: operation) }
}
