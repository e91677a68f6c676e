// SPDX-License-Identifier: MIT

package import Corosync

extension NodeInfo.Flags {
    /// The flags that are about the cluster, with the names and in the order of corosync-quorumtool(8); the last, which
    /// that has no name for, is named in the same manner.
    package static let clusterFlags: [(flag: NodeInfo.Flags, name: String)] = [
        (.twoNode, "2Node"), (.quorate, "Quorate"), (.waitForAll, "WaitForAll"),
        (.lastManStanding, "LastManStanding"), (.autoTieBreaker, "AutoTieBreaker"),
        (.allowDownscale, "AllowDownscale"), (.quorumDeviceRegistered, "Qdevice"),
        (.quorumDeviceHasExtraInfo, "QdeviceHasExtraInfo"),
    ]

    /// The names of the flags that are about the cluster; each bit without a name is given as `0x800`.
    package var clusterFlagNames: [String] {
        subtracting([.quorumDeviceAlive, .quorumDeviceCastVote, .quorumDeviceMasterWins]).names(Self.clusterFlags)
    }
}
