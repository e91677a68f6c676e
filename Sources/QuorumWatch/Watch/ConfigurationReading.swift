// SPDX-License-Identifier: MIT

internal import Corosync

extension Configuration {
    /// The present values in a configuration map (cmap_keys(8)).
    ///
    /// A value that is missing or of an unexpected type is nil, and a node without a `nodeid` is left out. The values
    /// for predictions are read only with `withVoting`.
    init(reading map: borrowing ConfigurationMap, withVoting: Bool = false) throws(CorosyncError) {
        // Groups the keys by node, and sorts the addresses of a node by link.
        let keys = try map.keys(withPrefix: "nodelist.node.").map(\.name).sorted()
        var entries: [Entry] = []
        for key in keys {
            let parts = key.split(separator: ".")
            guard parts.count == 4, let position = Int(parts[2]) else { continue }
            if entries.last?.position != position { entries.append(Entry(position: position)) }
            let last = entries.count - 1
            if parts[3] == "nodeid" {
                entries[last].id = try map.read(key, as: UInt32.self).map(NodeID.init(_:))
            } else if parts[3] == "name" {
                entries[last].name = try map.read(key, as: String.self)
            } else if parts[3] == "quorum_votes" {
                entries[last].votes = try map.read(key, as: UInt32.self) ?? 1
            } else if parts[3].hasPrefix("ring"), parts[3].hasSuffix("_addr"),
                let link = Int(parts[3].dropFirst(4).dropLast(5)),
                let address = try map.read(key, as: String.self)
            {
                entries[last].addresses.append(address)
                entries[last].links.append(link)
            }
        }
        entries.sort { $0.position < $1.position }
        self.init(
            clusterName: try map.read("totem.cluster_name", as: String.self),
            nodes: entries.compactMap { entry in
                entry.id.map {
                    ConfiguredNode(
                        id: $0, name: entry.name, addresses: entry.addresses, links: entry.links, votes: entry.votes)
                }
            },
            expectedVotes: try map.read("quorum.expected_votes", as: UInt32.self),
            device: try ConfiguredDevice(reading: map),
            voting: withVoting ? try VotingSettings(reading: map) : nil)
    }

    /// The values of a node, with its position in the node list.
    private struct Entry {
        let position: Int
        var id: NodeID?
        var name: String?
        var addresses: [String] = []
        var links: [Int] = []
        var votes: UInt32 = 1
    }
}

extension ConfiguredDevice {
    /// The present values in a configuration map; nil when no device is configured.
    fileprivate init?(reading map: borrowing ConfigurationMap) throws(CorosyncError) {
        guard let model = try map.read("quorum.device.model", as: String.self), !model.isEmpty else { return nil }
        self.init(
            model: model, votes: try map.read("quorum.device.votes", as: UInt32.self),
            syncTimeout: try map.read("quorum.device.sync_timeout", as: UInt32.self).map { .milliseconds($0) })
    }
}

extension ConfigurationMap {
    /// A value; nil when it is missing, too large or of another type.
    borrowing func read<Value: ConfigurationMapValue>(
        _ key: String, as type: Value.Type
    ) throws(CorosyncError) -> Value? {
        do {
            return try get(key, as: type)
        } catch {
            guard case .corosync(let error) = error else { return nil }
            throw error
        }
    }
}
