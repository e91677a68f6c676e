// SPDX-License-Identifier: MIT

internal import CCorosync

/// One answer of votequorum_getinfo(3): some of it is about one node, some about the cluster as the answering node
/// sees it.
public struct NodeInfo: Hashable, Sendable {
    /// The node it is about.
    public var id: NodeID
    /// The state of the node.
    public var state: NodeState
    /// The votes of the node.
    public var votes: UInt32
    /// How many votes the node expects in the whole cluster.
    public var expectedVotes: UInt32
    /// The highest of what all members expect.
    public var highestExpected: UInt32
    /// The votes of all members together, those of the quorum device included when it casts them.
    public var totalVotes: UInt32
    /// How many votes it takes to be quorate.
    public var quorum: UInt32
    /// The cluster's flags; the quorum device bits are those of the node.
    public var flags: Flags
    /// The votes of the quorum device.
    public var quorumDeviceVotes: UInt32
    /// The name under which the quorum device registered; bytes that are not UTF-8 are replaced by U+FFFD.
    public var quorumDeviceName: String

    /// An answer from its parts.
    public init(
        id: NodeID, state: NodeState, votes: UInt32, expectedVotes: UInt32, highestExpected: UInt32,
        totalVotes: UInt32, quorum: UInt32, flags: Flags, quorumDeviceVotes: UInt32 = 0,
        quorumDeviceName: String = ""
    ) {
        self.id = id
        self.state = state
        self.votes = votes
        self.expectedVotes = expectedVotes
        self.highestExpected = highestExpected
        self.totalVotes = totalVotes
        self.quorum = quorum
        self.flags = flags
        self.quorumDeviceVotes = quorumDeviceVotes
        self.quorumDeviceName = quorumDeviceName
    }

    init(_ info: votequorum_info) {
        self.init(
            id: NodeID(info.node_id), state: NodeState(rawValue: info.node_state), votes: info.node_votes,
            expectedVotes: info.node_expected_votes, highestExpected: info.highest_expected,
            totalVotes: info.total_votes, quorum: info.quorum, flags: Flags(rawValue: info.flags),
            quorumDeviceVotes: info.qdevice_votes,
            quorumDeviceName: withUnsafeBytes(of: info.qdevice_name) { name in
                String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            })
    }
}

/// The state of a node in votequorum (`VOTEQUORUM_NODESTATE_…`). Numbers without a name are kept.
public struct NodeState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The value of the C constant.
    public let rawValue: UInt32

    /// A state from the value of its C constant.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    private init(_ state: Int32) { rawValue = UInt32(state) }

    /// `VOTEQUORUM_NODESTATE_MEMBER`
    public static let member = NodeState(VOTEQUORUM_NODESTATE_MEMBER)
    /// `VOTEQUORUM_NODESTATE_DEAD`
    public static let dead = NodeState(VOTEQUORUM_NODESTATE_DEAD)
    /// `VOTEQUORUM_NODESTATE_LEAVING`
    public static let leaving = NodeState(VOTEQUORUM_NODESTATE_LEAVING)

    /// `member`, `dead`, `leaving`, or `state_9` for a number without a name.
    public var description: String {
        switch self {
        case .member: "member"
        case .dead: "dead"
        case .leaving: "leaving"
        default: "state_\(rawValue)"
        }
    }
}
