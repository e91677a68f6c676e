// SPDX-License-Identifier: MIT

internal import Corosync

extension ClusterState {
    /// Finds what keeps the cluster from being well. A value that is unknown is not a problem by itself, except where the
    /// configuration or the statistics cannot be read.
    ///
    /// - Parameters:
    ///   - requirements: The requirements that are not in the configuration.
    ///   - configuration: The running configuration; nil if it cannot be read.
    ///   - unsettled: Why what votequorum says is outdated; nil if it is not.
    ///   - lacksStatistics: Whether the statistics map is needed and cannot be read.
    ///   - joined: The nodes that have just joined, whose links come up one after the other.
    /// - Returns: The problems, the most severe first.
    func problems(
        _ requirements: Requirements, configuration: Configuration?, unsettled: UnsettledReason?,
        lacksStatistics: Bool = false, joined: Set<NodeID> = []
    ) -> [Problem] {
        var found: [Problem] = []
        let allowed = Set(requirements.absentNodes.compactMap { $0.node(in: self)?.id })
        if let unsettled {
            found.append(Problem(code: .unsettled, text: unsettled.words(hasDevice: device != nil)))
        } else if quorate != nil {
            let ofDevice = problemsOfDevice(configuration?.device?.model)
            found += problemOfQuorum + problemsOfNodes(allowed)
            found += problemOfMajority
            found += problemsOfVotes(configuration, allowed, lacksDevice: !ofDevice.isEmpty) + ofDevice
        }
        found += problemsOfLinks(requirements.links, joined)
        if unsettled == nil { found += problemOfMargin(requirements.margin) }
        found += problemsOfVersion(configuration, allowed)
        found += problemOfFile(configuration?.fileDifference)
        let lacksConfiguration = configuration?.expectedVotesAfterStart == nil
        let lacksLinks = lacksStatistics || requirements.links != nil && links == nil
        if lacksConfiguration || lacksLinks {
            let parts = (lacksConfiguration ? ["the configuration"] : []) + (lacksLinks ? ["the statistics"] : [])
            let consequence = lacksLinks ? ", so the state of the links and of totem is not known" : ""
            let text = "\(parts.joined(separator: " and ")) of corosync cannot be read\(consequence)"
            found.append(Problem(code: .configuration, text: text))
        }
        guard found.count > 1 else { return found }
        return Problem.Severity.allCases.flatMap { severity in found.filter { $0.severity == severity } }
    }

    // MARK: - Quorum and votes

    private var problemOfQuorum: [Problem] {
        guard quorate == false else { return [] }
        let reason: String
        switch votes.margin {
        case nil: reason = ""
        case _ where flags?.contains(.waitForAll) == true:
            let expected = votes.expected.map { "\($0) " } ?? ""
            reason = ": waits until all \(expected)expected votes are present (wait_for_all)"
        case let margin? where margin < 0: reason = ": needs \(count(-margin, "more vote"))"
        case _: reason = ": there are enough votes, but votequorum has not given quorum"
        }
        return [Problem(code: .notQuorate, text: "not quorate\(reason)")]
    }

    /// The nodes that are configured and not members, except those that may be absent.
    private func problemsOfNodes(_ allowed: Set<NodeID>) -> [Problem] {
        let missing = missingNodes.filter { !allowed.contains($0.id) }
        func words(_ nodes: String, _ isOne: Bool) -> String {
            isOne ? "\(nodes) is not a member" : "\(nodes) are not members"
        }
        let linked = missing.filter { $0.isReachable == true }
        return problem(.nodeMissing, missing.filter { $0.isReachable != true }, words)
            + problem(.nodeMissing, linked) { nodes, isOne in
                let sizes = linked.flatMap { node in connectedLinks(to: node.id).compactMap(\.mtu) }
                let range = Set([sizes.min(), sizes.max()].compactMap { $0 }).sorted().map(String.init)
                return words(nodes, isOne) + " although \(isOne ? "a link to it is" : "links to them are") connected"
                    + (range.isEmpty ? "" : " (MTU \(range.joined(separator: " to ")))")
                    + ": another member does not reach \(isOne ? "it" : "them"), only small packets pass, or "
                    + (isOne ? "it has just left" : "they have just left")
            }
    }

    /// The problem of a quorum that two partitions can have at the same time. Corosync accepts `two_node` with more nodes,
    /// and keeps the quorum in 8 bits.
    private var problemOfMajority: [Problem] {
        guard let quorum = votes.quorum, let expected = votes.expected else { return [] }
        let reason: String
        if flags?.contains(.twoNode) == true {
            // Without the nodelist, a node that is no member can be one that was removed.
            let count = nodes.count { knowsNodelist ? !$0.isRemoved : $0.isMember }
            guard count > 2 else { return [] }
            reason = "two_node is set for \(count) nodes: remove it from corosync.conf"
        } else {
            guard UInt64(quorum) * 2 <= expected else { return [] }
            reason =
                "quorum \(quorum) is not a majority of \(expected) expected votes"
                + (expected > 509 ? ": use at most 509, because corosync keeps the quorum in 8 bits" : "")
        }
        let text = "two partitions can be quorate at the same time, because \(reason)"
        return [Problem(code: .noMajority, text: text)]
    }

    private func problemsOfVotes(
        _ configuration: Configuration?, _ allowed: Set<NodeID>, lacksDevice: Bool
    ) -> [Problem] {
        guard let expected = votes.expected.map(Int.init) else { return [] }
        // Votequorum keeps the votes that an absent node had, and expects those of the configuration.
        func sum(_ nodes: [Node]) -> Int { nodes.reduce(0) { $0 + Int(max($1.votes ?? 0, $1.configuredVotes ?? 0)) } }
        var found: [Problem] = []
        if let configuration, let afterStart = configuration.expectedVotesAfterStart {
            let highest = max(expected, votes.highestExpected.map(Int.init) ?? 0)
            let lowered = afterStart.lowerBound - expected
            // last_man_standing lowers them by the votes of the nodes that have left, if no node has more than one.
            let areLowered = configuration.hasLastManStanding && configuration.nodes.allSatisfy { $0.votes <= 1 }
            let excused = areLowered ? sum(missingNodes.filter { allowed.contains($0.id) }) : 0
            let wrong = lowered > excused ? expected : highest > afterStart.upperBound ? highest : nil
            if let wrong {
                let right = afterStart.upperBound
                let text = "expected votes are \(wrong), but would be \(right) after a start of all nodes"
                found.append(Problem(code: .expectedVotes, text: text))
            }
        }
        if let total = votes.total {
            // Missing nodes and a device that does not vote are problems of their own, or allowed.
            let ofDevice = lacksDevice && device?.state?.castVote != true ? Int(device?.votes ?? 0) : 0
            let deficit = expected - Int(total) - sum(missingNodes) - ofDevice
            if deficit > 0 {
                let text =
                    "\(deficit) of \(expected) expected votes \(deficit == 1 ? "is" : "are") absent, and no absent node "
                    + "accounts for \(deficit == 1 ? "it" : "them")"
                found.append(Problem(code: .votesMissing, text: text))
            }
        }
        return found
    }

    private func problemOfFile(_ difference: ConfigurationFile.Difference?) -> [Problem] {
        let (text, words, advice): (String, String, String)
        switch difference {
        case nil: return []
        case .settings(let settings):
            (text, words) = ("corosync.conf differs from what corosync runs with", settings)
            advice = "reload it (corosync-cfgtool -R) or restart corosync"
        case .error(let error):
            (text, words) = ("corosync.conf has an error", error)
            advice = "correct it; corosync would not start with it"
        }
        return [Problem(code: .configFile, text: "\(text) (\(words)): \(advice)", shortText: text)]
    }

    private func problemOfMargin(_ required: Int?) -> [Problem] {
        guard quorate == true, let required, let margin = votes.margin, margin < required else { return [] }
        return [Problem(code: .lowMargin, text: "fewer than \(count(required, "more vote")) can be lost")]
    }

    // MARK: - Quorum device and links

    /// The problems of the quorum device, whose model in the configuration is `model`.
    private func problemsOfDevice(_ model: String?) -> [Problem] {
        guard device != nil || model != nil else { return [] }
        // If votequorum gave no information about a member, its device is unknown.
        let members = nodes.filter { $0.isMember && $0.votes != nil }
        let name = (device?.name ?? device?.model ?? model).map { " \(escaped($0, limit: 64))" } ?? ""
        func found(_ words: String, where isShort: (Node) -> Bool) -> [Problem] {
            problem(.qdevice, members.filter(isShort)) { nodes, _ in "quorum device\(name) \(words) on \(nodes)" }
        }
        return (model == nil ? [] : found("is not registered") { $0.device == nil })
            + found("is not alive") { $0.device?.alive == false }
            + found("casts no vote") { $0.device.map { $0.alive && !$0.castVote } ?? false }
    }

    private func problemsOfLinks(_ required: Int?, _ joined: Set<NodeID>) -> [Problem] {
        // Transports other than knet have no links.
        guard let links, !links.isEmpty else { return [] }
        let members = nodes.filter { $0.isMember && !$0.isLocal && !joined.contains($0.id) }
        let down = links.filter { link in !link.isConnected && members.contains { $0.id == link.id.node } }
        var found: [Problem] = []
        if let first = down.first {
            let nodes = members.filter { node in down.contains { $0.id.node == node.id } }
            let text =
                down.count == 1
                ? "link \(first.id.number) to \(names.text(nodes[0].reference)) is down"
                : "links are down: "
                    + nodes.prefix(NodeNames.mostListed).map { node in
                        let numbers = down.filter { $0.id.node == node.id }.map { "\($0.id.number)" }
                        return "\(list(numbers)) to \(names.text(node.reference))"
                    }.joined(separator: ", ") + (nodes.count > NodeNames.mostListed ? ", …" : "")
            found.append(
                Problem(
                    code: .linkDown, nodes: nodes.map(\.reference), text: text,
                    shortText: "\(count(down.count, "link")) to \(count(nodes.count, "node")) "
                        + (down.count == 1 ? "is down" : "are down")))
        }
        guard let required else { return found }
        let few = members.filter { connectedLinks(to: $0.id).count < required }
        return found
            + problem(.fewLinks, few) { nodes, isOne in
                "\(nodes) \(isOne ? "is" : "are") connected over fewer than \(count(required, "link"))"
            }
    }

    private func connectedLinks(to node: NodeID) -> [Link] {
        (links ?? []).filter { $0.id.node == node && $0.isConnected }
    }

    // MARK: - Configuration

    /// The nodes with another version of the configuration. The version of a node that is not a member is the last one
    /// known: whether it left because of it, or before this node's version was changed, is not known.
    private func problemsOfVersion(_ configuration: Configuration?, _ allowed: Set<NodeID>) -> [Problem] {
        guard let configuration else { return [] }
        // Votequorum exchanges 0 where there is none.
        let own = configuration.version ?? 0
        func text(_ version: UInt64) -> String { version == 0 ? "no config_version" : "config_version \(version)" }
        let others = nodes.filter { node in
            !node.isLocal && !node.isRemoved && node.configVersion.map { $0 != own } ?? false
        }
        func found(_ nodes: [Node], _ one: String, _ several: String) -> [Problem] {
            let versions = Set(nodes.compactMap(\.configVersion))
            return problem(.configVersion, nodes) { list, isOne in
                let theirs = versions.count == 1 ? versions.first.map(text) : nil
                return "\(list) \(isOne ? one : several) \(theirs ?? "other versions of the configuration"), "
                    + "this node has \(text(own))"
            }
        }
        return found(others.filter(\.isMember), "has", "have")
            + found(
                others.filter { !$0.isMember && !allowed.contains($0.id) }, "is not a member and last had",
                "are not members and last had")
    }
}

extension UnsettledReason {
    /// What is outdated, why, and what to look at.
    func words(hasDevice: Bool) -> String {
        let unknown = "whether the cluster is quorate is not known"
        switch self {
        case .recalculation:
            // Or the ring was not completed when votequorum was connected to: a snapshot does not tell.
            return "corosync has not completed a change of the membership: \(unknown); see "
                + (hasDevice ? "the quorum device (corosync-qdevice-tool -s), " : "")
                + "the links (corosync-cfgtool -n) and the log of corosync"
        case .membership:
            return
                "corosync has completed no membership: \(unknown); see the links (corosync-cfgtool -n) and the log of "
                + "corosync"
        case .network:
            return
                "corosync finds that a firewall or a failed interface blocks its messages: \(unknown); see the firewall "
                + "and the interfaces of this node"
        }
    }
}

// MARK: - Words

extension ClusterState {
    /// A problem of some nodes; none without nodes. `words` makes a sentence of the list of the nodes.
    private func problem(
        _ code: Problem.Code, _ nodes: [Node], _ words: (_ nodes: String, _ isOne: Bool) -> String
    ) -> [Problem] {
        guard !nodes.isEmpty else { return [] }
        return [
            Problem(
                code: code, nodes: nodes.map(\.reference),
                text: words(names.sentence(nodes.map(\.reference)), nodes.count == 1),
                shortText: words(count(nodes.count, "node"), nodes.count == 1))
        ]
    }
}
