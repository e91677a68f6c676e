// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("The line of a check")
struct CheckFormatTests {
    private func state(_ prepare: (inout Cluster) -> Void = { _ in }) -> ClusterState {
        var cluster = Cluster()
        _ = cluster.reduce(.configuration(.named([1, 2, 3])))
        prepare(&cluster)
        _ = cluster.nodelist(1, [1, 2, 3])
        _ = cluster.quorum(cluster.isQuorate)
        return cluster.reducer.known ?? ClusterState()
    }

    private func line(_ state: ClusterState, warnMargin: Int? = nil, absent: String...) throws -> String {
        String(decoding: try check(warnMargin, absent).line(for: state), as: UTF8.self)
    }

    private func check(_ warnMargin: Int? = nil, _ absent: [String] = []) throws -> CheckFormat {
        CheckFormat(Requirements(margin: warnMargin, absentNodes: try absent.map { try NodeSelector(parsing: $0) }))
    }

    @Test("is OK for a complete cluster")
    func ok() throws {
        #expect(
            try line(state())
                == "QUORUM OK - quorate: 3 of 3 votes, quorum 2, can lose 1 | votes=3;;;0;3 quorum=2 margin=1 nodes=3;;;0;3\n"
        )
        #expect(CheckFormat().health(of: state()) == .healthy)
    }

    @Test("warns of missing votes, and names the nodes")
    func missingVotes() throws {
        let degraded = state { $0.states[3] = .dead }
        #expect(CheckFormat().health(of: degraded) == .degraded)
        #expect(
            try line(degraded)
                == "QUORUM WARNING - quorate: 2 of 3 votes, quorum 2, can lose 0; nodes missing: node3(3)"
                + " | votes=2;;;0;3 quorum=2 margin=0 nodes=2;;;0;3\n")
    }

    @Test("warns of a margin below the limit, and gives the limit as a range")
    func margin() throws {
        #expect(try check(1).health(of: state()) == .healthy)
        #expect(try check(2).health(of: state()) == .degraded)
        #expect(
            try line(state(), warnMargin: 2)
                == "QUORUM WARNING - quorate: 3 of 3 votes, quorum 2, can lose 1; margin below 2"
                + " | votes=3;;;0;3 quorum=2 margin=1;2: nodes=3;;;0;3\n")
    }

    @Test(
        "warns of a quorum device that is not alive or casts no vote",
        arguments: [
            (NodeInfo.Flags.quorumDeviceAlive, "casts no vote"), (.quorumDeviceCastVote, "is not alive"),
        ])
    func device(_ flags: NodeInfo.Flags, _ words: String) throws {
        let degraded = state { $0.deviceFlags = flags.union(.quorumDeviceRegistered) }
        #expect(CheckFormat().health(of: degraded) == .degraded)
        #expect(try line(degraded).contains("; quorum device net \(words) on node1(1) node2(2) node3(3) | "))
        let good = state { $0.deviceFlags = [.quorumDeviceRegistered, .quorumDeviceAlive, .quorumDeviceCastVote] }
        #expect(CheckFormat().health(of: good) == .healthy)
    }

    @Test("warns of a configured quorum device that is not registered on a member, and names the members")
    func unregisteredDevice() throws {
        func configuration(_ device: ConfiguredDevice?) -> Configuration {
            Configuration(nodes: Configuration.named([1, 2, 3]).nodes, device: device)
        }
        let unregistered = state {
            _ = $0.reduce(.configuration(configuration(ConfiguredDevice(model: "net", votes: 1))))
            $0.expected = 4
        }
        #expect(unregistered.device?.isRegistered == false && unregistered.device?.model == "net")
        #expect(
            try line(unregistered).hasPrefix(
                "QUORUM WARNING - quorate: 3 of 4 votes, quorum 3, can lose 0; "
                    + "quorum device net is not registered on node1(1) node2(2) node3(3) | "))
        #expect(state().device == nil)
    }

    @Test("warns of expected votes below the votes configured for nodes and device, or below quorum.expected_votes")
    func loweredExpectedVotes() throws {
        var configuration = Configuration.named([1, 2, 3])
        #expect(configuration.votes == 3)
        configuration.nodes[1].votes = 2
        #expect(configuration.votes == 4)
        configuration.nodes[1].votes = 1
        configuration.device = ConfiguredDevice(model: "net")
        #expect(configuration.votes == 5, "the default is one vote less than the number of nodes")
        configuration.device?.votes = 1
        #expect(configuration.votes == 4)
        configuration.expectedVotes = 9
        #expect(configuration.votes == 9)
        configuration.device = nil
        let lowered = state { _ = $0.reduce(.configuration(configuration)) }
        #expect(
            try line(lowered).hasPrefix(
                "QUORUM WARNING - quorate: 3 of 3 votes, quorum 2, can lose 1; expected votes are 3, configured are 9 | "
            ))
    }

    @Test("accepts the absence of allowed nodes, if their votes account for all missing votes")
    func allowedAbsence() throws {
        let degraded = state { $0.states[3] = .dead }
        for node in ["3", "node3"] {
            #expect(try line(degraded, absent: node).hasPrefix("QUORUM OK - quorate: 2 of 3 votes"))
        }
        #expect(
            try line(degraded, absent: "node2").contains("WARNING") && line(degraded, absent: "2").contains("node3(3)"))
        #expect(try line(state(), absent: "node3").hasPrefix("QUORUM OK"))
        let never = state { $0.states[3] = nil }
        #expect(try line(never).contains("nodes missing: node3(3)"))
        #expect(try line(never, absent: "node3").hasPrefix("QUORUM OK"))
        let more = state {
            $0.states[3] = .dead
            $0.votes[1] = 2
            $0.expected = 5
        }
        #expect(
            try line(more, absent: "node3")
                .hasPrefix("QUORUM WARNING - quorate: 3 of 5 votes, quorum 3, can lose 0; 1 vote missing | "))
        #expect(
            try line(state(), absent: "node33")
                == "QUORUM UNKNOWN - --allow-absent node33: no node has this ID or name; see the nodelist in corosync.conf\n"
        )
    }

    @Test("is CRITICAL without quorum even if a node that may be away is not known")
    func unknownNodeWithoutQuorum() throws {
        let lost = state {
            $0.states = [1: .member, 2: .dead, 3: .dead]
            $0.isQuorate = false
        }
        #expect(
            try line(lost, absent: "node33", "node2").hasPrefix(
                "QUORUM CRITICAL - not quorate: 1 of 3 votes, quorum 2, 1 missing; nodes missing: node3(3) | "))
    }

    @Test("counts every known node as configured when the configuration has no list of nodes, and only then")
    func noNodelist() throws {
        let removed = state {
            $0.states[4] = .dead
            $0.expected = 4
        }
        #expect(try line(removed).hasPrefix("QUORUM WARNING - quorate: 3 of 4 votes, quorum 3, can lose 0; 1 vote mis"))
        let unlisted = state {
            _ = $0.reduce(.configuration(Configuration(expectedVotes: 3)))
            $0.states[3] = .dead
        }
        #expect(try line(unlisted).contains("; nodes missing: 3 | "))
    }

    @Test("is UNKNOWN when there is no problem but the configuration is unknown")
    func unknownConfiguration() throws {
        var cluster = Cluster()
        _ = cluster.nodelist(1, [1, 2, 3])
        _ = cluster.quorum(true)
        let state = try #require(cluster.reducer.known)
        #expect(try line(state).hasPrefix("QUORUM UNKNOWN - quorate: 3 of 3 votes, quorum 2, can lose 1; the config"))
        cluster.states[3] = .dead
        _ = cluster.quorum(true)
        #expect(try line(#require(cluster.reducer.known)).hasPrefix("QUORUM WARNING - "))
    }

    @Test("is CRITICAL without quorum, and gives the missing votes or what the cluster waits for")
    func critical() throws {
        let lost = state {
            $0.states = [1: .member, 2: .dead, 3: .dead]
            $0.isQuorate = false
        }
        #expect(CheckFormat().health(of: lost) == .notQuorate)
        #expect(
            try line(lost, warnMargin: 1)
                == "QUORUM CRITICAL - not quorate: 1 of 3 votes, quorum 2, 1 missing; nodes missing: node2(2) node3(3)"
                + " | votes=1;;;0;3 quorum=2 margin=-1;1: nodes=1;;;0;3\n")
        let waiting = state {
            $0.states[3] = .dead
            $0.deviceFlags = .waitForAll
            $0.isQuorate = false
        }
        #expect(
            try line(waiting).hasPrefix(
                "QUORUM CRITICAL - not quorate: 2 of 3 votes, quorum 2, waiting for all nodes; nodes missing: node3(3) | "
            ))
        #expect(try !line(waiting).contains("can lose"))
    }

    @Test("gives no number for an unknown value")
    func unknown() throws {
        #expect(try line(ClusterState()) == "QUORUM UNKNOWN - votequorum has not said whether the cluster is quorate\n")
        var state = ClusterState()
        state.quorate = true
        #expect(CheckFormat().health(of: state) == .unknown)
        #expect(try line(state) == "QUORUM UNKNOWN - quorate: ? of ? votes, quorum ?\n")
        state.votes.total = 3
        #expect(try line(state).hasSuffix(" | votes=3;;;0\n"))
    }

    @Test("is one short line of harmless text for any names of nodes and device")
    func hostile() throws {
        var state = state { $0.deviceFlags = .quorumDeviceRegistered }
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
            let line = try line(state, warnMargin: Int(UInt32.max))
            #expect(line.utf8.count <= 1024)
            #expect(line.split(separator: "\n").count == 1 && line.hasSuffix("\n"))
            #expect(line.count { $0 == "|" } == 1)
            #expect(!line.contains { "\"'`\u{1b}\u{202e}".contains($0) })
            let data = try #require(line.split(separator: "|").last)
            #expect(
                data == " votes=4294967295;;;0;4294967295 quorum=4294967295 margin=0;4294967295: nodes=0;;;0;\(count)\n"
            )
            if count == 384 {
                let more = try #require(line.firstMatch(of: #/ and (\d+) more \|/#)?.output.1)
                let named = line.matches(of: #/\(\d+\)/#).count
                #expect(named > 3 && Int(more) == 384 - named)
            }
        }
    }

    @Test("has room for every shortcoming, whatever the nodes and the device are called")
    func everything() throws {
        var state = state {
            let device = ConfiguredDevice(model: "net", votes: 1)
            _ = $0.reduce(
                .configuration(
                    Configuration(nodes: Configuration.named(Array(1...60)).nodes, expectedVotes: 99, device: device)))
            $0.deviceFlags = .quorumDeviceRegistered
        }
        state.device?.name = String(repeating: "d", count: 300)
        for index in state.nodes.indices {
            state.nodes[index].name = String(repeating: "n", count: 300)
            // A third of them each: away, not registered, not alive, casts no vote.
            if index % 4 > 0 { (state.nodes[index].state, state.nodes[index].votes) = (.member, 1) }
            state.nodes[index].device =
                index % 4 < 2 ? nil : DeviceState(alive: index % 4 == 3, castVote: false, masterWins: false)
        }
        let line = try line(state, warnMargin: 1000)
        #expect(line.utf8.count <= 1024)
        for words in [
            "; nodes missing: n", "; expected votes are 3, configured are 99", " is not registered on ",
            " is not alive on ", " casts no vote on ", "; margin below 1000 | ",
        ] {
            #expect(line.contains(words), "\(words) in \(line)")
        }
    }

    @Test("names every missing node if there is room for all of them")
    func namesAll() throws {
        let state = state {
            for id: UInt32 in 4...40 { $0.states[id] = .dead }
            _ = $0.reduce(.configuration(nil))
            $0.expected = 40
            $0.isQuorate = false
        }
        let line = try line(state)
        #expect(line.contains("nodes missing: 4 5 6 ") && line.contains(" 40 |") && !line.contains("more"))
    }

    @Test("gives the reason for a missing answer, shortened and made harmless")
    func noAnswer() {
        let line = String(
            decoding: CheckFormat.line(forUnknown: "a|b\n" + String(repeating: "ä", count: 2000)), as: UTF8.self)
        #expect(line.hasPrefix("QUORUM UNKNOWN - a\\u{7c}b\\u{a}ä") && line.utf8.count <= 1024)
    }
}
