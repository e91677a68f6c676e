// SPDX-License-Identifier: MIT

internal import Corosync
internal import TestSupport

@testable internal import QuorumWatch

/// The state in a JSON line, or a cluster state in the same form, for comparison.
struct ReadState: Hashable {
    private var ring: JSON
    private var votes: [JSON]
    private var flags: JSON
    private var device: [JSON]
    private var nodes: [[JSON]]
    private var links: [[JSON]]?
    private var problems: [[JSON]]

    init(_ json: JSON) {
        ring = json["ring_id"]
        votes = ["total", "expected", "highest_expected", "quorum", "margin"].map { json["votes"][$0] }
        flags = json["flags"]
        let keys = ["name", "model", "registered", "votes", "alive", "cast_vote", "master_wins"]
        device = json["qdevice"] == .null ? [] : keys.map { json["qdevice"][$0] }
        nodes = json["nodes"].elements.map { node in
            [
                "id", "name", "state", "configured", "votes", "expected_votes", "local", "addresses", "qdevice",
                "reachable", "config_version", "quorate_if_down",
            ].map { node[$0] }
        }
        problems = json["problems"].elements.map { problem in
            ["code", "severity", "text", "nodes"].map { problem[$0] }
        }
        links =
            json["links"] == .null
            ? nil
            : json["links"].elements.map { link in
                ["node_id", "link", "connected", "enabled", "latency_us", "mtu"].map { link[$0] }
            }
    }

    init(_ state: ClusterState) {
        func json(_ number: (some BinaryInteger)?) -> JSON { number.map { .number(Int64($0)) } ?? .null }
        func json(_ bool: Bool?) -> JSON { bool.map(JSON.bool) ?? .null }
        func json(_ string: String?) -> JSON { string.map(JSON.string) ?? .null }
        func json(_ strings: [String]) -> JSON { .array(strings.map(JSON.string)) }
        ring = json(state.ring?.description)
        let votes = state.votes
        self.votes =
            [votes.total, votes.expected, votes.highestExpected, votes.quorum].map(json) + [json(votes.margin)]
        flags = state.flags.map { json($0.clusterFlagNames) } ?? .null
        device =
            state.device.map {
                let state = $0.state ?? DeviceState(alive: false, castVote: false, masterWins: false)
                return [json($0.name), json($0.model), .bool($0.isRegistered), json($0.votes)]
                    + [state.alive, state.castVote, state.masterWins].map(JSON.bool)
            } ?? []
        nodes = state.nodes.map {
            [
                json($0.id.rawValue), json($0.name), json($0.stateName), json($0.isConfigured), json($0.votes),
                json($0.expectedVotes),
                .bool($0.isLocal), json($0.addresses),
                $0.device.map {
                    .object([
                        "alive": .bool($0.alive), "cast_vote": .bool($0.castVote), "master_wins": .bool($0.masterWins),
                    ])
                } ?? .null, json($0.isReachable), json($0.configVersion), json($0.quorateIfDown),
            ]
        }
        problems = state.problems.map { problem in
            [
                json(problem.code.rawValue), json(problem.severity.rawValue), json(problem.text),
                .array(problem.nodes.map { .object(["id": json($0.id.rawValue), "name": json($0.name)]) }),
            ]
        }
        links = state.links?.map {
            [
                json($0.id.node.rawValue), json($0.id.number), .bool($0.isConnected),
                json($0.isEnabled), json($0.latency), json($0.mtu),
            ]
        }
    }
}
