// SPDX-License-Identifier: MIT

/// The health of a cluster. The raw value is the exit status of a monitoring plugin.
package enum Health: Int32, Hashable, Sendable, CaseIterable {
    /// Quorate, with no shortcoming.
    case healthy = 0
    /// Quorate, but with a shortcoming that reduces the distance to a loss of quorum.
    case degraded = 1
    /// Not quorate.
    case notQuorate = 2
    /// Not known.
    case unknown = 3
}

/// A problem of a cluster that is quorate.
enum Shortcoming: Hashable {
    /// Configured nodes are not members.
    case missingNodes([Node])
    /// Votequorum expects fewer votes than are configured.
    case loweredExpectedVotes(from: Int, to: UInt32)
    /// The total votes are fewer than the expected votes, by this number.
    case missingVotes(Int)
    /// The quorum device is not registered on these members.
    case deviceNotRegistered([Node])
    /// The quorum device is not alive on these members.
    case deviceNotAlive([Node])
    /// The quorum device casts no vote for these members.
    case deviceCastsNoVote([Node])
    /// Links to members are down.
    case linksDown([Link])
    /// The margin is less than the required number of votes.
    case marginBelow(Int)
}

/// Requirements on a cluster that are not in its configuration.
package struct Requirements: Hashable, Sendable {
    /// The required margin in votes; nil: any.
    var margin: Int?
    /// The required number of connected links to each member; nil: any.
    var links: Int?
    /// The nodes that may be absent.
    var absentNodes: [NodeSelector]

    /// Requirements from their parts.
    package init(margin: Int? = nil, links: Int? = nil, absentNodes: [NodeSelector] = []) {
        self.margin = margin
        self.links = links
        self.absentNodes = absentNodes
    }
}

extension ClusterState {
    /// The health, as far as the configuration is known.
    func health(_ requirements: Requirements = Requirements()) -> Health {
        guard let quorate else { return .unknown }
        guard quorate else { return .notQuorate }
        guard shortcomings(requirements).isEmpty else { return .degraded }
        return votes.total == nil || votes.expected == nil ? .unknown : .healthy
    }

    /// The shortcomings compared with the configuration and the requirements. Unknown values are not shortcomings.
    func shortcomings(_ requirements: Requirements) -> [Shortcoming] {
        let allowed = Set(requirements.absentNodes.flatMap { $0.nodes(in: self) }.map(\.id))
        var found: [Shortcoming] = []
        // A node that was removed from the nodelist may be absent. Without a nodelist, no node may.
        let hasNodelist = nodes.contains { $0.configuredVotes != nil }
        let missing = nodes.filter {
            !$0.isMember && !allowed.contains($0.id) && ($0.configuredVotes != nil || !hasNodelist)
        }
        if !missing.isEmpty { found.append(.missingNodes(missing)) }
        if let expected = votes.expected, let configuredVotes, expected < configuredVotes {
            found.append(.loweredExpectedVotes(from: configuredVotes, to: expected))
        }
        if let total = votes.total, let expected = votes.expected {
            let excused = nodes.filter { !$0.isMember && allowed.contains($0.id) }
                .reduce(0) { $0 + Int($1.votes ?? $1.configuredVotes ?? 0) }
            let deficit = Int(expected) - Int(total) - excused
            if deficit > 0 { found.append(.missingVotes(deficit)) }
        }
        found += shortcomingsOfDevice
        let down = (links ?? []).filter { !$0.isConnected && node($0.id.node)?.isMember == true }
        if !down.isEmpty { found.append(.linksDown(down)) }
        if quorate == true, let margin = votes.margin, let wanted = requirements.margin, margin < wanted {
            found.append(.marginBelow(wanted))
        }
        return found
    }

    private var shortcomingsOfDevice: [Shortcoming] {
        guard let device else { return [] }
        // If votequorum gave no information about a member, its device is unknown.
        let members = nodes.filter { $0.isMember && $0.votes != nil }
        func found(_ shortcoming: ([Node]) -> Shortcoming, where isShort: (Node) -> Bool) -> [Shortcoming] {
            let nodes = members.filter(isShort)
            return nodes.isEmpty ? [] : [shortcoming(nodes)]
        }
        return (device.model == nil ? [] : found(Shortcoming.deviceNotRegistered) { $0.device == nil })
            + found(Shortcoming.deviceNotAlive) { $0.device?.alive == false }
            + found(Shortcoming.deviceCastsNoVote) { $0.device.map { $0.alive && !$0.castVote } ?? false }
    }
}
