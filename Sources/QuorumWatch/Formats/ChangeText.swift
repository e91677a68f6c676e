// SPDX-License-Identifier: MIT

internal import Corosync

/// Changes of a state as phrases. Nodes with the same change share a phrase.
struct ChangeText {
    let state: ClusterState

    private let names: NodeNames

    init(_ state: ClusterState) {
        self.state = state
        names = state.names
    }

    /// The phrases, in the order of the changes, without those that the verdict and the votes already express.
    func phrases(for changes: [Change]) -> [String] {
        let expectsOtherVotes = changes.contains { $0.field == .votes(.expected) }
        let changes = changes.filter { change in
            switch change.field {
            // Nothing is known of the quorum device of a node that is not a member.
            case .node(let id, .device): state.node(id)?.isMember == true
            case .node(_, .expectedVotes): !expectsOtherVotes
            case .state, .votes, .device, .node, .link: true
            }
        }
        let expressed: Set<Problem.Code> = Set(changes.compactMap(\.expressedProblem))
        let phrases = changes.flatMap { self.phrases(for: $0, expressed) }
        return phrases.grouped { Phrase(before: $0.before, after: $0.after) }.map { words, phrases in
            let nodes = phrases.flatMap(\.nodes)
            return words.before + (nodes.isEmpty ? "" : names.text(nodes)) + words.after
        }
    }

    /// The members whose loss would now end quorum, and those whose loss it now survives; only the former if nothing was
    /// known of them before.
    func lossPhrases(for changes: [Change], isNew: Bool) -> [String] {
        guard state.quorate == true else { return [] }
        func nodes(_ survives: Bool) -> [NodeReference] {
            if isNew { return survives ? [] : state.nodes.filter { $0.quorateIfDown == false }.map(\.reference) }
            return changes.compactMap { change in
                guard case .node(let id, let field) = change.field, field == .quorateIfDown || field == nil,
                    let node = state.node(id), node.quorateIfDown == survives,
                    !survives || change.from == .bool(false)
                else { return nil }
                return node.reference
            }
        }
        func any(_ nodes: [NodeReference]) -> String { (nodes.count > 1 ? "any one of " : "") + names.text(nodes) }
        let (lost, survived) = (nodes(false), nodes(true))
        return (lost.isEmpty ? [] : ["quorum would now be lost with \(any(lost))"])
            + (survived.isEmpty ? [] : ["quorum now survives the loss of \(any(survived))"])
    }

    /// A phrase about some nodes, or about none.
    private struct Phrase: Equatable {
        var before: String
        var nodes: [NodeReference] = []
        var after = ""
    }

    private func phrases(for change: Change, _ expressed: Set<Problem.Code>) -> [Phrase] {
        if change.field == .state(.problems) {
            return problemPhrases(for: change, expressed).map { Phrase(before: $0) }
        }
        let (from, to) = (change.from.text, change.to.text)
        let phrase: Phrase? =
            switch change.field {
            // The summary contains the quorum and the margin.
            case .votes(.total): Phrase(before: "votes \(from) -> \(to)")
            case .votes(.expected): Phrase(before: "expected votes \(from) -> \(to)")
            // One short phrase describes the whole device.
            case .device, .state(.device):
                Phrase(before: "quorum device \(state.deviceText ?? "no longer configured or registered")")
            case .state(.flags): Phrase(before: "flags \(from) -> \(to)")
            case .state(.links): Phrase(before: change.to == .null ? "links not known" : "links: \(to)")
            case .node(let id, let field): self.phrase(for: change, in: field, of: id)
            case .link(let id, let field): self.phrase(for: change, in: field, of: id)
            case .votes, .state: nil
            }
        return phrase.map { [$0] } ?? []
    }

    private func phrase(for change: Change, in field: Node.Field?, of id: NodeID) -> Phrase? {
        let node = state.reference(id)
        let (from, to) = (change.from.text, change.to.text)
        switch (field, change.from, change.to) {
        case (.configured, _, .bool(false)): return Phrase(before: "no longer in the nodelist: ", nodes: [node])
        case _ where state.node(id)?.isRemoved == true: return nil
        case (nil, .null, .node(let new)): return Phrase(before: "new, \(new.stateText): ", nodes: [node])
        case (nil, .node(let old), _):
            return old.isRemoved ? nil : Phrase(before: "no longer known: ", nodes: [old.reference])
        case (.state, _, _): return Phrase(before: "\(state.node(id)?.stateText ?? to): ", nodes: [node])
        // Votes that become known or unknown accompany a change of the node's state.
        case (.votes, .null, _), (.votes, _, .null), (.expectedVotes, .null, _), (.expectedVotes, _, .null): return nil
        case (.expectedVotes, _, _):
            return Phrase(before: "expected votes of ", nodes: [node], after: " \(from) -> \(to)")
        case (.votes, _, _): return Phrase(before: "votes of ", nodes: [node], after: " \(from) -> \(to)")
        // For this node, the device of the state says the same.
        case (.device, _, _) where state.localNode == id: return nil
        case (.device, _, .null): return Phrase(before: "quorum device not registered on ", nodes: [node])
        case (.device, _, _): return Phrase(before: "quorum device \(to) on ", nodes: [node])
        // The reference contains the new name already.
        case (.name, _, _): return Phrase(before: "name of node \(id) \(from) -> \(to)")
        case (.addresses, _, _): return Phrase(before: "addresses of ", nodes: [node], after: " \(from) -> \(to)")
        case (.configVersion, _, .number):
            return Phrase(before: "configuration version of ", nodes: [node], after: " \(from) -> \(to)")
        case (.configured, .bool(false), _): return Phrase(before: "in the nodelist: ", nodes: [node])
        case (.configured, _, _), (.configVersion, _, _), (.reachable, _, _),
            (.quorateIfDown, _, _), (.id, _, _), (.local, _, _), (nil, _, _):
            return nil
        }
    }

    private func phrase(for change: Change, in field: Link.Field?, of id: LinkID) -> Phrase? {
        let node = state.reference(id.node)
        let link = "link \(id.number)"
        switch (field, change.to) {
        // Its removal from the nodelist says the same.
        case (nil, .null) where state.node(id.node)?.isRemoved != false: return nil
        case (nil, .null): return Phrase(before: "\(link) no longer configured to ", nodes: [node])
        case (nil, _): return Phrase(before: "\(link) configured to ", nodes: [node])
        case (.connected, let to):
            return Phrase(
                before: "\(link) to ", nodes: [node], after: to == .bool(true) ? " is connected" : " is down")
        case (.mtu, _):
            return Phrase(
                before: "MTU of \(link) to ", nodes: [node], after: " \(change.from.text) -> \(change.to.text)")
        case (.enabled, let to):
            return Phrase(
                before: "\(link) to ", nodes: [node], after: to == .bool(true) ? " is enabled" : " is not enabled")
        case (.node, _), (.number, _), (.latency, _): return nil
        }
    }

    /// The problems that are new, in their own words, and those that ended, without those that other phrases express.
    private func problemPhrases(for change: Change, _ expressed: Set<Problem.Code>) -> [String] {
        guard case .strings(let old) = change.from, case .strings(let new) = change.to else { return [] }
        func isShown(_ code: Problem.Code) -> Bool { code.isOwnPhrase && !expressed.contains(code) }
        let begun = state.problems.filter { isShown($0.code) && (old == new || !old.contains($0.code.rawValue)) }
        let ended = old.filter { !new.contains($0) && Problem.Code(rawValue: $0).map(isShown) == true }
        return begun.map(\.phrase) + ended.map { "no longer a problem: \($0)" }
    }
}

extension Change {
    /// The problem that its own phrase expresses.
    fileprivate var expressedProblem: Problem.Code? {
        switch field {
        case .device, .state(.device), .node(_, .device): .qdevice
        case .link(_, .connected): .linkDown
        case .state, .votes, .node, .link: nil
        }
    }
}

extension Problem.Code {
    /// Whether no other phrase of a line expresses it.
    fileprivate var isOwnPhrase: Bool {
        switch self {
        case .notQuorate, .unsettled, .nodeMissing: false
        case .expectedVotes, .votesMissing, .noMajority, .qdevice, .linkDown, .fewLinks, .lowMargin, .configVersion,
            .configFile, .configuration:
            true
        }
    }
}

extension FieldValue {
    fileprivate var text: String {
        switch self {
        case .null: "?"
        case .bool(let bool): bool ? "yes" : "no"
        case .number(let number): String(number)
        case .string(let string): escaped(string)
        case .strings(let strings): strings.isEmpty ? "none" : strings.map { escaped($0) }.joined(separator: " ")
        case .device(let device): device.text()
        case .deviceState(let state): state.text
        case .links(let links): "\(links.count { $0.isConnected }) of \(links.count) connected"
        case .votes, .node, .nodes, .link, .problems: ""
        }
    }
}
