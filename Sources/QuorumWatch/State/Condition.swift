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

    /// Whether the condition holds in a state, when these nodes are configured.
    ///
    /// For a name that no node has, neither `member` nor `absent` holds. For an ID that no node has, `absent` holds.
    func holds(of state: ClusterState, configured: [NodeID]) -> Bool {
        switch self {
        case .quorate: return state.quorate == true
        case .inquorate: return state.quorate == false
        case .complete:
            return !configured.isEmpty && configured.allSatisfy { state.node($0)?.isMember == true }
        case .member(let selector):
            let nodes = selector.nodes(in: state)
            return !nodes.isEmpty && nodes.allSatisfy(\.isMember)
        case .absent(let selector):
            let nodes = selector.nodes(in: state)
            return (!nodes.isEmpty || selector.id != nil) && !nodes.contains(where: \.isMember)
        }
    }

    func obstacle(in state: ClusterState, configured: [NodeID]) -> String { "corosync says otherwise" }

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

/// A node given on the command line, by ID or name; for `--if-down` also the quorum device.
package struct NodeSelector: Hashable, Sendable, CustomStringConvertible {
    /// The ID; nil if the text is not a valid ID.
    let id: NodeID?
    /// The text.
    package let description: String

    /// Parses the ID or the name of a node.
    package init(parsing text: String) throws(Condition.ParseError) {
        guard !text.isEmpty else { throw Condition.ParseError(description: "write the ID or the name of a node") }
        id = text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt32(text).map(NodeID.init(_:)) : nil
        guard id != .quorumDevice else { throw Condition.ParseError(description: "no node has the ID 0") }
        description = text
    }

    /// Whether it stands for the quorum device.
    var isQuorumDevice: Bool { description == "qdevice" }

    /// The node with the ID; if there is none, the nodes with the name.
    func nodes(in state: ClusterState) -> [Node] {
        if let id, let node = state.node(id) { return [node] }
        return state.nodes.filter { $0.name == description }
    }
}
