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
        self.nodes = Array(byNode: nodes)
    }

    /// The configured node with an ID.
    public func node(_ id: NodeID) -> ConfiguredNode? { nodes.about(id) }

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
