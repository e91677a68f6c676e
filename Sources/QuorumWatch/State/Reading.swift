// SPDX-License-Identifier: MIT

public import Corosync

/// The answers of votequorum_getinfo(3) that were read at one moment.
public struct Reading: Hashable, Sendable {
    /// The answer about the node that was asked, and the cluster.
    public var local: NodeInfo
    /// The answers about the other nodes, by ID; those that votequorum would not give are missing.
    public var others: [NodeInfo]

    /// A reading from its parts.
    public init(local: NodeInfo, others: [NodeInfo] = []) {
        self.local = local
        // An answer names the node that it is about, and need not name the one that was asked for.
        self.others = Array(byNode: others.filter { $0.id != local.id })
    }

    /// The answer about one node.
    func info(of id: NodeID) -> NodeInfo? { id == local.id ? local : others.about(id) }
}
