// SPDX-License-Identifier: MIT

import Corosync
import Glibc
@testable import QuorumWatch
import Synchronization
import Testing
import TestSupport

/// Compares predictions with the decisions of corosync-vqsim, which is built from the source of votequorum itself.
///
/// `VQWATCH_HISTORIES` is the number of random histories (100), `VQWATCH_PREDICTION_SEED` the seed of the first; each of
/// the others has the next seed.
@Suite("A prediction in a simulation")
struct SimulationTests {
    @Test("is the decision of every survivor of every loss, by every rule")
    func everySubset() throws {
        let tallies = inParallel(Self.rules, by: 8) { configuration in
            SimulatedHistory(configuration) { simulation, history in
                for number in 1..<UInt32(1 << (configuration.votes.count - 1)) {
                    try history.split(Set(simulation.nodes.keys.filter { number >> ($0 - 1) & 1 == 1 }), simulation)
                    try simulation.join()
                }
            }
        }
        expect(tallies)
    }

    @Test(
        "without the quorum device is the decision of every survivor of every loss", arguments: [1, 3, 5] as [UInt32])
    func losingDevice(votes: UInt32) throws {
        let histories = inParallel(Array(1..<UInt32(8)), by: 8) { number in
            let configuration = SimulatedConfiguration(
                votes: [1, 2, 1, 0], flags: number % 2 == 0 ? .waitForAll : [], deviceVotes: votes)
            return SimulatedHistory(configuration) { simulation, history in
                try simulation.startDevice()
                try history.split(Set(simulation.nodes.keys.filter { number >> ($0 - 1) & 1 == 1 }), simulation)
            }
        }
        expect(histories)
    }

    @Test("is the decision of every survivor in random histories")
    func randomHistories() {
        let count = numberFromEnvironment("VQWATCH_HISTORIES") ?? 100
        let seed = numberFromEnvironment("VQWATCH_PREDICTION_SEED") ?? .random(in: 0..<1_000_000_000)
        print("seed \(seed)")
        let tallies = inParallel((0..<count).map { seed &+ $0 }, by: 8) { seed in
            var random = SeededGenerator(seed: seed)
            let configuration = SimulatedConfiguration(with: &random)
            return SimulatedHistory(configuration) { [random] simulation, history in
                var random = random
                for _ in 0..<8 { try history.change(simulation, with: &random) }
            }
        }
        expect(tallies)
    }

    private func expect(_ histories: [SimulatedHistory]) {
        for failure in histories.flatMap(\.failures) { Issue.record("\(failure)") }
        let count = histories.reduce(0) { $0 + $1.right }
        let unknown = histories.reduce(0) { $0 + $1.unknown }
        let void = histories.reduce(0) { $0 + $1.void }
        print("\(histories.count) histories: \(count) right, \(unknown) unknown, \(void) void")
        #expect(count > 0 && unknown + void <= count / 50)
    }

    /// Every rule, with votes of which some are unequal and halves are possible.
    private static let rules: [SimulatedConfiguration] = {
        let uneven: [UInt32] = [3, 1, 2, 1, 0, 1]
        func with(
            _ votes: [UInt32], _ change: (inout SimulatedConfiguration) -> Void = { _ in }
        ) -> SimulatedConfiguration {
            var configuration = SimulatedConfiguration(votes: votes)
            change(&configuration)
            return configuration
        }
        var rules = [
            with(uneven), with(uneven) { $0.flags = .waitForAll }, with(uneven) { $0.expectedVotes = 11 },
            with(uneven) { $0.flags = .allowDownscale }, with(uneven) { $0.tracksExpectedVotes = true },
        ]
        rules += [[1, 1, 1, 1, 1, 1], uneven].flatMap { votes in
            [
                with(votes) { ($0.flags, $0.tieBreaker) = (.autoTieBreaker, .lowest(nil)) },
                with(votes) { ($0.flags, $0.tieBreaker) = (.autoTieBreaker, .highest(nil)) },
                with(votes) { ($0.flags, $0.tieBreaker) = (.autoTieBreaker, .list([4, 2, 9, 3])) },
                with(votes) { ($0.flags, $0.tieBreaker) = ([.autoTieBreaker, .waitForAll], .list([5, 6])) },
            ]
        }
        rules += [[1, 1], [2, 1], [1, 0], [1, 1, 1]].flatMap { votes in
            [NodeInfo.Flags.twoNode, [.twoNode, .waitForAll]].map { SimulatedConfiguration(votes: votes, flags: $0) }
        }
        return rules
    }()
}

/// A simulation with its history, and the results of the comparisons.
struct SimulatedHistory: Sendable {
    private let configuration: SimulatedConfiguration
    private var log: [String] = []
    /// A description of each wrong prediction.
    private(set) var failures: [String] = []
    /// The number of predictions that were right.
    private(set) var right = 0
    /// The number of predictions that were unknown though the survivors agreed.
    private(set) var unknown = 0
    /// The number of losses before which the members did not agree on the quorum, on whether they have it, or on whether to
    /// wait for all votes, as predictions assume.
    private(set) var void = 0

    /// Runs a history. One that fails is run again, at most twice: on a busy machine, the nodes of corosync-vqsim receive
    /// messages of an earlier membership late.
    init(_ configuration: SimulatedConfiguration, run: (Simulation, inout SimulatedHistory) throws -> Void) {
        self.init(once: configuration, run)
        for _ in 0..<2 where !failures.isEmpty {
            print("run again: \(failures)")
            self.init(once: configuration, run)
        }
    }

    private init(
        once configuration: SimulatedConfiguration, _ run: (Simulation, inout SimulatedHistory) throws -> Void
    ) {
        self.configuration = configuration
        do { try run(Simulation(configuration), &self) } catch { failures.append("\(error): \(log)") }
    }

    /// Makes a random change.
    mutating func change(_ simulation: Simulation, with random: inout some RandomNumberGenerator) throws {
        let up = simulation.nodes.keys.sorted()
        let down = (1...UInt32(configuration.votes.count)).filter { simulation.nodes[$0] == nil }
        switch Int.random(in: 0..<10, using: &random) {
        case 0...1 where simulation.partitions.count > 1: try join(simulation)
        case 2 where !down.isEmpty:
            let partition = simulation.partitions.keys.sorted().randomElement(using: &random) ?? 0
            log.append("start \(down[0]) in \(partition)")
            try regain(down[0], simulation, partition) { try simulation.start(down[0], in: partition) }
        case let kind:
            let members = simulation.members(with: up.randomElement(using: &random)!).sorted()
            guard members.count > 1 else { return }
            if kind == 3 { return try kill(members.randomElement(using: &random)!, simulation) }
            let count = Int.random(in: 1..<members.count, using: &random)
            try split(Set(members.shuffled(using: &random).prefix(count)), simulation)
        }
    }

    /// Joins all partitions; if there are two, of which one is a node, that is a node that returns.
    private mutating func join(_ simulation: Simulation) throws {
        log.append("join")
        let partitions = simulation.partitions.sorted { $0.value.count > $1.value.count }
        guard partitions.count == 2, partitions[1].value.count == 1,
            let node = partitions[1].value.first, !simulation.state(of: node).isQuorate
        else { return try simulation.join() }
        try regain(node, simulation, partitions[0].key) { try simulation.join() }
    }

    /// Makes a change by which a node that is not quorate joins a partition, and compares whether that gives quorum to its
    /// members with whether it was to.
    private mutating func regain(
        _ node: UInt32, _ simulation: Simulation, _ partition: Int, by act: () throws -> Void
    ) throws {
        let members = simulation.partitions[partition] ?? []
        let before = members.sorted().map { ($0, simulation.state(of: $0).snapshot(configuration)) }
        try act()
        for (member, snapshot) in before {
            guard let ways = snapshot.waysToQuorum(with: [NodeID(node): configuration.votes[Int(node) - 1]]) else {
                continue
            }
            if !ways.isEmpty != simulation.state(of: member).isQuorate { simulation.waitForMore() }
            if !ways.isEmpty == simulation.state(of: member).isQuorate {
                right += 1
            } else {
                failures.append("\(configuration): \(log.suffix(12)): not \(ways) for \(member), of \(snapshot)")
            }
        }
    }

    /// Separates nodes from the others of their partition.
    mutating func split(_ nodes: Set<UInt32>, _ simulation: Simulation) throws {
        let members = simulation.members(with: nodes.first!)
        try compare(simulation, [nodes, members.subtracting(nodes)], "split \(nodes.sorted())") {
            try simulation.split(nodes)
        }
    }

    private mutating func kill(_ node: UInt32, _ simulation: Simulation) throws {
        try compare(simulation, [simulation.members(with: node).subtracting([node])], "kill \(node)") {
            try simulation.kill(node)
        }
    }

    /// Makes a change after which each of several sets of nodes has lost the other members.
    private mutating func compare(
        _ simulation: Simulation, _ survivors: [Set<UInt32>], _ change: String, by act: () throws -> Void
    ) throws {
        log.append(change)
        let before = survivors.reduce(into: [UInt32: VotingSnapshot]()) { before, survivors in
            for node in survivors { before[node] = simulation.state(of: node).snapshot(configuration) }
        }
        try act()
        for survivors in survivors where !survivors.isEmpty {
            let snapshots = survivors.sorted().map { before[$0]! }
            guard Set(snapshots.map(\.quorum)).count == 1, Set(snapshots.map(\.settings.isWaitingForAll)).count == 1,
                Set(snapshots.map { $0.flags.contains(.quorate) }).count == 1
            else {
                void += 1
                continue
            }
            for snapshot in snapshots { compare(snapshot, simulation, survivors) }
        }
    }

    private mutating func compare(_ snapshot: VotingSnapshot, _ simulation: Simulation, _ survivors: Set<UInt32>) {
        let lost = Set(snapshot.members.map(\.id)).subtracting(survivors.map(NodeID.init(_:)))
        let prediction = snapshot.prediction(without: lost, losingDevice: configuration.deviceVotes != nil)
        var differences = differences(prediction, simulation, survivors)
        if !differences.isEmpty {
            simulation.waitForMore()
            differences = self.differences(prediction, simulation, survivors)
        }
        let decisions = survivors.map { simulation.state(of: $0).isQuorate }
        if !differences.isEmpty {
            failures.append("\(configuration): \(log.suffix(12)): \(differences), but \(prediction) of \(snapshot)")
        } else if prediction.quorate == nil, Set(decisions).count == 1 {
            unknown += 1
        } else {
            right += 1
        }
    }

    private func differences(
        _ prediction: Prediction, _ simulation: Simulation, _ survivors: Set<UInt32>
    ) -> [String] {
        survivors.sorted().flatMap { id -> [String] in
            let node = simulation.state(of: id)
            var differences: [String] = []
            func compare<Value: Equatable>(_ name: String, _ truth: Value, _ predicted: Value?) {
                if let predicted, predicted != truth { differences.append("node \(id): \(name) \(truth)") }
            }
            compare("quorate", node.isQuorate, prediction.quorate)
            compare("total", node.totalVotes, prediction.votes.total)
            compare("expected", node.expectedVotes, prediction.votes.expected)
            compare("highest expected", node.highestExpected, prediction.votes.highestExpected)
            compare("quorum", node.quorum, prediction.votes.quorum)
            // corosync-vqsim delivers the messages of other members after the last recalculation instead of before it,
            // and a message of a member that was quorate ends the wait.
            if survivors.count == 1 { compare("waits", node.isWaitingForAll, prediction.waitsForAllAfterwards) }
            return differences
        }
    }
}

extension SimulatedConfiguration {
    /// A random configuration.
    init(with random: inout some RandomNumberGenerator) {
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        let nodes = Int.random(in: 2...6, using: &random)
        var votes = (0..<nodes).map { _ -> UInt32 in chance(60) ? 1 : .random(in: 0...3, using: &random) }
        if votes.allSatisfy({ $0 == 0 }) { votes[0] = 1 }
        self.init(votes: votes)
        if chance(35) { flags.insert(.waitForAll) }
        if chance(nodes == 2 ? 70 : 10) { flags.insert(.twoNode) }
        if chance(20) { flags.insert(.allowDownscale) }
        if chance(15) { tracksExpectedVotes = true }
        if chance(20) { expectedVotes = votes.reduce(0, +) + .random(in: 1...3, using: &random) }
        guard !flags.contains(.twoNode), chance(50) else { return }
        flags.insert(.autoTieBreaker)
        let list = (1...UInt32(nodes)).shuffled(using: &random).prefix(.random(in: 1...nodes, using: &random))
        tieBreaker = [.lowest(nil), .highest(nil), .list(list.map(NodeID.init(_:)))].randomElement(using: &random)!
    }
}
