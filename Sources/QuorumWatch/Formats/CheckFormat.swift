// SPDX-License-Identifier: MIT

internal import Corosync

/// A state as the one line of a monitoring plugin: `QUORUM OK - text | performance data`.
package struct CheckFormat: Hashable, Sendable {
    /// The maximum length of the line in bytes, its newline included.
    static let longestLine = 1024

    /// The requirements on the cluster.
    var requirements: Requirements
    /// Whether the links must be known.
    var needsLinks: Bool

    /// A format that compares states with these requirements.
    package init(_ requirements: Requirements = Requirements(), needsLinks: Bool = false) {
        self.requirements = requirements
        self.needsLinks = needsLinks
    }

    /// The health of a state; unknown if a quorate state cannot be compared with the configuration or the requirements.
    func health(of state: ClusterState) -> Health {
        let health = state.health(requirements)
        if health != .notQuorate, obstacle(in: state) != nil { return .unknown }
        return health == .healthy && !unknownParts(of: state).isEmpty ? .unknown : health
    }

    /// The line of a state, its newline included.
    func line(for state: ClusterState) -> [UInt8] {
        let health = health(of: state)
        if health == .unknown, let obstacle = obstacle(in: state) { return Self.line(forUnknown: obstacle) }
        let data = performanceData(of: state)
        let end = data.isEmpty ? "\n" : " | \(data)\n"
        var line = "QUORUM \(health.word) - " + text(of: state)
        if health == .unknown, state.quorate != nil, state.votes.total != nil {
            line += unknownParts(of: state).map { "; \($0)" }.joined()
        }
        let shortcomings = health == .healthy ? [] : withoutExplainedVotes(state.shortcomings(requirements))
        // Reserve the length of each phrase without node names; the rest of the line is for the names.
        let shortest = shortcomings.map { "; " + words(for: $0, of: state, limit: 0) }
        var room = shortest.reduce(Self.longestLine - line.utf8.count - end.utf8.count) { $0 - $1.utf8.count }
        for (shortcoming, least) in zip(shortcomings, shortest) {
            let words = "; " + words(for: shortcoming, of: state, limit: room)
            line += words
            room -= words.utf8.count - least.utf8.count
        }
        return Array((line + end).utf8)
    }

    /// The line for an unknown state, its newline included.
    package static func line(forUnknown reason: String) -> [UInt8] {
        Array("QUORUM \(Health.unknown.word) - \(escaped(reason, limit: 900, also: special))\n".utf8)
    }
}

// MARK: - Parts of the line

extension CheckFormat {
    /// Characters with a special meaning in the line, or in a shell to which a monitoring system passes it.
    private static let special = "|\"'`"

    /// The parts of the state that are unknown, and without which the result is never OK.
    private func unknownParts(of state: ClusterState) -> [String] {
        (state.configuredVotes == nil ? ["the configuration is not known"] : [])
            + (needsLinks && state.links == nil ? ["the links are not known"] : [])
    }

    /// Why the health of a state is unknown; nil when it is known.
    private func obstacle(in state: ClusterState) -> String? {
        guard state.configuredVotes != nil else { return nil }
        let unknown = requirements.absentNodes.first { $0.nodes(in: state).isEmpty }
        return unknown.map { "--allow-absent \($0): no node has this ID or name; see the nodelist in corosync.conf" }
    }

    private func text(of state: ClusterState) -> String {
        guard let quorate = state.quorate else { return "votequorum has not said whether the cluster is quorate" }
        return "\(quorate ? "quorate" : "not quorate"): \(state.votesText)"
            + (state.marginWords.map { ", \($0)" } ?? "")
    }

    /// Removes missing votes if another shortcoming explains them.
    private func withoutExplainedVotes(_ shortcomings: [Shortcoming]) -> [Shortcoming] {
        let isExplained = shortcomings.contains {
            switch $0 {
            case .missingNodes, .deviceNotRegistered, .deviceNotAlive, .deviceCastsNoVote: true
            case .loweredExpectedVotes, .missingVotes, .linksDown, .marginBelow: false
            }
        }
        return shortcomings.filter { if case .missingVotes = $0 { !isExplained } else { true } }
    }

    /// A shortcoming as a phrase, with a list of nodes that is limited in bytes.
    private func words(for shortcoming: Shortcoming, of state: ClusterState, limit: Int) -> String {
        func device(_ words: String, _ nodes: [Node]) -> String {
            let name = (state.device?.name ?? state.device?.model).map { escaped($0, limit: 64, also: Self.special) }
            return "quorum device \(name ?? "") \(words) on \(list(nodes, limit: limit))"
        }
        switch shortcoming {
        case .missingNodes(let nodes): return "nodes missing: \(list(nodes, limit: limit))"
        case .loweredExpectedVotes(let configured, let expected):
            return "expected votes are \(expected), configured are \(configured)"
        case .missingVotes(let votes): return "\(votes) vote\(votes == 1 ? "" : "s") missing"
        case .deviceNotRegistered(let nodes): return device("is not registered", nodes)
        case .deviceNotAlive(let nodes): return device("is not alive", nodes)
        case .deviceCastsNoVote(let nodes): return device("casts no vote", nodes)
        case .linksDown(let links):
            let words = links.map { link in
                let node = state.reference(link.id.node)
                return "link \(link.id.number) to \(escaped(node.text, limit: 64, also: Self.special))"
            }
            return "down: \(list(words, of: "link", separator: ", ", limit: limit))"
        case .marginBelow(let margin): return "margin below \(margin)"
        }
    }

    /// As many nodes as fit, and the number of the others; only the number of nodes if none fits.
    private func list(_ nodes: [Node], limit: Int) -> String {
        let names = nodes.map { node in
            node.name.map { "\(escaped($0, limit: 64, also: Self.special))(\(node.id))" } ?? node.id.description
        }
        return list(names, of: "node", separator: " ", limit: limit)
    }

    private func list(_ words: [String], of kind: String, separator: String, limit: Int) -> String {
        var list = ""
        for (index, word) in words.enumerated() {
            let next = (index == 0 ? "" : separator) + word
            let rest = words.count - index
            // After the last one, no number of others follows.
            let more = rest == 1 ? "" : " and \(rest) more"
            guard list.utf8.count + next.utf8.count + more.utf8.count <= limit else {
                return index == 0 ? "\(rest) \(kind)\(rest == 1 ? "" : "s")" : "\(list) and \(rest) more"
            }
            list += next
        }
        return list
    }

    /// The performance data, without values that are unknown.
    private func performanceData(of state: ClusterState) -> String {
        var data: [String] = []
        func add(_ label: String, _ value: Int?, warning: String = "", limits: String = "") {
            guard let value else { return }
            data.append("\(label)=\(value)" + (warning.isEmpty && limits.isEmpty ? "" : ";\(warning)\(limits)"))
        }
        let expected = state.votes.expected.map { ";;0;\($0)" } ?? ";;0"
        add("votes", state.votes.total.map(Int.init), limits: expected)
        add("quorum", state.votes.quorum.map(Int.init))
        add("margin", state.votes.margin, warning: requirements.margin.map { "\($0):" } ?? "")
        if !state.nodes.isEmpty {
            add("nodes", state.nodes.count { $0.isMember }, limits: ";;0;\(state.nodes.count)")
        }
        if let links = state.links, !links.isEmpty {
            add("links", links.count { $0.isConnected }, limits: ";;0;\(links.count)")
        }
        return data.joined(separator: " ")
    }
}

extension Health {
    /// The status in the words of the monitoring plugin guidelines.
    var word: String {
        switch self {
        case .healthy: "OK"
        case .degraded: "WARNING"
        case .notQuorate: "CRITICAL"
        case .unknown: "UNKNOWN"
        }
    }
}
