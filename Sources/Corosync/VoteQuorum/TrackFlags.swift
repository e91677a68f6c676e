// SPDX-License-Identifier: MIT

/// What to be told of (votequorum_trackstart(3)).
public struct TrackFlags: OptionSet, Hashable, Sendable {
    /// The bits of the C constants.
    public let rawValue: UInt32

    /// Flags from the bits of the C constants.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A snapshot now, nothing later (`CS_TRACK_CURRENT`).
    public static let current = TrackFlags(rawValue: 0x01)
    /// A snapshot now, and every change (`CS_TRACK_CHANGES`).
    public static let changes = TrackFlags(rawValue: 0x02)
    /// Every change, no snapshot (`CS_TRACK_CHANGES_ONLY`).
    public static let changesOnly = TrackFlags(rawValue: 0x04)
}
