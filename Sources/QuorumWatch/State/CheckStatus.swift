// SPDX-License-Identifier: MIT

/// The result of a check. The raw value is the exit status of a monitoring plugin.
package enum CheckStatus: Int32, Hashable, Sendable, CaseIterable {
    /// Quorate, without a problem.
    case ok = 0
    /// Quorate, with a problem.
    case warning = 1
    /// Not quorate.
    case critical = 2
    case unknown = 3

    /// The word of the monitoring plugin guidelines.
    package var word: String {
        switch self {
        case .ok: "OK"
        case .warning: "WARNING"
        case .critical: "CRITICAL"
        case .unknown: "UNKNOWN"
        }
    }
}

/// Requirements on a cluster that are not in its configuration.
package struct Requirements: Hashable, Sendable {
    /// The required margin in votes; nil: any.
    var margin: Int?
    /// Over how many links each member has to be connected; nil: any number.
    var links: Int?
    var absentNodes: [NodeSelector]

    package init(margin: Int? = nil, links: Int? = nil, absentNodes: [NodeSelector] = []) {
        (self.margin, self.links, self.absentNodes) = (margin, links, absentNodes)
    }
}

extension ClusterState {
    /// The result of a check: that of the most severe problem. Without one, it is OK only if everything is known that a
    /// problem could hide in.
    var checkStatus: CheckStatus {
        let worst = problems.first?.severity
        if quorate == false || worst == .critical { return .critical }
        if worst == .unknown || !isFullyKnown { return .unknown }
        return worst == nil ? .ok : .warning
    }

    /// Whether votequorum has given all votes.
    var isFullyKnown: Bool {
        quorate != nil && votes.total != nil && votes.expected != nil
            && nodes.allSatisfy { !$0.isMember || $0.votes != nil }
    }
}
