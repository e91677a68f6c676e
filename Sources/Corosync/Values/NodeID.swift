// SPDX-License-Identifier: MIT

internal import CCorosync

/// The number of a node of the cluster (`nodelist.node.N.nodeid` in corosync.conf(5)).
public struct NodeID: RawRepresentable, Hashable, Sendable {
    /// The number itself.
    public let rawValue: UInt32

    /// A node ID from its number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A node ID from its number.
    public init(_ number: UInt32) { rawValue = number }

    /// 0 (`VOTEQUORUM_QDEVICE_NODEID`): the quorum device of the local node in a list of nodes. No request takes it.
    public static let quorumDevice = NodeID(UInt32(VOTEQUORUM_QDEVICE_NODEID))
}

extension NodeID: Comparable {
    /// By number.
    public static func < (one: NodeID, other: NodeID) -> Bool { one.rawValue < other.rawValue }
}

extension NodeID: ExpressibleByIntegerLiteral {
    /// A node ID from its number: `let node: NodeID = 1`.
    public init(integerLiteral number: UInt32) { rawValue = number }
}

extension NodeID: LosslessStringConvertible {
    /// A node ID from its number in decimal; nil when it is none.
    public init?(_ description: String) {
        guard let number = UInt32(description) else { return nil }
        rawValue = number
    }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}
