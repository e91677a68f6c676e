// SPDX-License-Identifier: MIT

internal import Corosync

/// A state as the one line of a monitoring plugin: `QUORUM OK - text | performance data`.
public struct CheckFormat: Hashable, Sendable {
    /// The line never has more bytes, its newline included.
    static let longestLine = 1024

    /// Warn when fewer than this many more votes can be lost; nil: however few.
    public var warnMargin: Int?

    /// A format that warns when fewer than `warnMargin` more votes can be lost.
    public init(warnMargin: Int? = nil) { self.warnMargin = warnMargin }

    /// How good a state is.
    public func health(of state: ClusterState) -> Health { state.health(wantedMargin: warnMargin ?? 0) }

    /// The line of a state, its newline included.
    func line(for state: ClusterState) -> [UInt8] {
        let health = health(of: state)
        let data = performanceData(of: state)
        let end = data.isEmpty ? "\n" : " | \(data)\n"
        var line = "QUORUM \(health.word) - " + text(of: state, health)
        let missing = state.missingNodes
        if health != .healthy, !missing.isEmpty {
            line += "; nodes missing: "
            line += list(missing, limit: Self.longestLine - line.utf8.count - end.utf8.count)
        }
        return Array((line + end).utf8)
    }

    /// The line when there is no answer, its newline included.
    public static func line(forUnknown reason: String) -> [UInt8] {
        Array("QUORUM \(Health.unknown.word) - \(harmless(reason, limit: 900, also: special))\n".utf8)
    }
}

// MARK: - Parts of the line

extension CheckFormat {
    /// What means something to those who read the line, or to the shells they start.
    private static let special = "|\"'`"

    private func text(of state: ClusterState, _ health: Health) -> String {
        guard let quorate = state.quorate else { return "votequorum has not said whether the cluster is quorate" }
        var text = "\(quorate ? "quorate" : "not quorate"): \(state.votesText)"
        if let margin = state.marginWords { text += ", \(margin)" }
        if let device = state.device, !(device.alive && device.castVote) {
            let name = harmless(device.name, limit: 64, also: Self.special)
            text += "; quorum device \(name) \(device.alive ? "casts no vote" : "is not alive")"
        }
        if quorate, let warnMargin, let margin = state.votes.margin, margin < warnMargin {
            text += "; margin below \(warnMargin)"
        }
        return text
    }

    /// As many nodes as there is room for, and how many more there are.
    private func list(_ nodes: [Node], limit: Int) -> String {
        var list = ""
        for (index, node) in nodes.enumerated() {
            let name = node.name.map { "\(harmless($0, limit: 64, also: Self.special))(\(node.id))" }
            let next = (index == 0 ? "" : " ") + (name ?? node.id.description)
            let rest = nodes.count - index
            // The last one needs no room for saying that there are more.
            let more = rest == 1 ? "" : " and \(rest) more"
            guard list.utf8.count + next.utf8.count + more.utf8.count <= limit else {
                return list + (index == 0 ? "\(rest)" : " and \(rest) more")
            }
            list += next
        }
        return list
    }

    /// What is known only: nothing stands for a value that is not.
    private func performanceData(of state: ClusterState) -> String {
        var data: [String] = []
        func add(_ label: String, _ value: Int?, warning: String = "", limits: String = "") {
            guard let value else { return }
            data.append("\(label)=\(value)" + (warning.isEmpty && limits.isEmpty ? "" : ";\(warning)\(limits)"))
        }
        let expected = state.votes.expected.map { ";;0;\($0)" } ?? ";;0"
        add("votes", state.votes.total.map(Int.init), limits: expected)
        add("quorum", state.votes.quorum.map(Int.init))
        add("margin", state.votes.margin, warning: warnMargin.map { "\($0):" } ?? "")
        if !state.nodes.isEmpty {
            add("nodes", state.nodes.count { $0.isMember }, limits: ";;0;\(state.nodes.count)")
        }
        return data.joined(separator: " ")
    }
}

extension Health {
    /// The word of the monitoring plugin guidelines.
    fileprivate var word: String {
        switch self {
        case .healthy: "OK"
        case .degraded: "WARNING"
        case .notQuorate: "CRITICAL"
        case .unknown: "UNKNOWN"
        }
    }
}
