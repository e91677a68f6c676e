// SPDX-License-Identifier: MIT

internal import Corosync

extension Configuration {
    /// What a configuration map says now (cmap_keys(8)).
    ///
    /// A value that is missing or of an unexpected type is not known; a node without a `nodeid` cannot be named.
    init(reading map: borrowing ConfigurationMap) throws(CorosyncError) {
        var keys: [String] = []
        try map.forEachKey(withPrefix: "nodelist.node.") { key throws(CorosyncError) in
            keys.append(key.name)
            return true
        }
        // By position in the node list: the node's ID, its name, and its addresses by link.
        var nodes: [Int: (id: NodeID?, name: String?, addresses: [Int: String])] = [:]
        for key in keys {
            let parts = key.split(separator: ".")
            guard parts.count == 4, let position = Int(parts[2]) else { continue }
            if parts[3] == "nodeid" {
                nodes[position, default: (nil, nil, [:])].id = try map.read(key, as: UInt32.self).map(NodeID.init(_:))
            } else if parts[3] == "name" {
                nodes[position, default: (nil, nil, [:])].name = try map.read(key, as: String.self)
            } else if parts[3].hasPrefix("ring"), parts[3].hasSuffix("_addr"),
                let link = Int(parts[3].dropFirst(4).dropLast(5))
            {
                nodes[position, default: (nil, nil, [:])].addresses[link] = try map.read(key, as: String.self)
            }
        }
        self.init(
            clusterName: try map.read("totem.cluster_name", as: String.self),
            nodes: nodes.sorted { $0.key < $1.key }.compactMap { _, node in
                guard let id = node.id else { return nil }
                let addresses = node.addresses.sorted { $0.key < $1.key }.map(\.value)
                return ConfiguredNode(id: id, name: node.name, addresses: addresses)
            })
    }
}

extension ConfigurationMap {
    /// A value, nil when it is missing or of another type.
    fileprivate borrowing func read<Value: ConfigurationMapValue>(
        _ key: String, as type: Value.Type
    ) throws(CorosyncError) -> Value? {
        try value(of: key)?.converted(to: type)
    }
}
