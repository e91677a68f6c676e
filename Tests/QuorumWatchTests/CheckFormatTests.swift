// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("The line of a check")
struct CheckFormatTests {
    private func check(_ margin: Int? = nil, _ absent: [String] = []) throws -> CheckFormat {
        CheckFormat(Requirements(margin: margin, absentNodes: try absent.map { try NodeSelector(parsing: $0) }))
    }

    /// The line of the state that a cluster comes to.
    private func line(
        margin: Int? = nil, absent: String..., prepare: (inout Cluster) -> Void = { _ in }
    ) throws -> String {
        let format = try check(margin, absent)
        return line(format.state(prepare: prepare), format)
    }

    private func line(_ state: ClusterState, _ format: CheckFormat = CheckFormat()) -> String {
        String(decoding: format.line(for: state), as: UTF8.self)
    }

    @Test("is OK for a complete cluster")
    func ok() throws {
        let state = CheckFormat().state()
        #expect(
            line(state)
                == "QUORUM OK - quorate: 3 of 3 votes, quorum 2, \(state.decision.marginText!) | votes=3;;;0;3 quorum=2 margin=1 "
                + "nodes=3;;;0;3\n")
        #expect(CheckFormat().status(of: state) == .ok)
    }

    @Test("has the votes, then every problem, then the performance data")
    func parts() throws {
        let text = try line(margin: 2) { $0.states[3] = .dead }
        #expect(text.hasPrefix("QUORUM WARNING - quorate: 2 of 3 votes, quorum 2, "))
        #expect(
            text.hasSuffix(
                "; node3 is not a member; fewer than 2 more votes can be lost | votes=2;;;0;3 quorum=2 margin=0;2: "
                    + "nodes=2;;;0;3\n"))
    }

    @Test("is CRITICAL without quorum, says so once, and names what is wrong besides")
    func critical() throws {
        let lost = { (cluster: inout Cluster) in
            cluster.states = [1: .member, 2: .dead, 3: .dead]
            cluster.isQuorate = false
        }
        let text = try line(margin: 1, prepare: lost)
        #expect(text.hasPrefix("QUORUM CRITICAL - not quorate: 1 of 3 votes, quorum 2, "))
        #expect(text.contains("; node2 and node3 are not members | "))
        #expect(text.split(separator: "not quorate").count == 2)
        // A node that nobody knows does not hide that.
        let unknown = try line(absent: "node33", prepare: lost)
        #expect(unknown.hasPrefix("QUORUM CRITICAL - not quorate: "))
        #expect(unknown.contains("; --allow-absent node33: no node has this name or address; "))
    }

    @Test("is UNKNOWN if a node that may be away is not known or ambiguous, and says so without escapes")
    func unknownNode() throws {
        #expect(
            try line(absent: "node3", "node33")
                == "QUORUM UNKNOWN - --allow-absent node33: no node has this name or address; ’vqwatch’ lists the nodes\n"
        )
        // The configuration is known, and has no nodelist.
        #expect(
            try line(absent: "node3") { _ = $0.reduce(.configuration(Configuration(expectedVotes: 3))) }
                == "QUORUM UNKNOWN - --allow-absent node3: no node has this name or address; no names are known: give "
                + "its ID\n")
        let twice = { (cluster: inout Cluster) in
            _ = cluster.reduce(
                .configuration(
                    Configuration(nodes: [
                        .init(id: NodeID(1), name: "2", addresses: ["10.0.0.1"]), .init(id: NodeID(2)),
                        .init(id: NodeID(3)),
                    ])))
        }
        #expect(
            try line(absent: "2", prepare: twice)
                == "QUORUM UNKNOWN - --allow-absent 2: 2 is the ID of one node and the name of node 1; give an address of "
                + "the node\n")
        #expect(try line(absent: "10.0.0.1", prepare: twice).hasPrefix("QUORUM OK - "))
    }

    @Test("is UNKNOWN, even with a warning, when the configuration is unknown")
    func unknownConfiguration() throws {
        var cluster = Cluster()
        _ = cluster.nodelist(1, [1, 2, 3])
        _ = cluster.quorum(true)
        #expect(
            line(try #require(cluster.reducer.knownState)).hasPrefix(
                "QUORUM UNKNOWN - quorate: 3 of 3 votes, quorum 2, "))
        cluster.states[3] = .dead
        _ = cluster.quorum(true)
        let text = line(try #require(cluster.reducer.knownState))
        #expect(text.hasPrefix("QUORUM UNKNOWN - "))
        #expect(text.contains("; the configuration of corosync cannot be read; 3 is not a member | "))
    }

    @Test("is UNKNOWN when the votes of a member are unknown, and gives no number for an unknown value")
    func unknownVotes() throws {
        var state = CheckFormat().state()
        state.nodes[1].votes = nil
        #expect(
            line(state).hasPrefix("QUORUM UNKNOWN - quorate: ") && line(state).contains("; some votes are not known |"))
        #expect(CheckFormat().status(of: state) == .unknown)
        #expect(line(ClusterState()) == "QUORUM UNKNOWN - whether the cluster is quorate is not known\n")
        state = ClusterState()
        state.quorate = true
        #expect(line(state) == "QUORUM UNKNOWN - quorate: votes not known\n")
        state.votes.total = 3
        #expect(line(state).hasSuffix(" | votes=3;;;0\n"))
    }

    @Test("of a state that is outdated has no votes")
    func unsettled() {
        var state = CheckFormat().state()
        state.quorate = nil
        state.problems = state.problems(Requirements(), configuration: .named([1, 2, 3]), unsettled: .network)
        #expect(
            line(state) == "QUORUM UNKNOWN - corosync finds that a firewall or a failed interface blocks its messages: "
                + "whether the cluster is quorate is not known; see the firewall and the interfaces of this node\n")
    }

    @Test("does not count a node that was removed from the nodelist")
    func removedNode() throws {
        let text = try line { cluster in
            cluster.states[4] = .dead
        }
        #expect(text.hasPrefix("QUORUM OK - ") && text.hasSuffix(" nodes=3;;;0;3\n"))
    }

    @Test("is one short line of harmless text for any names of nodes and device")
    func hostile() throws {
        let format = try check(Int(UInt32.max))
        var state = format.state { $0.deviceFlags = .quorumDeviceRegistered }
        state.quorate = false
        let name = "a|b\n\"c\"'`\u{1b}[2J\u{202e}" + String(repeating: "x", count: 300)
        state.device?.name = name
        for count in [1, 2, 5, 12, 384] {
            state.nodes = (0..<count).map { index in
                Node(
                    id: NodeID(UInt32.max - 400 + UInt32(index)), name: name, isLocal: false, addresses: [],
                    configuredVotes: 1)
            }
            state.votes = Votes(total: .max, expected: .max, highestExpected: .max, quorum: .max)
            state.problems = state.problems(format.requirements, configuration: .named([1, 2, 3]), unsettled: nil)
            let line = line(state, format)
            #expect(line.utf8.count <= 1024)
            #expect(line.split(separator: "\n").count == 1 && line.hasSuffix("\n"))
            #expect(line.count { $0 == "|" } == 1)
            #expect(!line.contains { "\"'`\u{1b}\u{202e}".contains($0) })
            let data = try #require(line.split(separator: "|").last)
            #expect(
                data == " votes=4294967295;;;0;4294967295 quorum=4294967295 margin=0;4294967295: nodes=0;;;0;\(count)\n"
            )
        }
    }

    @Test("has room for every problem, whatever the nodes and the device are called")
    func everything() throws {
        let requirements = Requirements(margin: 1000, links: 2)
        let configuration = Configuration(
            nodes: Configuration.named(Array(1...60)).nodes, expectedVotes: 99,
            device: ConfiguredDevice(model: "net", votes: 1))
        var state = CheckFormat(requirements).state {
            _ = $0.reduce(.configuration(configuration))
            $0.deviceFlags = .quorumDeviceRegistered
        }
        state.device?.name = String(repeating: "d", count: 300)
        for index in state.nodes.indices {
            state.nodes[index].name = String(repeating: "n", count: 300) + "\(index)x"
            // A fourth of them each: away, not registered, not alive, casts no vote.
            if index % 4 > 0 { (state.nodes[index].state, state.nodes[index].votes) = (.member, 1) }
            state.nodes[index].device =
                index % 4 < 2 ? nil : DeviceState(alive: index % 4 == 3, castVote: false, masterWins: false)
            state.nodes[index].configVersion = 7
            state.nodes[index].isReachable = index == 0 ? nil : false
        }
        state.links = state.nodes.map { Link(id: LinkID(node: $0.id, number: 0), isConnected: false) }
        state.problems = state.problems(requirements, configuration: configuration, unsettled: nil)
        let line = line(state, CheckFormat(requirements))
        #expect(line.utf8.count <= 1024 && line.hasPrefix("QUORUM WARNING - "))
        for words in [
            " are not members; ", "; expected votes are 3, but would be 99 after", " is not registered on ",
            " is not alive on ", " casts no vote on ", " are down; ", " are connected over fewer than 2 links; ",
            "; fewer than 1000 more votes can be lost; ", " config_version 7, ",
        ] {
            #expect(line.contains(words), "\(words) in \(line)")
        }
    }

    @Test("gives the reason for a missing answer, shortened and made harmless, with readable apostrophes")
    func noAnswer() {
        let line = String(
            decoding: CheckFormat.line(forUnknown: "corosync's a|b\n" + String(repeating: "ä", count: 2000)),
            as: UTF8.self)
        #expect(line.hasPrefix("QUORUM UNKNOWN - corosync’s a\\u{7c}b\\u{a}ä") && line.utf8.count <= 1024)
    }
}

extension CheckFormat {
    /// The state that a cluster of three nodes comes to, with its problems by the requirements of the check.
    func state(prepare: (inout Cluster) -> Void = { _ in }) -> ClusterState {
        var cluster = Cluster()
        cluster.reducer = Reducer(requirements: requirements)
        _ = cluster.reduce(.configuration(.named([1, 2, 3])))
        prepare(&cluster)
        _ = cluster.nodelist(1, [1, 2, 3])
        _ = cluster.quorum(cluster.isQuorate)
        // Nil if the reducer takes it for outdated: without the votes, a cluster is not quorate.
        guard let state = cluster.reducer.knownState else {
            Issue.record("the state is not known")
            return ClusterState()
        }
        return state
    }
}
