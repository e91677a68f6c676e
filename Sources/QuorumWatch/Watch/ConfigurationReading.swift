// SPDX-License-Identifier: MIT

internal import Corosync

extension Configuration {
    /// The present values in a configuration map (cmap_keys(8)), compared with the configuration file.
    ///
    /// A value that is missing or of an unexpected type is nil, and a node without a `nodeid` is left out.
    /// The values for predictions are read only with `withVoting`, and whether and how often each node has joined only with
    /// `withMembers`.
    init(
        reading map: borrowing ConfigurationMap, withVoting: Bool = false, withMembers: Bool = false
    ) throws(CorosyncError) {
        let nodelist = try map.values(withPrefix: "nodelist.node.")
        let quorum = try map.values(withPrefix: "quorum.")
        self.init(
            clusterName: try map.read("totem.cluster_name", as: String.self),
            nodes: ConfiguredNode.nodes(in: nodelist), expectedVotes: quorum["quorum.expected_votes"]?.converted(),
            device: ConfiguredDevice(in: quorum), voting: withVoting ? try VotingSettings(reading: map) : nil)
        hasLastManStanding = quorum["quorum.last_man_standing"]?.converted() == UInt8(1)
        let tracking = ["quorum.expected_votes_tracking", "quorum.allow_downscale"]
        if tracking.contains(where: { quorum[$0]?.converted() == UInt8(1) }) {
            trackedExpectedVotes = try map.read(Self.barrierKey, as: UInt32.self)
        }
        version = try map.read("totem.config_version", as: UInt64.self)
        consensus = try map.read("runtime.config.totem.consensus", as: UInt32.self).map { .milliseconds($0) }
        for node in nodes { members[node.id] = try TotemMember(reading: map, of: node.id, completely: withMembers) }
        fileDifference = ConfigurationFile()?.difference(
            from: nodelist.merging(quorum) { $1 }, clusterName: clusterName)
    }
}

extension Configuration {
    /// The key of ``trackedExpectedVotes``.
    static let barrierKey = "runtime.votequorum.ev_tracking_barrier"
    /// The prefix of the keys whose changes ``update(_:)`` applies.
    static let membersPrefix = "runtime.members."

    /// Applies a change of what totem knows of a node, without a request. Returns false for any other change.
    mutating func update(_ change: ConfigurationMap.Change) -> Bool {
        guard change.key.hasPrefix(Self.membersPrefix) else { return false }
        let parts = change.key.split(separator: ".")
        guard parts.count == 4, let id = UInt32(parts[2]), nodes.about(NodeID(id)) != nil else { return true }
        var member = members[NodeID(id)] ?? TotemMember()
        switch parts[3] {
        case "status": member.isJoined = change.newValue?.converted(to: String.self).map { $0 == "joined" }
        case "join_count": member.joinCount = change.newValue?.converted()
        case "config_version": member.configVersion = change.newValue?.converted()
        default: break
        }
        members[NodeID(id)] = member
        return true
    }
}

extension ConfiguredNode {
    /// The nodes of the keys under `nodelist.node.`, in the order of the nodelist.
    static func nodes(in values: [String: ConfigurationMap.Value]) -> [ConfiguredNode] {
        var positions: [Int: [(key: Substring, value: ConfigurationMap.Value)]] = [:]
        for (key, value) in values {
            let parts = key.split(separator: ".")
            guard parts.count == 4, let position = Int(parts[2]) else { continue }
            positions[position, default: []].append((parts[3], value))
        }
        return positions.sorted { $0.key < $1.key }.compactMap { position in
            var (id, name, votes): (UInt32?, String?, UInt32?)
            var addresses: [(link: Int, text: String)] = []
            for (key, value) in position.value {
                switch key {
                case "nodeid": id = value.converted()
                case "name": name = value.converted()
                case "quorum_votes": votes = value.converted()
                default:
                    guard key.hasPrefix("ring"), key.hasSuffix("_addr"),
                        let link = Int(key.dropFirst(4).dropLast(5)), let address: String = value.converted()
                    else { break }
                    addresses.append((link, address))
                }
            }
            addresses.sort { $0.link < $1.link }
            return id.map {
                ConfiguredNode(
                    id: NodeID($0), name: name, addresses: addresses.map(\.text), links: addresses.map(\.link),
                    votes: votes ?? 1)
            }
        }
    }
}

extension ConfiguredDevice {
    /// The device of the keys under `quorum.`; nil when none is configured.
    fileprivate init?(in values: [String: ConfigurationMap.Value]) {
        guard let model: String = values["quorum.device.model"]?.converted(), !model.isEmpty else { return nil }
        let timeout: UInt32? = values["quorum.device.sync_timeout"]?.converted()
        self.init(
            model: model, votes: values["quorum.device.votes"]?.converted(),
            syncTimeout: timeout.map { .milliseconds($0) })
    }
}

extension TotemMember {
    /// What totem knows of a node; without `completely` only the version of its configuration.
    fileprivate init(
        reading map: borrowing ConfigurationMap, of node: NodeID, completely: Bool
    ) throws(CorosyncError) {
        let prefix = "runtime.members.\(node)."
        if completely {
            isJoined = try map.read(prefix + "status", as: String.self).map { $0 == "joined" }
            joinCount = try map.read(prefix + "join_count", as: UInt32.self)
        }
        configVersion = try map.read(prefix + "config_version", as: UInt64.self)
    }
}

extension ConfigurationMap {
    /// A value; nil when it is missing, too large or of another type.
    borrowing func read<Value: ConfigurationMapValue>(
        _ key: String, as type: Value.Type
    ) throws(CorosyncError) -> Value? {
        try read(key)?.converted()
    }

    /// The values of every key that begins with a prefix, except those that are too large.
    borrowing func values(withPrefix prefix: String) throws(CorosyncError) -> [String: Value] {
        var values: [String: Value] = [:]
        try forEachKey(withPrefix: prefix) { (key, value) throws(CorosyncError) in values[key.name] = value }
        return values
    }

    private borrowing func read(_ key: String) throws(CorosyncError) -> Value? {
        do {
            return try value(of: key)
        } catch {
            guard case .corosync(let error) = error else { return nil }
            throw error
        }
    }
}
