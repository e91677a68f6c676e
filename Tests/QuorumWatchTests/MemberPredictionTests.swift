// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

/// Predictions in the reducer, the status trigger and the formats.
@Suite("Predictions for every member")
struct MemberPredictionTests {
    /// Four nodes with auto_tie_breaker: the half with the highest ID wins.
    private static func pairs(predictsIfDown: Bool = true) -> Cluster {
        var cluster = Cluster()
        cluster.reducer = Reducer(predictsIfDown: predictsIfDown)
        cluster.states = [1: .member, 2: .member, 3: .member, 4: .member]
        cluster.votes[4] = 1
        cluster.expected = 4
        cluster.deviceFlags = .autoTieBreaker
        _ = cluster.reduce(.configuration(configuration))
        _ = cluster.nodelist(1, [1, 2, 3, 4])
        _ = cluster.quorum(true)
        return cluster
    }

    private static var configuration: Configuration {
        var configuration = Configuration.named([1, 2, 3, 4])
        configuration.voting = VotingSettings(tieBreaker: .highest(4), isWaitingForAll: false)
        return configuration
    }

    private func survived(_ state: ClusterState?) -> [Bool?] { state?.nodes.map(\.quorateIfDown) ?? [] }

    @Test("follow the changes that votequorum makes to its tie breaker")
    func everyMember() throws {
        var cluster = Self.pairs()
        #expect(survived(cluster.reducer.knownState) == [true, true, true, true])
        cluster.states[4] = .dead
        _ = cluster.nodelist(2, [1, 2, 3])
        let lost = try #require(cluster.quorum(true).only)
        // Of the last membership that was quorate by votes, node 3 is the highest.
        #expect(survived(lost.state) == [true, true, false, nil])
        // A change of `runtime.members` does not contain the tie breaker, and must not replace it.
        #expect(cluster.reduce(.members([NodeID(4): TotemMember(isJoined: false)])) == [])
        #expect(survived(cluster.reducer.knownState) == [true, true, false, nil])
        cluster.states[2] = .dead
        _ = cluster.nodelist(3, [1, 3])
        // Quorate by the tie breaker, which is still node 3: without either node there is not half of the votes.
        #expect(survived(cluster.quorum(true).only?.state) == [false, nil, false, nil])
        cluster.states[3] = .dead
        _ = cluster.nodelist(4, [1])
        #expect(survived(cluster.quorum(false).only?.state) == [false, nil, nil, nil])
    }

    @Test("are made only if wanted, and not from readings of different moments")
    func unwanted() throws {
        #expect(survived(Self.pairs(predictsIfDown: false).reducer.knownState) == [nil, nil, nil, nil])
        var cluster = Self.pairs()
        cluster.states[4] = .dead
        _ = cluster.nodelist(2, [1, 2, 3])
        // Notified quorate, and read as not.
        cluster.isQuorate = false
        let event = cluster.reduce(.quorum(quorate: true, nodes: cluster.listed, cluster.reading)).only
        #expect(cluster.reducer.voting == nil && event?.state?.votes.total == nil)
    }

    @Test("cause no event by themselves")
    func settingsAlone() {
        var cluster = Self.pairs()
        #expect(cluster.reduce(.configuration(.named([1, 2, 3, 4]))).isEmpty)
        #expect(survived(cluster.reducer.knownState) == [true, true, true, true])
        cluster.states[4] = .dead
        _ = cluster.nodelist(2, [1, 2, 3])
        _ = cluster.quorum(true)
        // The tie breaker decides, and is not known.
        #expect(survived(cluster.reducer.knownState) == [nil, nil, nil, nil])
        #expect(cluster.reduce(.configuration(Self.configuration)).isEmpty)
    }

    @Test("appear in an event line when they turn, and in the first line when quorum does not survive a loss")
    func turned() throws {
        var cluster = Self.pairs()
        var tracker = ChangeTracker()
        func turned(_ event: Event?) throws -> [String] {
            let event = try #require(event)
            let line = EventText(event, tracker.changes(in: event) ?? []).line.plain
            return line.split(separator: "; ").map(String.init).filter {
                $0.contains("the loss of") || $0.contains("would now be lost")
            }
        }
        func status() -> Event {
            let state = cluster.reducer.knownState!
            return Event(time: Timestamp(microseconds: 0), quorate: state.quorate, body: .status(state))
        }
        #expect(try turned(status()) == [])
        cluster.states[4] = .dead
        _ = cluster.nodelist(2, [1, 2, 3])
        #expect(try turned(cluster.quorum(true).only) == ["quorum would now be lost with node3"])
        cluster.votes[2] = 0
        _ = cluster.reduce(.reading(cluster.reading))
        cluster.votes[2] = 1
        #expect(try turned(cluster.reduce(.reading(cluster.reading)).only) == [])
        cluster.states[4] = .member
        _ = cluster.nodelist(3, [1, 2, 3, 4])
        #expect(try turned(cluster.quorum(true).only) == ["quorum now survives the loss of node3"])
        _ = cluster.nodelist(4, [1])
        cluster.states = [1: .member, 2: .dead, 3: .dead, 4: .dead]
        #expect(try turned(cluster.quorum(false).only) == [])
    }

    @Test("have a column in the table of the status, and a metric")
    func columnAndMetric() throws {
        var cluster = Self.pairs()
        cluster.states[4] = .dead
        _ = cluster.nodelist(2, [1, 2, 3])
        let state = try #require(cluster.quorum(true).only?.state)
        let table = StatusText(state: state).lines.suffix(6).map(\.plain)
        #expect(
            table.joined(separator: "\n") == """
                    ID  NAME   STATE   VOTES  IF DOWN      ADDRESSES
                  *  1  node1  member      1  quorate      10.0.0.1
                     2  node2  member      1  quorate      10.0.0.2
                     3  node3  member      1  not quorate  10.0.0.3
                     4  node4  lost        1  -            10.0.0.4
                    * this node
                """)
        let metrics = String(decoding: PrometheusFormat.exposition(of: state), as: UTF8.self).split(separator: "\n")
        #expect(
            metrics.filter { $0.hasPrefix("vqwatch_if_down_quorate") } == [
                #"vqwatch_if_down_quorate{node_id="1",node="node1"} 1"#,
                #"vqwatch_if_down_quorate{node_id="2",node="node2"} 1"#,
                #"vqwatch_if_down_quorate{node_id="3",node="node3"} 0"#,
            ])
    }

    @Test("replace the status with --if-down, once every named node is known")
    func trigger() throws {
        func event(ifDown nodes: String...) throws -> (event: Event?, diagnosis: String?) {
            let cluster = Self.pairs()
            var trigger = StatusTrigger(ifDown: try nodes.map(NodeSelector.init(parsing:)))
            let event = trigger.status(of: cluster.reducer, at: Timestamp(microseconds: 7))
            return (event, trigger.diagnosis(cluster.reducer))
        }
        let (prediction, diagnosis) = try event(ifDown: "node4", "3", "node4")
        guard case .prediction(let report) = prediction?.body else { throw Unexpected(prediction) }
        #expect(diagnosis == nil && prediction?.kind == .prediction && prediction?.quorate == nil)
        #expect(report.ifDown.map(\.id) == [3, 4] && report.prediction.members == [1, 2])
        #expect(report.prediction.quorate == false)
        #expect(try event(ifDown: "1", "node9").event == nil)
        #expect(
            try event(ifDown: "1", "node9").diagnosis
                == "--if-down node9: no node has this name or address; 'vqwatch' lists the nodes")
        // An incomplete reading makes the prediction unknown, and does not delay it.
        var cluster = Cluster()
        _ = cluster.nodelist(1, [1, 2, 3])
        let reading = Reading(local: cluster.reading.local, others: [])
        _ = cluster.reduce(.quorum(quorate: true, nodes: cluster.listed, reading))
        var trigger = StatusTrigger(ifDown: [try NodeSelector(parsing: "2")])
        let event = trigger.status(of: cluster.reducer, at: Timestamp(microseconds: 7))
        guard case .prediction(let report) = event?.body else { throw Unexpected(event) }
        #expect(report.prediction.quorate == nil && report.prediction.members == [1, 3])
    }

    @Test("are a verdict with the votes and a sentence for each remark")
    func sentences() {
        func text(_ ifDown: [NodeID], _ change: (inout Prediction) -> Void) -> [String] {
            var prediction = Prediction(members: [1, 3])
            prediction.quorate = true
            prediction.rule = .votes
            prediction.votes = Votes(total: 2, expected: 3, highestExpected: 3, quorum: 2)
            change(&prediction)
            let nodes = (1...3 as ClosedRange<UInt32>).map {
                Node(id: NodeID($0), name: "n\($0)", state: $0 == 2 ? .dead : .member, isLocal: false, addresses: [])
            }
            let report = PredictionReport(
                ifDown: ifDown.map { NodeReference(id: $0, name: "n\($0)") }, prediction: prediction, nodes: nodes)
            return report.sentences.map(\.plain)
        }
        #expect(text([3]) { _ in } == ["If n3(3) goes down: QUORATE: 2 of 3 votes, quorum 2, can lose 0 votes"])
        #expect(text([2, 3]) { _ in }.last == "n2(2) is already lost, so its failure changes nothing.")
        let tie = text([3]) { ($0.votes.quorum, $0.rule) = (3, .autoTieBreaker) }
        #expect(tie[0].hasSuffix("quorum 3, 1 vote below the quorum, quorate by auto_tie_breaker"))
        let pair = text([3]) { ($0.votes.total, $0.votes.quorum, $0.rule) = (1, 1, .twoNode) }
        #expect(pair.last == "One vote is enough (two_node).")
        let lost = text([1, 2, 3]) { prediction in
            prediction.quorate = false
            prediction.votes.quorum = 1
            prediction.waitsForAllAfterwards = true
        }
        #expect(lost[0].hasPrefix("If n1(1), n2(2) and n3(3) go down: NOT QUORATE: 2 of 3 votes, quorum 1"))
        #expect(lost[0].hasSuffix(", waiting for all nodes (wait_for_all)"))
        func wait(_ votes: String) -> String {
            "Quorum would then return only once \(votes) are present at the same time (wait_for_all)."
        }
        #expect(lost.last == wait("all expected votes"))
        let lowered = text([1, 3]) { ($0.waitsForAllAfterwards, $0.waitsForVotes) = (true, 2) }
        #expect(lowered.last == wait("2 votes"))
        let unknown = text([3]) { ($0.quorate, $0.votes.total) = (nil, nil) }
        #expect(unknown[0] == "If n3(3) goes down: QUORUM UNKNOWN: votes not known")
        #expect(unknown[1].hasPrefix("The remaining nodes would not agree"))
        #expect(text([3]) { $0.dependsOnDevice = true }.last?.hasPrefix("This depends on the quorum device") == true)
        #expect(text([2]) { $0.dependsOnDevice = true }[1] == "n2(2) is already lost.")
        #expect(
            text([1, 3]) { ($0.members, $0.quorate, $0.votes) = ([], false, Votes(total: 0)) }
                == ["If n1(1) and n3(3) go down: NOT QUORATE: no member is left"])
    }
}
