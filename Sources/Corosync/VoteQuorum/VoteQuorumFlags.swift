// SPDX-License-Identifier: MIT

/// The flags of a votequorum_getinfo(3) answer (`VOTEQUORUM_INFO_…`). Bits without a name are kept.
public struct VoteQuorumFlags: OptionSet, Hashable, Sendable {
    /// The bits of the C constants.
    public let rawValue: UInt32

    /// Flags from the bits of the C constants.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The special mode for two nodes (`VOTEQUORUM_INFO_TWONODE`).
    public static let twoNode = VoteQuorumFlags(rawValue: 1)
    /// The cluster is quorate (`VOTEQUORUM_INFO_QUORATE`).
    public static let quorate = VoteQuorumFlags(rawValue: 2)
    /// Quorum is given only once all nodes were seen together (`VOTEQUORUM_INFO_WAIT_FOR_ALL`).
    public static let waitForAll = VoteQuorumFlags(rawValue: 4)
    /// Expected votes are lowered as nodes die one after the other (`VOTEQUORUM_INFO_LAST_MAN_STANDING`).
    public static let lastManStanding = VoteQuorumFlags(rawValue: 8)
    /// Half the votes are enough for one of two halves (`VOTEQUORUM_INFO_AUTO_TIE_BREAKER`).
    public static let autoTieBreaker = VoteQuorumFlags(rawValue: 16)
    /// Expected votes are lowered when nodes leave (`VOTEQUORUM_INFO_ALLOW_DOWNSCALE`).
    public static let allowDownscale = VoteQuorumFlags(rawValue: 32)
    /// The node has a quorum device (`VOTEQUORUM_INFO_QDEVICE_REGISTERED`).
    public static let qdeviceRegistered = VoteQuorumFlags(rawValue: 64)
    /// The quorum device reports in time (`VOTEQUORUM_INFO_QDEVICE_ALIVE`).
    public static let qdeviceAlive = VoteQuorumFlags(rawValue: 128)
    /// The quorum device gives its votes to this partition (`VOTEQUORUM_INFO_QDEVICE_CAST_VOTE`).
    public static let qdeviceCastVote = VoteQuorumFlags(rawValue: 256)
    /// The partition of the quorum device's master is quorate (`VOTEQUORUM_INFO_QDEVICE_MASTER_WINS`).
    public static let qdeviceMasterWins = VoteQuorumFlags(rawValue: 512)

    /// The flags that are about the cluster, with the names and in the order of corosync-quorumtool(8).
    public static let clusterFlags: [(flag: VoteQuorumFlags, name: String)] = [
        (.twoNode, "2Node"), (.quorate, "Quorate"), (.waitForAll, "WaitForAll"),
        (.lastManStanding, "LastManStanding"), (.autoTieBreaker, "AutoTieBreaker"),
        (.allowDownscale, "AllowDownscale"), (.qdeviceRegistered, "Qdevice"),
    ]

    private static let deviceDetails: VoteQuorumFlags = [.qdeviceAlive, .qdeviceCastVote, .qdeviceMasterWins]

    /// The names of the flags that are about the cluster; a bit without a name is given as `0x400`.
    public var clusterFlagNames: [String] {
        var names = Self.clusterFlags.filter { contains($0.flag) }.map(\.name)
        var unnamed = Self.clusterFlags.reduce(subtracting(Self.deviceDetails)) { $0.subtracting($1.flag) }.rawValue
        while unnamed != 0 {
            names.append("0x" + String(unnamed & ~(unnamed - 1), radix: 16))
            unnamed &= unnamed - 1
        }
        return names
    }
}
