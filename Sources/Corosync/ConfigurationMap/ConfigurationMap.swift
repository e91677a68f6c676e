// SPDX-License-Identifier: MIT

internal import CCorosync

/// One connection to corosync's configuration map (cmap_overview(8), cmap_keys(8)), for reading.
///
/// The connection is open from `init` until the value goes out of scope. It is used from one thread at a time.
/// Requests block, without a limit, while corosync does not answer.
///
/// ```swift
/// let map = try ConfigurationMap()
/// let name = try map.get("totem.cluster_name", as: String.self)
/// ```
public struct ConfigurationMap: ~Copyable {
    let handle: cmap_handle_t

    /// Which of corosync's maps (`cmap_map_t`).
    public enum Map: Hashable, Sendable {
        /// The configuration and the state of corosync (`CMAP_MAP_ICMAP`).
        case configuration
        /// Counters (`CMAP_MAP_STATS`).
        case statistics
    }

    /// Connects (cmap_initialize_map(3)).
    ///
    /// Throws `CS_ERR_LIBRARY` when corosync does not run, `CS_ERR_ACCESS` when this user has no access.
    /// `CS_ERR_TRY_AGAIN` means that corosync is busy: try again.
    public init(_ map: Map = .configuration) throws(CorosyncError) {
        var handle: cmap_handle_t = 0
        let cMap = map == .configuration ? CMAP_MAP_ICMAP : CMAP_MAP_STATS
        try check(.cmapInitialize, cmap_initialize_map(&handle, cMap))
        self.handle = handle
    }

    deinit {
        // The one error it can give, a bad handle, cannot happen: nobody else has the handle.
        _ = cmap_finalize(handle)
    }

    /// A descriptor to wait on with poll(2): readable when there is something to dispatch, hung up when corosync has
    /// gone (cmap_fd_get(3)). It belongs to the connection: never read, write or close it.
    public var fileDescriptor: CInt {
        get throws(CorosyncError) {
            var descriptor: CInt = -1
            try check(.cmapFdGet, cmap_fd_get(handle, &descriptor))
            return descriptor
        }
    }
}
