// SPDX-License-Identifier: MIT

import TestSupport

/// One prediction of the program, compared with the decision of every survivor.
struct PredictionTrial {
    enum Verdict: String, CaseIterable {
        case right
        /// The prediction is unknown, though the survivors agree.
        case unknown
        /// Not compared, because an assumption of predictions did not hold: that the members agree on the current quorum,
        /// that the nodes fail at once, or that a quorum device on which the prediction depends continues to vote as before.
        case void
        case wrong
        /// The cluster could not be started or changed, or vqwatch gave no answer.
        case failed
    }

    let seed: UInt64
    private(set) var verdict = Verdict.right
    private var log: [String] = []

    /// The verdict and the history of the cluster.
    var report: String { (["seed \(seed): \(verdict)"] + log).joined(separator: "\n  ") }

    /// Starts the cluster of this seed, asks for a prediction, kills the nodes and compares.
    init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        let plan = RandomCluster(seed: seed, with: &random)
        do {
            let cluster = try LiveCluster(plan, with: &random)
            defer { log.insert(contentsOf: cluster.history, at: 0) }
            for _ in 0..<Int.random(in: 0...4, using: &random) { try cluster.change(with: &random) }
            try run(cluster, with: &random)
        } catch {
            verdict = .failed
            log.append("\(error)")
        }
        log.insert("\(plan)", at: 0)
    }

    private mutating func run(_ cluster: LiveCluster, with random: inout some RandomNumberGenerator) throws {
        // A prediction for a partition of one node would be trivial.
        let members = cluster.running.sorted().map { ($0, cluster.members(with: $0)) }
        let (asked, before) = members.filter { $0.1.count > 1 }.randomElement(using: &random) ?? members[0]
        var losesDevice = false
        if case .real = cluster.plan.device { losesDevice = Bool.random(using: &random) }
        let most = Int.random(in: 0..<20, using: &random) == 0 ? before.count : max(1, before.count - 1)
        var count = min(Int.random(in: 1...most, using: &random), Int.random(in: 1...most, using: &random))
        if [.lowest, .highest, .list].contains(cluster.plan.rule) { count = max(1, before.count / 2) }
        if losesDevice, Bool.random(using: &random) { count = 0 }
        let lost = before.shuffled(using: &random).prefix(count).sorted()
        let left = before.filter { !lost.contains($0) }

        let prediction = try ask(on: asked, of: cluster, about: lost, losesDevice)
        if left.isEmpty, prediction["quorate"] != false { verdict = .wrong }
        let watchers = left.map { cluster.watchers[$0]! }
        let rings = watchers.map(\.rings)
        let deviceVotes = watchers.map { $0.state["qdevice"]["cast_vote"] }
        let quorum = cluster.watchers[asked]!.state["votes"]["quorum"]
        let agree = watchers.allSatisfy { $0.state["votes"]["quorum"] == quorum }

        try cluster.kill(lost, losingDevice: losesDevice)
        for (node, watcher) in zip(left, watchers) {
            let isSettled = try watcher.wait(within: .seconds(60)) {
                $0.isSettled && $0.members == left.map(Int64.init)
                    && (!losesDevice || $0.state["qdevice"]["alive"] != true)
            }
            guard isSettled else {
                throw LiveCluster.Late(description: "node \(node) has members \(watcher.members), not \(left)")
            }
        }
        if losesDevice { try cluster.settle() }
        let failedAtOnce = watchers.map(\.rings) == rings.map { $0 + (lost.isEmpty ? 0 : 1) }
        let votesAsBefore = losesDevice || watchers.map { $0.state["qdevice"]["cast_vote"] } == deviceVotes
        let isIndependent = prediction["depends_on_qdevice"] == false
        guard agree, failedAtOnce, votesAsBefore || isIndependent else {
            log.append("agreed \(agree), at once \(failedAtOnce), the device votes as before \(votesAsBefore)")
            if verdict == .right { verdict = .void }
            return
        }
        for (node, watcher) in zip(left, watchers) {
            try compare(prediction, with: watcher.state, of: node, in: cluster, withVotes: votesAsBefore)
        }
        if verdict == .right, prediction["quorate"] == .null, Set(watchers.map { $0.state["quorate"] }).count == 1 {
            verdict = .unknown
        }
    }

    private mutating func ask(
        on node: Int, of cluster: LiveCluster, about lost: [Int], _ losesDevice: Bool
    ) throws -> JSON {
        let failing = lost.map(String.init) + (losesDevice ? ["qdevice"] : [])
        let answer = try cluster.sandbox.run(on: node, [vqwatch, "--json"] + failing.flatMap { ["--if-down", $0] })
        guard let line = answer.lines.first else { throw LiveCluster.Late(description: "no answer: \(answer)") }
        log.append("asked on \(node): \(line)")
        for question in [["corosync-quorumtool", "-s"], ["corosync-cmapctl", "runtime.votequorum"]] {
            log += try cluster.sandbox.run(on: node, question).lines.filter { !$0.isEmpty }
        }
        return try EventLine(line).json["prediction"]
    }

    private mutating func compare(
        _ prediction: JSON, with state: JSON, of node: Int, in cluster: LiveCluster, withVotes: Bool
    ) throws {
        var truths = withVotes ? state["votes"].members : [:]
        truths["margin"] = nil
        truths["quorate"] = state["quorate"]
        if !cluster.plan.lowersExpectedVotes {
            let key = "runtime.votequorum.wait_for_all_status"
            let waits = try cluster.sandbox.run(on: node, ["corosync-cmapctl", "-g", key]).output.hasSuffix("= 1\n")
            let waitsForAll = waits && state["flags"].elements.contains("WaitForAll")
            truths["waits_for_all_afterwards"] = .bool(waitsForAll)
            if withVotes { truths["waits_for_votes"] = waitsForAll ? state["votes"]["expected"] : .null }
        }
        for (name, truth) in truths.sorted(by: { $0.key < $1.key }) {
            let predicted = prediction.members[name] ?? prediction["votes"][name]
            let isWrong = predicted != .null && predicted != truth
            log.append("node \(node): \(name) \(truth)\(isWrong ? ", but \(predicted) was predicted" : "")")
            if isWrong { verdict = .wrong }
        }
    }
}
