// SPDX-License-Identifier: MIT

internal import Corosync

/// The status as lines for people: the verdict, the votes and flags, the problems, and a table of the nodes.
struct StatusText {
    let state: ClusterState
    /// The size of the terminal; nil: no terminal. If the nodes do not fit, equal nodes share a row.
    var size: TerminalSize?
    /// Whether there is a table of the links.
    var showsLinks = false

    var lines: [StyledText] {
        let name = state.clusterName.map { escaped($0) } ?? "(no name)"
        var lines = [StyledText("Cluster \(name): ") + state.decision.styled]
        for (name, value, style) in facts {
            let line = StyledText("  \(name):".padded(to: 20)) + StyledText(value.isEmpty ? "none" : value, style)
            lines += line.wrapped(to: size?.width ?? .max, indent: 20)
        }
        lines.append("")
        // The heading, the legend, and the shell's prompt take three lines.
        lines += nodes(room: size.map { $0.height - lines.count - 3 } ?? .max)
        if state.nodes.contains(where: \.isLocal) { lines.append("    * this node") }
        if showsLinks, let links = state.links, !links.isEmpty { lines += [""] + links.table(in: state).lines() }
        return lines
    }

    private var facts: [(name: String, value: String, style: TextStyle?)] {
        var facts: [(String, String, TextStyle?)] = [("Votes", state.summary, nil)]
        // While it is not known whether the cluster is quorate, neither are these.
        if state.quorate != nil {
            facts.append(("Highest expected", state.votes.highestExpected.map(String.init) ?? "not known", nil))
            facts.append(("Flags", state.flags.map { $0.clusterFlagNames.joined(separator: " ") } ?? "not known", nil))
        }
        facts += [
            ("Ring ID", state.ring?.description ?? "not known", nil),
            ("Quorum device", state.deviceText ?? "none", nil),
        ]
        return facts
            + state.problems.map { problem in
                let name = problem.severity.rawValue
                return (
                    name.prefix(1).uppercased() + name.dropFirst(), escaped(problem.text, limit: 1000),
                    problem.severity.style
                )
            }
    }

    private func nodes(room: Int) -> [StyledText] {
        var groups: [[Node]] = []
        let nodes = state.shownNodes
        for node in nodes {
            let group = nodes.count > room ? groups.firstIndex { $0[0].looksLike(node) } : nil
            if let group { groups[group].append(node) } else { groups.append([node]) }
        }
        let columns = NodeColumn.allCases.filter { $0 != .since && $0 != .links }
        var table = TextTable(of: state, groups, columns: columns)
        if let size { table.fit(into: size.width) }
        return table.lines()
    }
}

extension Problem.Severity {
    /// The style of a problem.
    var style: TextStyle { self == .critical ? .bad : .warning }
}

extension Node {
    /// Whether both rows would be equal except for ID, name and addresses.
    fileprivate func looksLike(_ other: Node) -> Bool {
        state == other.state && votes == other.votes && device == other.device && quorateIfDown == other.quorateIfDown
            && !isLocal && !other.isLocal
    }
}
