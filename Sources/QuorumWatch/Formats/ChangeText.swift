// SPDX-License-Identifier: MIT

internal import Corosync

/// Changes of a state as phrases. Nodes with the same change share a phrase.
struct ChangeText {
    let state: ClusterState
    /// The nodelist report of the previous line. Its joined and left nodes are not repeated.
    let said: NodelistReport?

    private let names: NodeNames

    init(_ state: ClusterState, after said: NodelistReport? = nil) {
        self.state = state
        self.said = said
        names = state.names
    }

    /// The phrases, in the order of the changes, without those that the verdict and the votes already express.
    func phrases(for changes: [Change]) -> [String] {
        var phrases: [Phrase] = []
        for change in changes {
            guard let phrase = phrase(for: change) else { continue }
            if let same = phrases.firstIndex(where: { $0.isSame(as: phrase) }) {
                phrases[same].nodes += phrase.nodes
            } else {
                phrases.append(phrase)
            }
        }
        return phrases.map { $0.text(names) }
    }

    /// A phrase about some nodes, or about none.
    private struct Phrase {
        var before = ""
        var nodes: [NodeReference] = []
        var after = ""

        func isSame(as other: Phrase) -> Bool { before == other.before && after == other.after }
        func text(_ names: NodeNames) -> String { before + (nodes.isEmpty ? "" : names.text(nodes)) + after }
    }

    private func phrase(for change: Change) -> Phrase? {
        let (from, to) = (change.from.text, change.to.text)
        let parts = change.field.split(separator: ".", maxSplits: 2).map(String.init)
        switch parts[0] {
        case "nodes":
            guard parts.count > 1, let id = UInt32(parts[1]) else { return nil }
            return phrase(for: change, in: parts.count > 2 ? parts[2] : nil, of: NodeID(id))
        case "votes":
            // The summary contains the quorum and the margin.
            switch parts.last {
            case "total": return Phrase(before: "votes \(from) -> \(to)")
            case "expected": return Phrase(before: "expected votes \(from) -> \(to)")
            default: return nil
            }
        // One short phrase describes the whole device.
        case "qdevice":
            return Phrase(before: "quorum device \(state.device?.text ?? "no longer configured or registered")")
        case "links": return phrase(forLinks: change, parts)
        case "flags": return Phrase(before: "flags \(from) -> \(to)")
        default: return nil
        }
    }

    private func phrase(for change: Change, in field: String?, of id: NodeID) -> Phrase? {
        let node = state.reference(id)
        let (from, to) = (change.from.text, change.to.text)
        switch (field, change.from, change.to) {
        case ("state", _, .string(let state)):
            let isSaid =
                state == "member" ? said?.joined.contains { $0.id == id } : said?.left.contains { $0.id == id }
            guard isSaid != true || !["member", "dead"].contains(state) else { return nil }
            return Phrase(before: "\(escaped(state)): ", nodes: [node])
        case (nil, .null, .node(let new)): return Phrase(before: "new, \(new.stateName): ", nodes: [node])
        case (nil, _, _): return Phrase(before: "no longer known: ", nodes: [node])
        // Votes that become known or unknown accompany a change of the node's state.
        case ("expected_votes", _, _), ("votes", .null, _), ("votes", _, .null): return nil
        case ("votes", _, _): return Phrase(before: "votes of ", nodes: [node], after: " \(from) -> \(to)")
        // For this node, `qdevice` says the same.
        case ("qdevice", _, _) where state.localNode == id: return nil
        case ("qdevice", _, .null): return Phrase(before: "quorum device not registered on ", nodes: [node])
        case ("qdevice", _, _): return Phrase(before: "quorum device \(to) on ", nodes: [node])
        // The reference contains the new name already.
        case ("name", _, _): return Phrase(before: "name of node \(id) \(from) -> \(to)")
        case (let field?, _, _): return Phrase(before: "\(field) of ", nodes: [node], after: " \(from) -> \(to)")
        }
    }
}

// MARK: - Links

extension ChangeText {
    private func phrase(forLinks change: Change, _ parts: [String]) -> Phrase? {
        guard parts.count > 2, let id = UInt32(parts[1]) else {
            return Phrase(before: change.to == .null ? "links not known" : "links: \(change.to.text)")
        }
        let node = state.reference(NodeID(id))
        let field = parts[2].split(separator: ".")
        let link = "link \(field[0])"
        switch (field.dropFirst().first, change.to) {
        case (nil, .null): return Phrase(before: "\(link) no longer configured to ", nodes: [node])
        case (nil, _): return Phrase(before: "\(link) configured to ", nodes: [node])
        case ("connected", .bool(let isConnected)):
            return Phrase(before: "\(link) to ", nodes: [node], after: isConnected ? " is connected" : " is down")
        case (let name?, _):
            return Phrase(
                before: "\(name) of \(link) to ", nodes: [node], after: " \(change.from.text) -> \(change.to.text)")
        }
    }
}

extension Change.Value {
    fileprivate var text: String {
        switch self {
        case .null: "?"
        case .bool(let bool): bool ? "yes" : "no"
        case .number(let number): String(number)
        case .string(let string): escaped(string)
        case .strings(let strings): strings.isEmpty ? "none" : strings.map { escaped($0) }.joined(separator: " ")
        case .device(let device): device.text
        case .deviceState(let state): state.text
        case .node(let node): node.stateName
        case .link(let link): link.isConnected ? "connected" : "down"
        case .links(let links): "\(links.count { $0.isConnected }) of \(links.count) connected"
        }
    }
}
