// SPDX-License-Identifier: MIT

internal import Corosync

/// Reads the statistics map, and tracks what changes in it.
///
/// The keys are read one by one and tracked one by one. They are not iterated over: the map has 40 for each link, and
/// each takes a request. For a prefix, corosync notifies only of added and deleted keys, and logs a warning for each key
/// that is deleted.
struct StatisticsReader {
    private let plan: WatchPlan
    /// The links in the configuration; nil while that is not known.
    private var links: [LinkID]?
    /// Whether what is tracked may be the links of an earlier configuration.
    private var linksHaveChanged = false
    /// The last statistics; nil before the first reading.
    private var latest: Statistics?

    init(_ plan: WatchPlan) { self.plan = plan }

    /// Sets the configuration, which defines the links; nil if it cannot be read. Returns whether the links have changed.
    mutating func configure(_ configuration: Configuration?) -> Bool {
        // While the configuration cannot be read, the links that were read before stay valid.
        guard plan.needsLinks, let configuration else { return false }
        let links = configuration.nodes.flatMap { node in node.links.map { LinkID(node: node.id, number: $0) } }
        guard links != self.links else { return false }
        (self.links, linksHaveChanged) = (links, true)
        return true
    }

    /// The present statistics. A value that is missing or of an unexpected type is unknown, and a link without the key
    /// `connected` does not exist.
    mutating func read(_ open: MapConnection.Open) throws(CorosyncError) -> Statistics {
        if plan.follows, linksHaveChanged || open.tracks.isEmpty { try track(open) }
        // Notifications that are queued have older values than this reading.
        if plan.follows { _ = try dispatch(open.map) }
        let readsToken = !plan.follows || latest?.totem.lacksToken ?? true
        // Before the counters: if the token is that of a new ring, they have counted that ring.
        let lacksToken = readsToken ? try lacksToken(open.map) : false
        var read = Statistics(links: try links(of: open.map), totem: try TotemState(reading: open.map))
        read.totem.lacksToken = lacksToken
        if plan.needsCounters {
            read.counters = TotemCounters(
                tokenLosses: try open.map.read("stats.srp.operational_token_lost", as: UInt64.self),
                consensusTimeouts: try open.map.read("stats.srp.consensus_timeouts", as: UInt64.self),
                retransmits: try open.map.read("stats.srp.mcast_retx", as: UInt64.self),
                memberships: read.totem.operationalEntered)
            read.schedulingMisses = try schedulingMisses(in: open.map)
        }
        latest = read
        return read
    }

    /// Takes changes off a map. Returns the last statistics with totem's present state, if that has changed: while
    /// corosync synchronises its services, it sends notifications, but does not answer requests.
    mutating func dispatch(_ map: borrowing ConfigurationMap) throws(CorosyncError) -> Statistics? {
        let before = latest?.totem
        var totem = before
        try map.dispatch(.all) { change in totem?.set(change.key, to: change.newValue) }
        guard let totem, totem != before else { return nil }
        latest?.totem = totem
        return latest
    }

    /// Whether the token was last received longer ago than the token timeout (``TotemState/lacksToken``).
    private func lacksToken(_ map: borrowing ConfigurationMap) throws(CorosyncError) -> Bool {
        let age = try map.read("stats.srp.time_since_token_last_received", as: UInt64.self) ?? 0
        // A ring at rest passes the token on several times in this time, unless its timeout is longer than the default.
        // That the configuration cannot be read is a problem of its own.
        guard age >= 500, let timeout = try? ConfigurationMap().read("runtime.config.totem.token", as: UInt32.self)
        else { return false }
        return age >= timeout
    }

    private func links(of map: borrowing ConfigurationMap) throws(CorosyncError) -> [Link]? {
        guard let links else { return nil }
        var found: [Link] = []
        for id in links {
            guard let connected = try map.read(id.key("connected"), as: UInt8.self) else { continue }
            var latency = try map.read(id.key("latency_ave"), as: UInt32.self)
            if latency == 0, try map.read(id.key("latency_samples"), as: UInt32.self) == 0 { latency = nil }
            found.append(
                Link(
                    id: id, isConnected: connected != 0,
                    isEnabled: try map.read(id.key("enabled"), as: UInt8.self).map { $0 != 0 }, latency: latency,
                    mtu: try map.read(id.key("mtu"), as: UInt32.self),
                    downs: plan.needsCounters ? try map.read(id.key("down_count"), as: UInt32.self) : nil))
        }
        return found
    }

    private func schedulingMisses(in map: borrowing ConfigurationMap) throws(CorosyncError) -> [SchedulingMiss] {
        var misses: [SchedulingMiss] = []
        // Corosync keeps the last ten.
        for index in 0..<10 {
            guard let time = try map.read("stats.schedmiss.\(index).timestamp", as: UInt64.self),
                let delay = try map.read("stats.schedmiss.\(index).delay", as: Float.self)
            else { break }
            misses.append(
                SchedulingMiss(
                    // The year must have four digits.
                    time: Timestamp(microseconds: Int64(min(time, 253_402_300_799_999)) * 1000),
                    delay: delay.isFinite ? Int64(max(0, min(delay.rounded(), 1e12))) : 0))
        }
        return misses
    }

    /// Tracks totem's state, the scheduling misses and the present links, and no others.
    private mutating func track(_ open: MapConnection.Open) throws(CorosyncError) {
        let ofLinks = (links ?? []).flatMap { ["connected", "down_count", "mtu"].map($0.key) }
        let wanted = Set(TotemState.trackedKeys + ["stats.schedmiss.0.timestamp"] + ofLinks)
        for (key, track) in open.tracks where !wanted.contains(key) {
            try open.map.stopTracking(track)
            open.tracks[key] = nil
        }
        for key in wanted.sorted() where open.tracks[key] == nil {
            open.tracks[key] = try open.map.startTracking(key, for: .modify)
        }
        linksHaveChanged = false
    }
}

extension TotemState {
    fileprivate static let trackedKeys = [
        "stats.srp.continuous_gather", "stats.srp.gather_entered", "stats.srp.operational_entered",
        "stats.srp.firewall_enabled_or_nic_failure",
    ]

    /// The present values in a statistics map.
    fileprivate init(reading map: borrowing ConfigurationMap) throws(CorosyncError) {
        for key in Self.trackedKeys { set(key, to: try map.read(key)) }
    }

    /// Sets the value of a key; nil: the key is missing.
    fileprivate mutating func set(_ key: String, to value: ConfigurationMap.Value?) {
        switch key {
        case "stats.srp.continuous_gather": continuousGather = value?.converted()
        case "stats.srp.gather_entered": gatherEntered = value?.converted()
        case "stats.srp.operational_entered": operationalEntered = value?.converted()
        case "stats.srp.firewall_enabled_or_nic_failure":
            isNetworkBlocked = value?.converted(to: UInt8.self).map { $0 != 0 }
        default: break
        }
    }
}

extension LinkID {
    fileprivate func key(_ name: String) -> String { "stats.knet.node\(node).link\(number).\(name)" }
}
