// SPDX-License-Identifier: MIT

internal import Corosync
internal import QuorumWatch
internal import Testing

@Suite("Names of flags")
struct FlagNameTests {
    @Test("Cluster flags have corosync-quorumtool's names and order, and bits without a name are kept")
    func nameFlags() {
        #expect(NodeInfo.Flags().clusterFlagNames == [])
        #expect(
            NodeInfo.Flags(rawValue: 0x8000_0FFF).clusterFlagNames == [
                "2Node", "Quorate", "WaitForAll", "LastManStanding", "AutoTieBreaker", "AllowDownscale", "Qdevice",
                "QdeviceHasExtraInfo", "0x800", "0x80000000",
            ])
    }
}
