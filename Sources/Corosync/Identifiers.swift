// SPDX-License-Identifier: MIT

/// The number that names a node of the cluster (`nodelist.node.N.nodeid` in corosync.conf(5)).
public struct NodeID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself.
    public let rawValue: UInt32

    /// A node ID from its number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A node ID from its number.
    public init(_ number: UInt32) { rawValue = number }

    /// 0 (`VOTEQUORUM_QDEVICE_NODEID`). In a request it stands for the node that is asked; in a list of nodes for the
    /// quorum device of that node.
    public static let quorumDevice = NodeID(0)

    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// By number.
    public static func < (one: NodeID, other: NodeID) -> Bool { one.rawValue < other.rawValue }
}

/// The name of one membership of the cluster (`votequorum_ring_id_t`): corosync makes a new one whenever the ring is
/// formed anew.
public struct RingID: Hashable, Sendable, CustomStringConvertible {
    /// The node that represents the ring.
    public let node: NodeID
    /// The sequence number, which grows with every ring.
    public let sequence: UInt64

    /// A ring ID from its parts.
    public init(node: NodeID, sequence: UInt64) {
        self.node = node
        self.sequence = sequence
    }

    /// `NODE.SEQ` in hexadecimal, as corosync writes it in its log (`CS_PRI_RING_ID`).
    public var description: String {
        String(node.rawValue, radix: 16) + "." + String(sequence, radix: 16)
    }
}
