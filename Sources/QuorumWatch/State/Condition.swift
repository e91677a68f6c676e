// SPDX-License-Identifier: MIT

internal import Corosync

/// A condition on a state, as in `--wait-for`. A condition on an unknown value does not hold.
package enum Condition: Hashable, Sendable {
    /// Votequorum says that the cluster is quorate.
    case quorate
    /// Votequorum says that it is not.
    case inquorate
    /// Every configured node is a member, and at least one is configured.
    case complete
    /// A node is a member.
    case member(NodeSelector)
    /// A node is not a member: it is dead, leaving, never seen, or removed from the configuration.
    case absent(NodeSelector)

    /// The error for a text that is not a condition or a node.
    package struct ParseError: Error, Hashable, CustomStringConvertible {
        /// The allowed values.
        package let description: String
    }

    /// Parses `quorate`, `inquorate`, `complete`, `member=NODE` or `absent=NODE`.
    package init(parsing text: String) throws(ParseError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count) {
        case ("quorate", 1): self = .quorate
        case ("inquorate", 1): self = .inquorate
        case ("complete", 1): self = .complete
        case ("member", 2): self = .member(try NodeSelector(parsing: parts[1]))
        case ("absent", 2): self = .absent(try NodeSelector(parsing: parts[1]))
        default:
            throw ParseError(description: "write quorate, inquorate, complete, member=NODE or absent=NODE")
        }
    }

    /// Whether this and another condition can never hold at the same time.
    package func contradicts(_ other: Condition) -> Bool {
        switch (self, other) {
        case (.quorate, .inquorate), (.inquorate, .quorate): true
        case (.member(let one), .absent(let another)), (.absent(let one), .member(let another)): one == another
        default: false
        }
    }

    /// Why the condition does not hold in a state when these nodes are configured, in words for people; nil if it holds.
    ///
    /// For a node that nobody knows, `absent` holds, unless it may have been given by a name that is not known now.
    func obstacle(in state: ClusterState, configured: [NodeID]) -> String? {
        switch self {
        case .quorate: return state.quorate == true ? nil : "the cluster is not quorate"
        case .inquorate: return state.quorate == false ? nil : "the cluster is quorate"
        case .complete:
            guard !configured.isEmpty else { return "the configuration cannot be read" }
            let missing = configured.filter { state.node($0)?.isMember != true }.map(state.reference)
            guard !missing.isEmpty else { return nil }
            let nodes = abbreviated(missing.map(state.names.text))
            return missing.count == 1 ? "\(nodes) is not a member" : "\(missing.count) nodes are not members (\(nodes))"
        case .member(let selector), .absent(let selector):
            let wantsMember = self == .member(selector)
            let nodes = selector.matches(in: state)
            if nodes.count > 1 { return selector.diagnosis(of: nodes) }
            guard let node = nodes.first else {
                if !wantsMember, selector.id != nil || state.knowsNodelist { return nil }
                return "no node has the ID, name or address \(escaped(selector.description))"
            }
            guard node.isMember != wantsMember else { return nil }
            return "\(state.names.text(node.reference)) \(node.isMember ? "is a member" : "is not a member")"
        }
    }

    /// The node of the condition, if it has one.
    var node: NodeSelector? {
        switch self {
        case .quorate, .inquorate, .complete: nil
        case .member(let node), .absent(let node): node
        }
    }
}

extension Condition: CustomStringConvertible {
    /// As it is written on the command line.
    package var description: String {
        switch self {
        case .quorate: "quorate"
        case .inquorate: "inquorate"
        case .complete: "complete"
        case .member(let node): "member=\(node)"
        case .absent(let node): "absent=\(node)"
        }
    }
}

/// A node given on the command line, by ID, name or address.
package struct NodeSelector: Hashable, Sendable, CustomStringConvertible {
    /// The ID; nil if the text is not a valid ID.
    let id: NodeID?
    /// The text.
    package let description: String

    /// Parses the ID, the name or an address of a node.
    package init(parsing text: String) throws(Condition.ParseError) {
        guard !text.isEmpty else {
            throw Condition.ParseError(description: "write the ID, the name or an address of a node")
        }
        id = text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt32(text).map(NodeID.init(_:)) : nil
        guard id != .quorumDevice else { throw Condition.ParseError(description: "no node has the ID 0") }
        description = text
    }

    /// Whether it stands for the quorum device, where that can be given: the text is `qdevice`.
    package var isQuorumDevice: Bool { description == "qdevice" }

    /// The nodes with this ID or name, else those with this address. Several: it is ambiguous. Removed nodes are not
    /// considered.
    func matches(in state: ClusterState) -> [Node] {
        let nodes = state.shownNodes.filter { $0.id == id || $0.name == description }
        return nodes.isEmpty ? state.shownNodes.filter { $0.addresses.contains(description) } : nodes
    }

    /// The node that it stands for; nil unless there is exactly one.
    func node(in state: ClusterState) -> Node? {
        let nodes = matches(in: state)
        return nodes.count == 1 ? nodes.first : nil
    }

    /// The kinds of identifier by which an unknown node may have been given.
    var kinds: String { id == nil ? "name or address" : "ID, name or address" }

    /// Why this, the argument of an option, does not stand for exactly one node, and what to do; nil if it does.
    func obstacle(of option: String, in state: ClusterState) -> (text: String, isAmbiguous: Bool)? {
        let nodes = matches(in: state)
        if nodes.count == 1 { return nil }
        if nodes.count > 1 { return ("\(escaped(option)): \(diagnosis(of: nodes))", true) }
        let advice = state.knowsNodelist || id != nil ? "'vqwatch' lists the nodes" : "no names are known: give its ID"
        return ("\(escaped(option)): no node has this \(kinds); \(advice)", false)
    }

    /// Why it is ambiguous between these nodes, or the quorum device and one of them, and what to give instead.
    func diagnosis(of nodes: [Node], orDevice: Bool = false) -> String {
        let text = escaped(description)
        let named = nodes.filter { $0.name == description }
        let kind = named.isEmpty ? "an address" : "the name"
        if orDevice {
            return "\(text) is the quorum device and \(kind) of node \(nodes[0].id); give the ID of the node"
        }
        if let id, let other = named.first(where: { $0.id != id }), nodes.contains(where: { $0.id == id }) {
            return "\(text) is the ID of one node and the name of node \(other.id); give an address of the node"
        }
        let ids = nodes.map(\.id.description).joined(separator: " and ")
        return "\(text) is \(kind) of the nodes \(ids); give the ID of the node"
    }
}
