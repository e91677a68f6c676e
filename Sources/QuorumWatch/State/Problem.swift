// SPDX-License-Identifier: MIT

internal import Corosync

/// Something that keeps a cluster from being well.
struct Problem: Hashable, Sendable {
    var code: Code
    /// The nodes that it is about, by ID; empty if it is about none.
    var nodes: [NodeReference]
    /// The problem in words for people: a sentence that can be read alone, without a full stop.
    var text: String
    /// The same without lists, for a line of limited length: the number of the nodes instead of their names.
    var shortText: String

    /// The short text is by default the whole text.
    init(code: Code, nodes: [NodeReference] = [], text: String, shortText: String? = nil) {
        self.code = code
        self.nodes = nodes
        self.text = text
        self.shortText = shortText ?? text
    }

    /// A kind of problem of a node, or of none.
    struct Subject: Hashable {
        var code: Code
        var node: NodeID?
    }

    /// The kinds of problems; the raw value is the name in JSON and in metrics. Problems of one severity are sorted in
    /// this order.
    enum Code: String, Hashable, Sendable, CaseIterable {
        /// Votequorum says that the cluster is not quorate.
        case notQuorate = "not_quorate"
        /// What votequorum says is outdated.
        case unsettled
        /// Configured nodes are not members.
        case nodeMissing = "node_missing"
        /// Votequorum expects other votes than it would after a start of all nodes with the running configuration.
        case expectedVotes = "expected_votes"
        /// There are fewer votes than expected.
        case votesMissing = "votes_missing"
        /// The quorum is not a majority of the votes.
        case noMajority = "no_majority"
        /// The quorum device does not vote on every member.
        case qdevice
        /// Links to members are down.
        case linkDown = "link_down"
        /// Members are connected over fewer links than required.
        case fewLinks = "few_links"
        /// Fewer votes than required can be lost.
        case lowMargin = "low_margin"
        /// Nodes have another version of the configuration.
        case configVersion = "config_version"
        /// The configuration file differs from the running configuration.
        case configFile = "config_file"
        /// The configuration or the links cannot be read.
        case configuration

        /// Whether the configuration is compared with votes, or with that of other nodes, which a reload changes at other
        /// moments.
        var comparesConfiguration: Bool {
            [.expectedVotes, .votesMissing, .noMajority, .configVersion].contains(self)
        }
    }

    /// How severe a problem is, the most severe first; the raw value is the name in JSON and in metrics.
    enum Severity: String, Hashable, Sendable, CaseIterable {
        case critical
        case unknown
        case warning
    }

    var severity: Severity {
        switch code {
        case .notQuorate: .critical
        case .unsettled, .configuration: .unknown
        case .nodeMissing, .expectedVotes, .votesMissing, .noMajority, .qdevice, .linkDown, .fewLinks, .lowMargin,
            .configVersion, .configFile:
            .warning
        }
    }
}

extension [Problem] {
    /// The kinds of problems with their nodes.
    func subjects() -> Set<Problem.Subject> {
        Set(
            flatMap { problem in
                problem.nodes.isEmpty
                    ? [Problem.Subject(code: problem.code)]
                    : problem.nodes.map { Problem.Subject(code: problem.code, node: $0.id) }
            })
    }
}
