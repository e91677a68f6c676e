// SPDX-License-Identifier: MIT

/// How good the state of a cluster is. The raw value is the exit status of a monitoring plugin.
public enum Health: Int32, Hashable, Sendable, CaseIterable {
    /// Quorate, with everything that belongs to it.
    case healthy = 0
    /// Quorate, but not as far from the loss of quorum as it should be.
    case degraded = 1
    /// Not quorate.
    case notQuorate = 2
    /// Not known.
    case unknown = 3
}

/// What a cluster lacks although it is quorate.
enum Shortcoming: Hashable {
    /// Configured nodes are not members.
    case missingNodes([Node])
    /// Votequorum expects fewer votes than are configured.
    case loweredExpectedVotes(from: Int, to: UInt32)
    /// Members have fewer votes together than are expected.
    case missingVotes(Int)
    /// The quorum device is not registered on these members.
    case deviceNotRegistered([Node])
    /// The quorum device is not alive on these members.
    case deviceNotAlive([Node])
    /// The quorum device casts no vote for these members.
    case deviceCastsNoVote([Node])
    /// Fewer votes than this can be lost.
    case marginBelow(Int)
}

/// What a cluster should be like, beyond its configuration.
public struct Requirements: Hashable, Sendable {
    /// How many votes should be left to lose; nil: however few.
    public var margin: Int?
    /// The nodes that may be away.
    public var absentNodes: [NodeSelector]

    /// Requirements from their parts.
    public init(margin: Int? = nil, absentNodes: [NodeSelector] = []) {
        self.margin = margin
        self.absentNodes = absentNodes
    }
}

extension ClusterState {
    /// How good the state is, as far as the configuration is known.
    func health(_ requirements: Requirements = Requirements()) -> Health {
        guard let quorate else { return .unknown }
        guard quorate else { return .notQuorate }
        guard shortcomings(requirements).isEmpty else { return .degraded }
        return votes.total == nil || votes.expected == nil ? .unknown : .healthy
    }

    /// What the cluster lacks, compared with its configuration and with the requirements. What is not known is not
    /// among it.
    func shortcomings(_ requirements: Requirements) -> [Shortcoming] {
        let allowed = Set(requirements.absentNodes.flatMap { $0.nodes(in: self) }.map(\.id))
        var found: [Shortcoming] = []
        // A node that was taken out of the configuration may be away. Without a list of nodes, none was taken out.
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
        if quorate == true, let margin = votes.margin, let wanted = requirements.margin, margin < wanted {
            found.append(.marginBelow(wanted))
        }
        return found
    }

    private var shortcomingsOfDevice: [Shortcoming] {
        guard let device else { return [] }
        // A node of which votequorum says nothing is not known to lack the device.
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
