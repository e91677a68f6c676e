// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("Problems")
struct ProblemTests {
    /// The problems of a cluster of three nodes.
    private func problems(
        _ requirements: Requirements = Requirements(), prepare: (inout Cluster) -> Void = { _ in }
    ) -> [Problem] {
        CheckFormat(requirements).state(prepare: prepare).problems
    }

    private func texts(
        _ requirements: Requirements = Requirements(), prepare: (inout Cluster) -> Void = { _ in }
    ) -> [String] {
        problems(requirements, prepare: prepare).map(\.text)
    }

    private func allowing(_ nodes: String...) throws -> Requirements {
        Requirements(absentNodes: try nodes.map { try NodeSelector(parsing: $0) })
    }

    @Test("do not exist in a complete cluster")
    func none() {
        #expect(problems() == [])
    }

    @Test("of a lost quorum say how many votes are needed, or what votequorum waits for")
    func notQuorate() {
        func lost(_ members: UInt32, _ flags: NodeInfo.Flags = []) -> [String] {
            texts {
                for id in members + 1..<4 { $0.states[id] = .dead }
                $0.deviceFlags = flags
                $0.isQuorate = false
            }
        }
        #expect(lost(1) == ["not quorate: needs 1 more vote", "node2 and node3 are not members"])
        #expect(
            lost(2, .waitForAll) == [
                "not quorate: waits until all 3 expected votes are present (wait_for_all)", "node3 is not a member",
            ])
        #expect(
            lost(1, .waitForAll).first == "not quorate: waits until all 3 expected votes are present (wait_for_all)",
            "not only for a majority")
        #expect(lost(3) == ["not quorate: there are enough votes, but votequorum has not given quorum"])
        let two = texts {
            $0.states = [1: .member, 2: .dead, 3: .dead]
            $0.expected = 5
            $0.isQuorate = false
        }
        #expect(two.first == "not quorate: needs 2 more votes")
    }

    @Test("are sorted by severity, with the nodes by ID")
    func order() {
        let state = CheckFormat().state {
            $0.states = [1: .member, 2: .dead, 3: .dead]
            $0.isQuorate = false
        }
        let all = state.problems(Requirements(), configuration: nil, unsettled: nil, lacksStatistics: true)
        #expect(all.map(\.code) == [.notQuorate, .configuration, .nodeMissing])
        #expect(all.last?.nodes.map(\.id) == [NodeID(2), NodeID(3)])
        #expect(all.last?.nodes.map(\.name) == ["node2", "node3"])
    }

    @Test("of a state that is outdated are only those that votequorum is not needed for")
    func unsettled() {
        var state = CheckFormat().state { $0.states[3] = .dead }
        state.quorate = nil
        func codes(_ reason: UnsettledReason?) -> [Problem.Code] {
            state.problems(Requirements(margin: 9), configuration: .named([1, 2, 3]), unsettled: reason).map(\.code)
        }
        for reason in UnsettledReason.allCases { #expect(codes(reason) == [.unsettled]) }
        #expect(codes(nil) == [])
        #expect(!UnsettledReason.recalculation.words(hasDevice: false).contains("device"))
        #expect(UnsettledReason.recalculation.words(hasDevice: true).contains("device"))
    }

    @Test("of missing nodes leave out nodes that may be absent, by ID, name or address, and removed nodes")
    func missingNodes() throws {
        let degraded = { (cluster: inout Cluster) in cluster.states[3] = .dead }
        #expect(texts(prepare: degraded) == ["node3 is not a member"])
        for node in ["3", "node3", "10.0.0.3"] { #expect(try texts(allowing(node), prepare: degraded) == []) }
        #expect(try texts(allowing("node2"), prepare: degraded) == ["node3 is not a member"])
        #expect(texts { $0.states[3] = nil } == ["node3 is not a member"], "never seen")
        #expect(texts { $0.states[4] = .dead } == [], "removed from the nodelist")
        let unlisted = texts {
            _ = $0.reduce(.configuration(Configuration(expectedVotes: 3)))
            $0.states[3] = .dead
        }
        #expect(unlisted == ["3 is not a member"], "there is no nodelist")
    }

    @Test("of a missing node whose link is connected say so, with its MTU")
    func linkedNodes() {
        var state = CheckFormat().state {
            ($0.states[2], $0.states[3]) = (.dead, .dead)
            $0.isQuorate = false
        }
        func missing(_ links: [Link]) -> [String] {
            state.links = links
            for index in state.nodes.indices {
                let node = state.nodes[index].id
                state.nodes[index].isReachable = links.contains { $0.id.node == node && $0.isConnected }
            }
            return state.problems(Requirements(), configuration: .named([1, 2, 3]), unsettled: nil)
                .filter { $0.code == .nodeMissing }.map(\.text)
        }
        func link(_ node: UInt32, _ number: Int = 0, mtu: UInt32? = nil, isConnected: Bool = true) -> Link {
            Link(id: LinkID(node: NodeID(node), number: number), isConnected: isConnected, mtu: mtu)
        }
        #expect(
            missing([link(2, isConnected: false), link(3, mtu: 450)]) == [
                "node2 is not a member",
                "node3 is not a member although a link to it is connected (MTU 450): another member does not reach it, only "
                    + "small packets pass, or it has just left",
            ])
        #expect(
            missing([link(2, mtu: 1446), link(2, 1), link(3, mtu: 450)]).first?.contains(" (MTU 450 to 1446): another")
                == true)
        #expect(missing([link(3)]).last?.contains("connected: another member") == true)
    }

    @Test("of expected votes are those that differ from the votes after a start of all nodes")
    func expectedVotes() throws {
        func expected(_ votes: UInt32, of configuration: Configuration, total: Int = 3) -> [String] {
            var cluster = Cluster()
            _ = cluster.reduce(.configuration(configuration))
            cluster.expected = votes
            for id in 1...3 where id > total { cluster.states[UInt32(id)] = .dead }
            _ = cluster.quorum(votes / 2 < total)
            return (cluster.reducer.knownState?.problems ?? []).filter { $0.code == .expectedVotes }.map(\.text)
        }
        var three = Configuration.named([1, 2, 3])
        #expect(expected(3, of: three) == [])
        #expect(expected(4, of: three) == ["expected votes are 4, but would be 3 after a start of all nodes"])
        #expect(expected(2, of: three, total: 2) == ["expected votes are 2, but would be 3 after a start of all nodes"])
        three.expectedVotes = 0
        #expect(expected(3, of: three) == [], "0 is not set")
        three.expectedVotes = 5
        #expect(expected(5, of: three) == [] && expected(3, of: three).count == 1 && expected(6, of: three).count == 1)
        three.expectedVotes = nil
        three.trackedExpectedVotes = 4
        #expect(expected(4, of: three) == [] && expected(3, of: three).count == 1)

        // Another member that expects more raises the quorum of all.
        var cluster = Cluster.settled()
        _ = cluster.quorum(true)
        var state = try #require(cluster.reducer.knownState)
        state.votes.highestExpected = 5
        #expect(
            state.problems(Requirements(), configuration: .named([1, 2, 3]), unsettled: nil).map(\.text)
                == ["expected votes are 5, but would be 3 after a start of all nodes"])
    }

    @Test("after a start are counted by the rules of votequorum")
    func votesAfterStart() {
        var configuration = Configuration.named([1, 2, 3, 4])
        #expect(configuration.expectedVotesAfterStart == 4...4)
        configuration.expectedVotes = 0
        #expect(configuration.expectedVotesAfterStart == 4...4, "0 is not set")
        configuration.expectedVotes = nil
        configuration.device = ConfiguredDevice(model: "net", votes: 1)
        #expect(configuration.expectedVotesAfterStart == 4...5, "explicit votes of the device are added when counted")
        configuration.device?.votes = nil
        #expect(configuration.expectedVotesAfterStart == 7...7, "one vote less than there are nodes")
        configuration.nodes[0].votes = 2
        #expect(configuration.expectedVotesAfterStart == 5...5, "no default with different votes")
        configuration.expectedVotes = 9
        #expect(configuration.expectedVotesAfterStart == 9...9)
        configuration.expectedVotes = 2
        #expect(configuration.expectedVotesAfterStart == 2...5, "raised when all votes are there")
        #expect(Configuration().expectedVotesAfterStart == nil)
    }

    @Test("are none with a device whose explicit votes were never expected, and two of four nodes allowed to be absent")
    func deviceVotes() throws {
        let four = Configuration(
            nodes: Configuration.named([1, 2, 3, 4]).nodes, device: ConfiguredDevice(model: "net", votes: 1))
        var state = CheckFormat().state {
            _ = $0.reduce(.configuration(four))
            $0.states = [1: .member, 2: .member]
            $0.deviceFlags = [.quorumDeviceRegistered, .quorumDeviceAlive, .quorumDeviceCastVote]
        }
        for expected: UInt32 in 3...6 {
            state.votes = Votes(total: 3, expected: expected, highestExpected: expected, quorum: expected / 2 + 1)
            let found = state.problems(try allowing("3", "4"), configuration: four, unsettled: nil)
            let codes: [Problem.Code] =
                expected < 4 ? [.expectedVotes] : expected < 6 ? [] : [.expectedVotes, .votesMissing]
            #expect(found.map(\.code) == codes, "\(expected)")
        }
    }

    @Test("are none where last_man_standing lowered expected votes for nodes that may be absent")
    func lastManStanding() throws {
        func found(_ requirements: Requirements, isOn: Bool = true, votes: UInt32 = 1) -> [Problem.Code] {
            problems(requirements) {
                var four = Configuration.named([1, 2, 3, 4])
                four.hasLastManStanding = isOn
                four.nodes[0].votes = votes
                _ = $0.reduce(.configuration(four))
                $0.states = [1: .member, 2: .member, 3: .dead, 4: .dead]
                $0.expected = 2
            }.map(\.code)
        }
        #expect(try found(allowing("3", "4")) == [])
        #expect(try found(allowing("3", "4"), isOn: false) == [.expectedVotes])
        #expect(try found(allowing("3", "4"), votes: 2) == [.expectedVotes], "corosync turns it off then")
        #expect(try found(allowing("3")) == [.nodeMissing, .expectedVotes])
        #expect(try found(allowing()) == [.nodeMissing, .expectedVotes])
    }

    @Test("of missing votes are those that no absent node and no device accounts for")
    func missingVotes() throws {
        #expect(
            texts {
                _ = $0.reduce(
                    .configuration(Configuration(nodes: Configuration.named([1, 2, 3]).nodes, expectedVotes: 5)))
                $0.expected = 5
            } == ["2 of 5 expected votes are absent, and no absent node accounts for them"])
        #expect(
            texts { $0.votes[2] = 0 } == ["1 of 3 expected votes is absent, and no absent node accounts for it"])
        #expect(
            texts {
                $0.votes = [1: 2, 2: 0, 3: 1]
                $0.states[3] = .dead
                $0.expected = 4
                $0.isQuorate = false
            }.filter { !$0.contains("quor") && !$0.contains("would be") } == [
                "node3 is not a member", "1 of 4 expected votes is absent, and no absent node accounts for it",
            ])
    }

    @Test("of the quorum device name the members on which it is not registered, not alive or casts no vote")
    func device() {
        func found(_ flags: NodeInfo.Flags, configured: Bool = true) -> [String] {
            texts {
                var configuration = Configuration.named([1, 2, 3])
                if configured { configuration.device = ConfiguredDevice(model: "net", votes: 1) }
                _ = $0.reduce(.configuration(configuration))
                $0.expected = 4
                $0.deviceFlags = flags
            }.filter { !$0.contains("expected votes") }
        }
        let everywhere = "on node1, node2 and node3"
        #expect(found([]) == ["quorum device net is not registered \(everywhere)"])
        #expect(found([], configured: false) == [])
        #expect(found([.quorumDeviceRegistered]) == ["quorum device net is not alive \(everywhere)"])
        #expect(
            found([.quorumDeviceRegistered, .quorumDeviceAlive]) == ["quorum device net casts no vote \(everywhere)"])
        #expect(found([.quorumDeviceRegistered, .quorumDeviceAlive, .quorumDeviceCastVote]) == [])
    }

    @Test("of a quorum that two partitions can have: two_node with more nodes, and votes that 8 bits do not hold")
    func noMajority() {
        func found(_ votes: [UInt32], quorum: UInt32, _ flags: NodeInfo.Flags = []) -> [String] {
            var state = CheckFormat().state()
            let sum = votes.reduce(0, +)
            state.nodes = zip(state.nodes, votes).map { node, _ in node }
            state.flags = flags.union(.quorate)
            state.votes = Votes(total: sum, expected: sum, highestExpected: sum, quorum: quorum)
            return state.problems(Requirements(), configuration: nil, unsettled: nil)
                .filter { $0.code == .noMajority }.map(\.text)
        }
        let consequence = "two partitions can be quorate at the same time, because "
        #expect(found([1, 1], quorum: 1, .twoNode) == [])
        #expect(
            found([1, 1, 1], quorum: 2, .twoNode)
                == [consequence + "two_node is set for 3 nodes: remove it from corosync.conf"])
        #expect(found([1], quorum: 1) == [] && found([1, 1, 1], quorum: 2) == [] && found([2, 1, 1], quorum: 3) == [])
        #expect(found([1, 1], quorum: 1) == [consequence + "quorum 1 is not a majority of 2 expected votes"])
        #expect(
            found([400, 100, 100], quorum: 45) == [
                consequence
                    + "quorum 45 is not a majority of 600 expected votes: use at most 509, because corosync keeps "
                    + "the quorum in 8 bits"
            ])
    }

    @Test("of links are those to members that are down, or fewer than required")
    func links() {
        var state = CheckFormat().state()
        for index in state.nodes.indices.dropFirst() { state.nodes[index].isReachable = true }
        func found(_ down: [(UInt32, Int)], required: Int? = nil, links: [UInt32] = [2, 3]) -> [String] {
            state.links = links.flatMap { node in
                (0...1).map { number in
                    Link(
                        id: LinkID(node: NodeID(node), number: number),
                        isConnected: !down.contains { $0 == (node, number) }
                    )
                }
            }
            return state.problems(Requirements(links: required), configuration: .named([1, 2, 3]), unsettled: nil)
                .map(\.text)
        }
        #expect(found([], required: 2) == [])
        #expect(found([(3, 1)]) == ["link 1 to node3 is down"])
        #expect(
            found([(2, 0), (3, 0), (3, 1)], required: 2) == [
                "links are down: 0 to node2, 0 and 1 to node3", "node2 and node3 are connected over fewer than 2 links",
            ])
        #expect(found([(3, 1)], required: 1) == ["link 1 to node3 is down"])
        (state.nodes[2].state, state.nodes[2].isReachable) = (.dead, false)
        #expect(found([(3, 0), (3, 1)], required: 2) == ["node3 is not a member"], "only members count")
        (state.nodes[2].state, state.nodes[2].isReachable) = (.member, true)
        #expect(
            found([], required: 1, links: [2]) == ["node3 is connected over fewer than 1 link"],
            "none in the statistics")
        #expect(found([], required: 3, links: []) == [], "other transports have no links")
        state.links = nil
        let unknown = state.problems(Requirements(links: 1), configuration: .named([1, 2, 3]), unsettled: nil)
        #expect(unknown.map(\.code) == [.configuration])
    }

    @Test("of the margin are those of a quorate cluster that can lose fewer votes than required")
    func margin() {
        #expect(problems(Requirements(margin: 1)) == [])
        #expect(texts(Requirements(margin: 2)) == ["fewer than 2 more votes can be lost"])
        let lost = problems(Requirements(margin: 2)) {
            $0.states = [1: .member, 2: .dead, 3: .dead]
            $0.isQuorate = false
        }
        #expect(lost.first?.code == .notQuorate)
        #expect(!lost.contains { $0.code == .lowMargin })
    }

    @Test("of the configuration's version name the members and the nodes that left with another one")
    func configVersion() throws {
        func found(
            _ versions: [UInt32: UInt64], own: UInt64? = 4, states: [UInt32: NodeState?] = [:],
            _ requirements: Requirements = Requirements()
        ) -> [String] {
            texts(requirements) {
                var configuration = Configuration.named([1, 2, 3])
                configuration.version = own
                for (id, version) in versions {
                    configuration.members[NodeID(id)] = TotemMember(configVersion: version)
                }
                _ = $0.reduce(.configuration(configuration))
                for (id, state) in states { $0.states[id] = state }
                $0.isQuorate = states.count < 2
            }.filter { $0.contains("version") }
        }
        #expect(found([1: 4, 2: 4, 3: 4]) == [])
        #expect(found([:]) == [])
        #expect(found([1: 0, 2: 0], own: nil) == [], "0 is none")
        #expect(found([2: 3, 3: 4]) == ["node2 has config_version 3, this node has config_version 4"])
        #expect(found([2: 3], own: nil) == ["node2 has config_version 3, this node has no config_version"])
        #expect(
            found([2: 3, 3: 5])
                == ["node2 and node3 have other versions of the configuration, this node has config_version 4"])
        for state in [NodeState.dead, nil] {
            #expect(
                found([3: 3], states: [3: state])
                    == ["node3 is not a member and last had config_version 3, this node has config_version 4"])
            #expect(try found([3: 3], states: [3: state], allowing("3")) == [], "its absence is allowed")
        }
        #expect(
            found([2: 3, 3: 3], states: [2: .dead, 3: .dead])
                == ["node2 and node3 are not members and last had config_version 3, this node has config_version 4"])
        #expect(try found([3: 3], allowing("3")) == ["node3 has config_version 3, this node has config_version 4"])
    }

    @Test("of the configuration file say how it differs")
    func configFile() {
        var configuration = Configuration.named([1, 2, 3])
        configuration.fileDifference = .settings("node 4 is in the file only")
        #expect(
            texts { _ = $0.reduce(.configuration(configuration)) } == [
                "corosync.conf differs from what corosync runs with (node 4 is in the file only): reload it "
                    + "(corosync-cfgtool -R) or restart corosync"
            ])
        configuration.fileDifference = .error("line 4 is neither a section nor a setting")
        #expect(
            texts { _ = $0.reduce(.configuration(configuration)) } == [
                "corosync.conf has an error (line 4 is neither a section nor a setting): correct it; corosync would "
                    + "not start with it"
            ])
    }

    @Test("have texts of our own without characters that a check would escape, and abbreviate long lists")
    func texts() {
        let all = problems {
            _ = $0.reduce(.configuration(.named(Array(1...40))))
            $0.expected = 40
            $0.isQuorate = false
        }
        #expect(all.map(\.text) == ["not quorate: needs 18 more votes", "node4 … node40 (37 nodes) are not members"])
        #expect(all.last?.shortText == "37 nodes are not members")
        for reason in UnsettledReason.allCases {
            #expect(!reason.words(hasDevice: true).contains { "|\"'`".contains($0) })
        }
    }
}
