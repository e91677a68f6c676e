// SPDX-License-Identifier: MIT

extension VoteQuorum {
    /// A notification of votequorum (`votequorum_callbacks_t` of votequorum_initialize(3)).
    public enum Notification: Hashable, Sendable {
        /// The ring was formed anew. Votes and quorum are not yet recalculated; the next `quorum` ends that.
        case nodelist(ring: RingID, members: [NodeID])
        /// Votequorum has finished recalculating. The nodes are every node it knows, in no order, dead ones included, and
        /// ``NodeID/quorumDevice`` when this node has a quorum device.
        case quorum(quorate: Bool, nodes: [ListedNode])
        /// The expected votes have changed.
        case expectedVotes(UInt32)

        /// A node in the list of a quorum notification (`votequorum_node_t`).
        public struct ListedNode: Hashable, Sendable {
            /// Which node.
            public let id: NodeID
            /// Its state.
            public let state: NodeState

            /// A listed node from its parts.
            public init(id: NodeID, state: NodeState) {
                self.id = id
                self.state = state
            }
        }
    }
}
