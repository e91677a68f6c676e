// SPDX-License-Identifier: MIT

internal import CCorosync

/// The flags of a votequorum_getinfo(3) answer (`VOTEQUORUM_INFO_…`). Bits without a name are kept.
public struct VoteQuorumFlags: OptionSet, Hashable, Sendable {
    /// The bits of the C constants.
    public let rawValue: UInt32

    /// Flags from the bits of the C constants.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    private init(_ flag: Int32) { rawValue = UInt32(flag) }

    /// The special mode for two nodes (`VOTEQUORUM_INFO_TWONODE`).
    public static let twoNode = VoteQuorumFlags(VOTEQUORUM_INFO_TWONODE)
    /// The cluster is quorate (`VOTEQUORUM_INFO_QUORATE`).
    public static let quorate = VoteQuorumFlags(VOTEQUORUM_INFO_QUORATE)
    /// Quorum is given only once all nodes were seen together (`VOTEQUORUM_INFO_WAIT_FOR_ALL`).
    public static let waitForAll = VoteQuorumFlags(VOTEQUORUM_INFO_WAIT_FOR_ALL)
    /// Expected votes are lowered as nodes die one after the other (`VOTEQUORUM_INFO_LAST_MAN_STANDING`).
    public static let lastManStanding = VoteQuorumFlags(VOTEQUORUM_INFO_LAST_MAN_STANDING)
    /// Half the votes are enough for one of two halves (`VOTEQUORUM_INFO_AUTO_TIE_BREAKER`).
    public static let autoTieBreaker = VoteQuorumFlags(VOTEQUORUM_INFO_AUTO_TIE_BREAKER)
    /// Expected votes are lowered when nodes leave (`VOTEQUORUM_INFO_ALLOW_DOWNSCALE`).
    public static let allowDownscale = VoteQuorumFlags(VOTEQUORUM_INFO_ALLOW_DOWNSCALE)
    /// The node has a quorum device (`VOTEQUORUM_INFO_QDEVICE_REGISTERED`).
    public static let qdeviceRegistered = VoteQuorumFlags(VOTEQUORUM_INFO_QDEVICE_REGISTERED)
    /// The quorum device polls in time (`VOTEQUORUM_INFO_QDEVICE_ALIVE`).
    public static let qdeviceAlive = VoteQuorumFlags(VOTEQUORUM_INFO_QDEVICE_ALIVE)
    /// The quorum device gives its votes to this partition (`VOTEQUORUM_INFO_QDEVICE_CAST_VOTE`).
    public static let qdeviceCastVote = VoteQuorumFlags(VOTEQUORUM_INFO_QDEVICE_CAST_VOTE)
    /// The partition of the quorum device's master is quorate (`VOTEQUORUM_INFO_QDEVICE_MASTER_WINS`).
    public static let qdeviceMasterWins = VoteQuorumFlags(VOTEQUORUM_INFO_QDEVICE_MASTER_WINS)
    /// The quorum device has told more about itself (`VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO`, which the header of
    /// corosync 3.1 lacks).
    public static let qdeviceHasExtraInfo = VoteQuorumFlags(1024)
}

extension VoteQuorumFlags {
    /// The flags that are about the cluster, with the names and in the order of corosync-quorumtool(8); the last, which
    /// that has no name for, is named in the same manner.
    public static let clusterFlags: [(flag: VoteQuorumFlags, name: String)] = [
        (.twoNode, "2Node"), (.quorate, "Quorate"), (.waitForAll, "WaitForAll"),
        (.lastManStanding, "LastManStanding"), (.autoTieBreaker, "AutoTieBreaker"),
        (.allowDownscale, "AllowDownscale"), (.qdeviceRegistered, "Qdevice"),
        (.qdeviceHasExtraInfo, "QdeviceHasExtraInfo"),
    ]

    /// The names of the flags that are about the cluster; each bit without a name is given as `0x800`.
    public var clusterFlagNames: [String] {
        subtracting([.qdeviceAlive, .qdeviceCastVote, .qdeviceMasterWins]).names(Self.clusterFlags)
    }
}

extension VoteQuorumFlags: CustomStringConvertible {
    /// The names of the flags, and bits without a name as hexadecimal numbers: `[.quorate, .waitForAll, 0x800]`.
    public var description: String {
        describe([
            (.twoNode, "twoNode"), (.quorate, "quorate"), (.waitForAll, "waitForAll"),
            (.lastManStanding, "lastManStanding"), (.autoTieBreaker, "autoTieBreaker"),
            (.allowDownscale, "allowDownscale"), (.qdeviceRegistered, "qdeviceRegistered"),
            (.qdeviceAlive, "qdeviceAlive"), (.qdeviceCastVote, "qdeviceCastVote"),
            (.qdeviceMasterWins, "qdeviceMasterWins"), (.qdeviceHasExtraInfo, "qdeviceHasExtraInfo"),
        ])
    }
}
