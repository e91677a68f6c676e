// SPDX-License-Identifier: MIT

internal import CCorosync

extension ConfigurationMap {
    /// Which changes to be told of (`CMAP_TRACK_…`).
    public struct TrackKinds: OptionSet, Hashable, Sendable {
        /// The bits of the C constants.
        public let rawValue: Int32

        /// Kinds from the bits of the C constants.
        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// A key is deleted (`CMAP_TRACK_DELETE`).
        public static let delete = TrackKinds(rawValue: 1)
        /// A value is changed (`CMAP_TRACK_MODIFY`).
        public static let modify = TrackKinds(rawValue: 2)
        /// A key is added (`CMAP_TRACK_ADD`).
        public static let add = TrackKinds(rawValue: 4)
        /// The name is a prefix: every key that begins with it is meant (`CMAP_TRACK_PREFIX`).
        public static let prefix = TrackKinds(rawValue: 8)
    }

    /// One tracking of this connection, until ``untrack(_:)``.
    public struct Track: Hashable, Sendable {
        let handle: cmap_track_handle_t
    }

    /// A change of a tracked key (`cmap_notify_fn_t` of cmap_track_add(3)).
    public struct Change: Hashable, Sendable {
        /// The tracking that it comes from.
        public let track: Track
        /// What happened to the key: one of `add`, `modify` and `delete`.
        public let kind: TrackKinds
        /// The whole name of the key.
        public let key: String
        /// The value before, nil when the key was added.
        public let oldValue: Value?
        /// The value now, nil when the key was deleted.
        public let newValue: Value?
    }

    /// Starts to tell of changes of a key, or of all keys that begin with `key` (cmap_track_add(3)). They come through
    /// ``dispatch(_:_:)``.
    ///
    /// Throws `CS_ERR_INVALID_PARAM` for no kinds, or a key that is neither a legal name nor asked for as a prefix.
    public borrowing func track(_ key: String, _ kinds: TrackKinds) throws(CorosyncError) -> Track {
        var track: cmap_track_handle_t = 0
        try check(
            .cmapTrackAdd,
            cmap_track_add(
                handle, key, kinds.rawValue,
                { handle, track, kind, key, newValue, oldValue, _ in
                    deliver(to: handle, track: track, kind: kind, key: key, newValue: newValue, oldValue: oldValue)
                },
                nil, &track))
        return Track(handle: track)
    }

    /// Ends a tracking (cmap_track_delete(3)).
    ///
    /// Throws `CS_ERR_BAD_HANDLE` when it was ended before.
    public borrowing func untrack(_ track: Track) throws(CorosyncError) {
        try check(.cmapTrackDelete, cmap_track_delete(handle, track.handle))
    }

    /// Takes changes off corosync and hands each to `handler`, on the caller's thread and in order (cmap_dispatch(3)).
    ///
    /// The library puts 1 MiB on the stack.
    ///
    /// Throws `CS_ERR_TRY_AGAIN` with ``DispatchMode/oneNonblocking`` and nothing queued, and `CS_ERR_LIBRARY` when
    /// the connection is lost.
    public borrowing func dispatch(_ mode: DispatchMode, _ handler: (Change) -> Void) throws(CorosyncError) {
        var outer: UnsafeRawPointer?
        try check(.cmapContextGet, cmap_context_get(handle, &outer))
        // Callbacks fire only inside dispatch and on this thread, so the handler needs to live no longer than this.
        let result = withoutActuallyEscaping(handler) { handler in
            withUnsafePointer(to: ChangeSink(receive: handler)) { sink in
                let set = cmap_context_set(handle, sink)
                guard set == CS_OK else { return (CorosyncError.Operation.cmapContextSet, set) }
                let dispatched = cmap_dispatch(handle, mode.cValue)
                let reset = cmap_context_set(handle, outer)
                return dispatched == CS_OK && reset != CS_OK ? (.cmapContextSet, reset) : (.cmapDispatch, dispatched)
            }
        }
        try check(result.0, result.1)
    }
}

private struct ChangeSink {
    let receive: (ConfigurationMap.Change) -> Void
}

/// Hands a change to the handler of the dispatch that is under way on this handle.
private func deliver(
    to handle: cmap_handle_t, track: cmap_track_handle_t, kind: Int32, key: UnsafePointer<CChar>?,
    newValue: cmap_notify_value, oldValue: cmap_notify_value
) {
    var context: UnsafeRawPointer?
    guard cmap_context_get(handle, &context) == CS_OK, let context else { return }
    let kind = ConfigurationMap.TrackKinds(rawValue: kind)
    context.assumingMemoryBound(to: ChangeSink.self).pointee.receive(
        .init(
            track: .init(handle: track), kind: kind, key: key.map { String(cString: $0) } ?? "",
            oldValue: kind == .add ? nil : .init(oldValue), newValue: kind == .delete ? nil : .init(newValue)))
}

extension ConfigurationMap.Value {
    /// A copy: the library's bytes are gone after the callback, and those of an old value may lie at any address.
    fileprivate init(_ value: cmap_notify_value) {
        self.init(
            type: .init(rawValue: UInt32(value.type.rawValue)),
            bytes: Array(UnsafeRawBufferPointer(start: value.data, count: value.data == nil ? 0 : value.len)))
    }
}
