// SPDX-License-Identifier: MIT

internal import CCorosync

/// The identifier of one membership of the cluster (`votequorum_ring_id_t`): corosync makes a new one whenever the ring
/// is formed.
public struct RingID: Hashable, Sendable {
    /// The node that represents the ring.
    public let node: NodeID
    /// The sequence number, which grows with every ring.
    public let sequence: UInt64

    /// A ring ID from its parts.
    public init(node: NodeID, sequence: UInt64) {
        self.node = node
        self.sequence = sequence
    }

    init(_ ring: votequorum_ring_id_t) { self.init(node: NodeID(ring.nodeid), sequence: ring.seq) }

    var cValue: votequorum_ring_id_t { .init(nodeid: node.rawValue, seq: sequence) }
}

extension RingID: Comparable {
    /// By sequence number, and by node where that is the same, as in two partitions.
    public static func < (one: RingID, other: RingID) -> Bool {
        (one.sequence, one.node) < (other.sequence, other.node)
    }
}

extension RingID: LosslessStringConvertible {
    /// A ring ID from the form that corosync writes in its log, `NODE.SEQ` in hexadecimal; nil when it is none.
    public init?(_ description: String) {
        let parts = description.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let node = UInt32(parts[0], radix: 16), let sequence = UInt64(parts[1], radix: 16)
        else { return nil }
        self.init(node: NodeID(node), sequence: sequence)
    }

    /// `NODE.SEQ` in hexadecimal, as corosync writes it in its log (`CS_PRI_RING_ID`).
    public var description: String {
        String(node.rawValue, radix: 16) + "." + String(sequence, radix: 16)
    }
}
