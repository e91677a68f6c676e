// SPDX-License-Identifier: MIT

internal import CCorosync

extension ConfigurationMap {
    /// Which changes corosync sends notifications of (`CMAP_TRACK_…`).
    public struct TrackKinds: OptionSet, Hashable, Sendable, CustomStringConvertible {
        /// The bits of the C constants.
        public let rawValue: Int32

        /// Kinds from the bits of the C constants.
        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// A key is deleted (`CMAP_TRACK_DELETE`).
        public static let delete = TrackKinds(rawValue: CMAP_TRACK_DELETE)
        /// A value is changed (`CMAP_TRACK_MODIFY`).
        public static let modify = TrackKinds(rawValue: CMAP_TRACK_MODIFY)
        /// A key is added (`CMAP_TRACK_ADD`).
        public static let add = TrackKinds(rawValue: CMAP_TRACK_ADD)
        /// The name is a prefix: every key that begins with it is meant (`CMAP_TRACK_PREFIX`).
        public static let prefix = TrackKinds(rawValue: CMAP_TRACK_PREFIX)

        /// The names of the kinds, and bits without a name as hexadecimal numbers: `[.add, .prefix, 0x10]`.
        public var description: String {
            describe([(.delete, "delete"), (.modify, "modify"), (.add, "add"), (.prefix, "prefix")])
        }
    }

    /// One tracking of this connection, until ``stopTracking(_:)``.
    public struct Track: RawRepresentable, Hashable, Sendable {
        /// The `cmap_track_handle_t`.
        public let rawValue: UInt64

        /// A tracking from its `cmap_track_handle_t`.
        public init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    /// A change of a tracked key (`cmap_notify_fn_t` of cmap_track_add(3)).
    public struct Change: Hashable, Sendable {
        /// The tracking that it comes from.
        public let track: Track
        /// What happened to the key.
        public let kind: Kind
        /// The whole name of the key.
        public let key: String
        /// The value before; nil when the key was added or the value is larger than
        /// ``ConfigurationMap/maximumValueSize``.
        public let oldValue: Value?
        /// The value now; nil when the key was deleted or the value is larger than
        /// ``ConfigurationMap/maximumValueSize``.
        public let newValue: Value?

        /// A change from its parts.
        public init(track: Track, kind: Kind, key: String, oldValue: Value?, newValue: Value?) {
            self.track = track
            self.kind = kind
            self.key = key
            self.oldValue = oldValue
            self.newValue = newValue
        }

        /// What can happen to a key.
        public enum Kind: Hashable, Sendable {
            /// The key was added, with its value (`CMAP_TRACK_ADD`).
            case added
            /// The value was changed (`CMAP_TRACK_MODIFY`).
            case modified
            /// The key was deleted (`CMAP_TRACK_DELETE`).
            case deleted
        }
    }

    /// Starts notifications of changes of a key, or of all keys that begin with `key` (cmap_track_add(3)). They come
    /// through a dispatch.
    ///
    /// Throws `CS_ERR_INVALID_PARAM` for kinds that no change is of, for a key that is neither a legal name nor asked for
    /// as a prefix, and for one with a NUL, and `CS_ERR_NAME_TOO_LONG` for a key of more than 255 bytes.
    public func startTracking(_ key: String, for kinds: TrackKinds) throws(CorosyncError) -> Track {
        try refuseIllegalName(key, .cmapTrackAdd)
        guard !kinds.isDisjoint(with: [.add, .modify, .delete]) else {
            throw CorosyncError(code: .invalidParameter, operation: .cmapTrackAdd)
        }
        var track: cmap_track_handle_t = 0
        try interrupter.check(
            .cmapTrackAdd,
            HandleLock.cmap.hold {
                cmap_track_add(
                    handle, key, kinds.rawValue,
                    { handle, track, kind, key, newValue, oldValue, _ in
                        receive(handle, track: track, kind: kind, key: key, newValue: newValue, oldValue: oldValue)
                    },
                    nil, &track)
            })
        return Track(rawValue: track)
    }

    /// Ends a tracking (cmap_track_delete(3)). Changes that are queued are dropped.
    ///
    /// Throws `CS_ERR_BAD_HANDLE` when it was ended before.
    public func stopTracking(_ track: Track) throws(CorosyncError) {
        try interrupter.check(
            .cmapTrackDelete, HandleLock.cmap.hold { cmap_track_delete(handle, track.rawValue) })
        delivery.discard { $0.track == track }
    }
}

/// Hands a change to the dispatch that is under way on this handle.
private func receive(
    _ handle: cmap_handle_t, track: cmap_track_handle_t, kind: Int32, key: UnsafePointer<CChar>?,
    newValue: cmap_notify_value, oldValue: cmap_notify_value
) {
    var context: UnsafeRawPointer?
    guard cmap_context_get(handle, &context) == CS_OK, let context else {
        // A change that cannot be handed over must not go unnoticed: this dispatch finds the connection lost.
        var descriptor: CInt = -1
        if cmap_fd_get(handle, &descriptor) == CS_OK { shutDown(descriptor) }
        return
    }
    let kind: ConfigurationMap.Change.Kind =
        switch kind {
        case CMAP_TRACK_ADD: .added
        case CMAP_TRACK_DELETE: .deleted
        default: .modified
        }
    let key = UnsafeBufferPointer(start: key, count: key == nil ? 0 : Int(CMAP_KEYNAME_MAXLEN)).prefix { $0 != 0 }
    context.assumingMemoryBound(to: Sink<ConfigurationMap.Change>.self).pointee.receive(
        .init(
            track: .init(rawValue: track), kind: kind,
            key: String(decoding: key.lazy.map(UInt8.init(bitPattern:)), as: UTF8.self),
            oldValue: kind == .added ? nil : .init(oldValue), newValue: kind == .deleted ? nil : .init(newValue)))
}

extension ConfigurationMap.Value {
    /// A copy: the library's bytes are gone after the callback, and those of an old value may lie at any address.
    ///
    /// Two values of the largest size lie in the library's buffer of 1 MiB, whatever sizes corosync gives.
    fileprivate init?(_ value: cmap_notify_value) {
        guard (0...ConfigurationMap.maximumValueSize).contains(value.len) else { return nil }
        self.init(
            type: .init(value.type),
            bytes: Array(UnsafeRawBufferPointer(start: value.data, count: value.data == nil ? 0 : value.len)))
    }
}
