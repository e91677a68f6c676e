// SPDX-License-Identifier: MIT

internal import CCorosync

extension VoteQuorum {
    /// What votequorum sends notifications of (votequorum_trackstart(3)).
    public struct TrackFlags: OptionSet, Hashable, Sendable {
        /// The bits of the C constants.
        public let rawValue: UInt32

        /// Flags from the bits of the C constants.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        private init(_ flag: Int32) { rawValue = UInt32(flag) }

        /// A snapshot now, nothing later (`CS_TRACK_CURRENT`).
        public static let current = TrackFlags(CS_TRACK_CURRENT)
        /// A snapshot now, and every change (`CS_TRACK_CHANGES`).
        public static let changes = TrackFlags(CS_TRACK_CHANGES)
        /// Every change, no snapshot (`CS_TRACK_CHANGES_ONLY`).
        public static let changesOnly = TrackFlags(CS_TRACK_CHANGES_ONLY)
    }
}

extension VoteQuorum.TrackFlags: CustomStringConvertible {
    /// The names of the flags, and bits without a name as hexadecimal numbers: `[.changes, 0x8]`.
    public var description: String {
        describe([(.current, "current"), (.changes, "changes"), (.changesOnly, "changesOnly")])
    }
}
