// SPDX-License-Identifier: MIT

internal import Corosync

extension Statistics {
    /// The key that changes with every scheduling miss.
    static let latestMissKey = "stats.schedmiss.0.timestamp"
    /// The number of scheduling misses that corosync keeps.
    private static let mostMisses = 10

    /// The present statistics of these links, and of totem. Nil: the links are unknown.
    ///
    /// A value that is missing or of an unexpected type is unknown. A link without the key `connected` does not exist. The
    /// keys are not iterated over: the map has 40 for each link, and each takes a request.
    init(
        reading map: borrowing ConfigurationMap, links ids: [LinkID]?, withCounters: Bool
    ) throws(CorosyncError) {
        var links: [Link] = []
        for id in ids ?? [] {
            guard let connected = try map.read(id.key("connected"), as: UInt8.self) else { continue }
            var latency = try map.read(id.key("latency_ave"), as: UInt32.self)
            if latency == 0, try map.read(id.key("latency_samples"), as: UInt32.self) == 0 { latency = nil }
            links.append(
                Link(
                    id, isConnected: connected != 0,
                    isEnabled: try map.read(id.key("enabled"), as: UInt8.self).map { $0 != 0 }, latency: latency,
                    downs: withCounters ? try map.read(id.key("down_count"), as: UInt32.self) : nil))
        }
        guard withCounters else {
            self.init(links: ids.map { _ in links })
            return
        }
        let counters = TotemCounters(
            tokenLosses: try map.read("stats.srp.operational_token_lost", as: UInt64.self),
            consensusTimeouts: try map.read("stats.srp.consensus_timeouts", as: UInt64.self),
            retransmits: try map.read("stats.srp.mcast_retx", as: UInt64.self),
            memberships: try map.read("stats.srp.operational_entered", as: UInt64.self))
        self.init(
            links: ids.map { _ in links }, counters: counters, schedulingMisses: try Self.misses(reading: map))
    }

    private static func misses(reading map: borrowing ConfigurationMap) throws(CorosyncError) -> [SchedulingMiss] {
        var misses: [SchedulingMiss] = []
        for index in 0..<mostMisses {
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
}

extension LinkID {
    /// The keys that change with the state of the link.
    var trackedKeys: [String] { [key("connected"), key("down_count")] }

    fileprivate func key(_ name: String) -> String { "stats.knet.node\(node).link\(number).\(name)" }
}
