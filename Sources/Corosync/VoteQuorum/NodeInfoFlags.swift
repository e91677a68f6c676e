// SPDX-License-Identifier: MIT

internal import CCorosync

extension NodeInfo {
    /// The flags of a votequorum_getinfo(3) answer (`VOTEQUORUM_INFO_…`). Bits without a name are kept.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The bits of the C constants.
        public let rawValue: UInt32

        /// Flags from the bits of the C constants.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        private init(_ flag: Int32) { rawValue = UInt32(flag) }

        /// The special mode for two nodes (`VOTEQUORUM_INFO_TWONODE`).
        public static let twoNode = Flags(VOTEQUORUM_INFO_TWONODE)
        /// The cluster is quorate (`VOTEQUORUM_INFO_QUORATE`).
        public static let quorate = Flags(VOTEQUORUM_INFO_QUORATE)
        /// Quorum is given only once all nodes were seen together (`VOTEQUORUM_INFO_WAIT_FOR_ALL`).
        public static let waitForAll = Flags(VOTEQUORUM_INFO_WAIT_FOR_ALL)
        /// Expected votes are lowered as nodes die one after the other (`VOTEQUORUM_INFO_LAST_MAN_STANDING`).
        public static let lastManStanding = Flags(VOTEQUORUM_INFO_LAST_MAN_STANDING)
        /// Half the votes are enough for one of two halves (`VOTEQUORUM_INFO_AUTO_TIE_BREAKER`).
        public static let autoTieBreaker = Flags(VOTEQUORUM_INFO_AUTO_TIE_BREAKER)
        /// Expected votes are lowered when nodes leave (`VOTEQUORUM_INFO_ALLOW_DOWNSCALE`).
        public static let allowDownscale = Flags(VOTEQUORUM_INFO_ALLOW_DOWNSCALE)
        /// The node has a quorum device (`VOTEQUORUM_INFO_QDEVICE_REGISTERED`).
        public static let quorumDeviceRegistered = Flags(VOTEQUORUM_INFO_QDEVICE_REGISTERED)
        /// The quorum device polls in time (`VOTEQUORUM_INFO_QDEVICE_ALIVE`).
        public static let quorumDeviceAlive = Flags(VOTEQUORUM_INFO_QDEVICE_ALIVE)
        /// The quorum device gives its votes to this partition (`VOTEQUORUM_INFO_QDEVICE_CAST_VOTE`).
        public static let quorumDeviceCastVote = Flags(VOTEQUORUM_INFO_QDEVICE_CAST_VOTE)
        /// The partition of the quorum device's master is quorate (`VOTEQUORUM_INFO_QDEVICE_MASTER_WINS`).
        public static let quorumDeviceMasterWins = Flags(VOTEQUORUM_INFO_QDEVICE_MASTER_WINS)
        /// The quorum device has told more about itself (`VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO`, which the header of
        /// corosync 3.1 lacks).
        public static let quorumDeviceHasExtraInfo = Flags(1024)
    }
}

extension NodeInfo.Flags: CustomStringConvertible {
    /// The names of the flags, and bits without a name as hexadecimal numbers: `[.quorate, .waitForAll, 0x800]`.
    public var description: String {
        describe([
            (.twoNode, "twoNode"), (.quorate, "quorate"), (.waitForAll, "waitForAll"),
            (.lastManStanding, "lastManStanding"), (.autoTieBreaker, "autoTieBreaker"),
            (.allowDownscale, "allowDownscale"), (.quorumDeviceRegistered, "quorumDeviceRegistered"),
            (.quorumDeviceAlive, "quorumDeviceAlive"), (.quorumDeviceCastVote, "quorumDeviceCastVote"),
            (.quorumDeviceMasterWins, "quorumDeviceMasterWins"),
            (.quorumDeviceHasExtraInfo, "quorumDeviceHasExtraInfo"),
        ])
    }
}
