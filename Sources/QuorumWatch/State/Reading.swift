// SPDX-License-Identifier: MIT

internal import Corosync

/// The answers of votequorum_getinfo(3) that were read at one moment.
struct Reading: Hashable, Sendable {
    /// The answer for the local node, which also contains the values of the cluster.
    var local: NodeInfo
    /// The answers for all nodes, sorted by ID, without those for which the request failed.
    var nodes: [NodeInfo]

    init(local: NodeInfo, others: [NodeInfo] = []) {
        self.local = local
        // An answer can be for another node than the requested one, also for the local node.
        nodes = Array(byNode: others + [local])
    }

    func info(of id: NodeID) -> NodeInfo? { nodes.about(id) }
}
