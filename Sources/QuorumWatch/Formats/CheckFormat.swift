// SPDX-License-Identifier: MIT

internal import Corosync

/// A state as the one line of a monitoring plugin: `QUORUM OK - text | performance data`.
package struct CheckFormat: Hashable, Sendable {
    /// The maximum length of the line in bytes, its newline included.
    static let longestLine = 1024

    /// The requirements on the cluster.
    var requirements: Requirements

    /// A format for states that are held against these requirements.
    package init(_ requirements: Requirements = Requirements()) { self.requirements = requirements }

    /// The result of the check: that of the state, but unknown if the requirements name a node that nobody knows.
    func status(of state: ClusterState) -> CheckStatus {
        let status = state.checkStatus
        return status != .critical && requirements.obstacle(in: state) != nil ? .unknown : status
    }

    /// The line of a state, its newline included.
    func line(for state: ClusterState) -> [UInt8] {
        let status = status(of: state)
        let obstacle = requirements.obstacle(in: state)?.text
        if status == .unknown, let obstacle { return Self.line(forUnknown: obstacle) }
        let data = performanceData(of: state)
        let end = data.isEmpty ? "\n" : " | \(data)\n"
        let head = head(of: state)
        // The votes of the line say it already.
        let problems = state.problems.filter { head == nil || $0.code != .notQuorate }
        var phrases = (head.map { [$0] } ?? []) + problems.map { Self.harmless($0.shortText) }
        if status == .unknown, !problems.contains(where: { $0.severity == .unknown }) {
            if state.quorate == nil {
                phrases.append("whether the cluster is quorate is not known")
            } else if state.votes.margin != nil, state.votes.expected != nil {
                phrases.append("some votes are not known")
            }
        }
        if let obstacle { phrases.append(Self.harmless(obstacle)) }
        let start = "QUORUM \(status.word) - "
        var room = Self.longestLine - phrases.reduce((start + end).utf8.count) { $0 + $1.utf8.count + 2 }
        for (index, problem) in zip((head == nil ? 0 : 1)..., problems) {
            let text = Self.harmless(problem.text)
            let growth = text.utf8.count - phrases[index].utf8.count
            guard growth <= room else { continue }
            phrases[index] = text
            room -= growth
        }
        return Array((start + phrases.joined(separator: "; ") + end).utf8)
    }

    /// The line for an unknown state, its newline included.
    package static func line(forUnknown reason: String) -> [UInt8] {
        // An apostrophe of our own words must stay readable.
        let words = String(reason.map { $0 == "'" ? "’" : $0 })
        return Array("QUORUM \(CheckStatus.unknown.word) - \(harmless(words))\n".utf8)
    }
}

// MARK: - Parts of the line

extension CheckFormat {
    /// Escapes characters with a special meaning in the line, or in a shell to which a monitoring system passes it.
    private static func harmless(_ text: String) -> String { escaped(text, limit: 900, also: "|\"'`") }

    /// Whether the cluster is quorate, and its votes; nil if that is not known.
    private func head(of state: ClusterState) -> String? {
        state.quorate.map { "\($0 ? "quorate" : "not quorate"): \(state.decision.summary)" }
    }

    /// The performance data, without values that are unknown.
    private func performanceData(of state: ClusterState) -> String {
        var data: [String] = []
        func add(_ label: String, _ value: Int?, warning: String = "", limits: String = "") {
            guard let value else { return }
            data.append("\(label)=\(value)" + (warning.isEmpty && limits.isEmpty ? "" : ";\(warning)\(limits)"))
        }
        guard state.quorate != nil else { return "" }
        let expected = state.votes.expected.map { ";;0;\($0)" } ?? ";;0"
        add("votes", state.votes.total.map(Int.init), limits: expected)
        add("quorum", state.votes.quorum.map(Int.init))
        add("margin", state.votes.margin, warning: requirements.margin.map { "\($0):" } ?? "")
        let nodes = state.shownNodes
        if !nodes.isEmpty { add("nodes", nodes.count { $0.isMember }, limits: ";;0;\(nodes.count)") }
        if let links = state.links, !links.isEmpty {
            add("links", links.count { $0.isConnected }, limits: ";;0;\(links.count)")
        }
        return data.joined(separator: " ")
    }
}
