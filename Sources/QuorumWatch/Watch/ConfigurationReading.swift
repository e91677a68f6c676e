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
        let parts = withMembers ? ["status", "join_count", "config_version"] : ["config_version"]
        for node in nodes {
            for part in parts {
                let value = try map.read("\(Self.membersPrefix)\(node.id).\(part)")
                members[node.id, default: TotemMember()].set(part, to: value)
            }
        }
        fileDifference = ConfigurationFile()?.difference(
            from: nodelist.merging(quorum) { $1 }, clusterName: clusterName)
    }

    /// The key of ``trackedExpectedVotes``.
    static let barrierKey = "runtime.votequorum.ev_tracking_barrier"
    /// The prefix of the keys whose changes ``update(_:)`` applies.
    static let membersPrefix = "runtime.members."

    /// Applies a change of what totem knows of a node, without a request. Returns false for any other change.
    mutating func update(_ change: ConfigurationMap.Change) -> Bool {
        guard change.key.hasPrefix(Self.membersPrefix) else { return false }
        let parts = change.key.split(separator: ".")
        guard parts.count == 4, let id = UInt32(parts[2]), nodes.about(NodeID(id)) != nil else { return true }
        members[NodeID(id), default: TotemMember()].set(parts[3], to: change.newValue)
        return true
    }
}

extension ConfiguredNode {
    /// The nodes of the keys under `nodelist.node.`, sorted by ID. Of several with one ID, that with the lowest position is
    /// kept.
    static func nodes(in values: [String: ConfigurationMap.Value]) -> [ConfiguredNode] {
        let nodes = nodesByPosition(in: values).sorted { $0.key > $1.key }.compactMap { _, values -> ConfiguredNode? in
            guard let id: UInt32 = values["nodeid"]?.converted() else { return nil }
            var addresses: [(link: Int, text: String)] = []
            for (key, value) in values where key.hasPrefix("ring") && key.hasSuffix("_addr") {
                guard let link = Int(key.dropFirst(4).dropLast(5)), let address: String = value.converted() else {
                    continue
                }
                addresses.append((link, address))
            }
            addresses.sort { $0.link < $1.link }
            let name: String? = values["name"]?.converted()
            return ConfiguredNode(
                id: NodeID(id), name: name?.isEmpty == true ? nil : name, addresses: addresses.map(\.text),
                links: addresses.map(\.link), votes: values["quorum_votes"]?.converted() ?? 1)
        }
        return Array(byNode: nodes)
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

extension VotingSettings {
    /// The present values in a configuration map (cmap_keys(8)).
    ///
    /// After a reload, the `quorum.` keys are those of the file, but votequorum keeps some of its start. Those are
    /// therefore read from `runtime.votequorum.` keys, or are unknown.
    fileprivate init(reading map: borrowing ConfigurationMap) throws(CorosyncError) {
        let node = "runtime.votequorum"
        // The keys do not exist without a tie breaker, and before the first decision.
        switch try map.read("\(node).atb_type", as: UInt32.self) {
        case 1: tieBreaker = .lowest(try map.read("\(node).lowest_node_id", as: UInt32.self).map(NodeID.init(_:)))
        case 2: tieBreaker = .highest(try map.read("\(node).highest_node_id", as: UInt32.self).map(NodeID.init(_:)))
        case 3:
            // In this order: a reload in between must not go unnoticed. After one, it may not be the list of the start.
            let list = try map.read("quorum.auto_tie_breaker_node", as: String.self)
            let isReloaded = try map.read("config.reload_status", as: Int32.self) != nil
            tieBreaker = isReloaded ? nil : list.map(TieBreaker.init(list:))
        default: break
        }
        isWaitingForAll = try map.read("\(node).wait_for_all_status", as: UInt8.self) == 1
        // The key exists only if they are tracked.
        tracksExpectedVotes = try map.read(Configuration.barrierKey, as: UInt32.self) != nil
        allowsMasterWins = try map.read("\(node).qdevice_master_wins", as: UInt8.self) == 1
    }
}

extension TieBreaker {
    /// A list as votequorum parses it: numbers separated by blanks, up to the first that is 0 or not a number.
    init(list text: String) {
        var nodes: [NodeID] = []
        for word in text.split(whereSeparator: \.isWhitespace) {
            let digits = word.prefix { ("0"..."9").contains($0) }
            guard let number = UInt32(digits), number != 0 else { break }
            nodes.append(NodeID(number))
            if digits.count < word.count { break }
        }
        self = .list(nodes)
    }
}

extension TotemMember {
    /// Sets a value, which is given by the last part of its key; nil: the key is missing.
    fileprivate mutating func set(_ part: some StringProtocol, to value: ConfigurationMap.Value?) {
        switch part {
        case "status": isJoined = value?.converted(to: String.self).map { $0 == "joined" }
        case "join_count": joinCount = value?.converted()
        case "config_version": configVersion = value?.converted()
        default: break
        }
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

    /// A value; nil when it is missing or too large.
    borrowing func read(_ key: String) throws(CorosyncError) -> Value? {
        do {
            return try value(of: key)
        } catch {
            guard case .corosync(let error) = error else { return nil }
            throw error
        }
    }
}
