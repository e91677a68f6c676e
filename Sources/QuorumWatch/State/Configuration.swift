// SPDX-License-Identifier: MIT

public import Corosync

/// What is needed of corosync's configuration map: the names that votequorum does not know.
public struct Configuration: Hashable, Sendable {
    /// `totem.cluster_name`
    public var clusterName: String?
    /// The nodes of `nodelist.node.N`, by ID.
    public var nodes: [ConfiguredNode]

    /// A configuration from its parts, with the nodes in any order. Of several nodes with one ID the first counts.
    public init(clusterName: String? = nil, nodes: [ConfiguredNode] = []) {
        self.clusterName = clusterName
        var sorted: [ConfiguredNode] = []
        // The position breaks the tie, since sort(by:) does not promise to keep the order of equals.
        for (_, node) in nodes.enumerated().sorted(by: { ($0.element.id, $0.offset) < ($1.element.id, $1.offset) })
        where sorted.last?.id != node.id {
            sorted.append(node)
        }
        self.nodes = sorted
    }

    /// The configured node with an ID.
    public func node(_ id: NodeID) -> ConfiguredNode? {
        let index = nodes.partitioningIndex { $0.id >= id }
        return index < nodes.count && nodes[index].id == id ? nodes[index] : nil
    }

    /// A node by ID and, where configured, name.
    func reference(_ id: NodeID) -> NodeReference { NodeReference(id: id, name: node(id)?.name) }
}

/// A node of `nodelist.node.N`.
public struct ConfiguredNode: Hashable, Sendable {
    /// `nodeid`
    public var id: NodeID
    /// `name`
    public var name: String?
    /// `ring0_addr`, `ring1_addr`, …
    public var addresses: [String]

    /// A configured node from its parts.
    public init(id: NodeID, name: String? = nil, addresses: [String] = []) {
        self.id = id
        self.name = name
        self.addresses = addresses
    }
}
