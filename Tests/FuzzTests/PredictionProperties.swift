// SPDX-License-Identifier: MIT

internal import Corosync
@testable internal import QuorumWatch

extension PropertyCheck {
    /// For any cluster and any order in which the nodes receive each other's messages, every survivor decides by
    /// ``VotequorumModel`` as predicted.
    mutating func checkPrediction(_ reader: inout InputReader) {
        let cluster = ModelledCluster(&reader)
        let ids = cluster.models.keys.sorted()
        let dead = Set(ids.filter { _ in reader.chance(3) })
        let left = ids.filter { !dead.contains($0) }.shuffled(using: &reader)
        countCase()
        let prediction = cluster.snapshot.prediction(without: Set(dead.map(NodeID.init(_:))))
        check(prediction.members.map(\.rawValue) == left.sorted(), "members")
        guard !left.isEmpty, !dead.isEmpty else { return }
        let announcements = left.map { cluster.models[$0]!.announcement }
        for id in left {
            guard let decision = cluster.models[id]!.decision(losing: dead, hearing: announcements) else { continue }
            let holds =
                prediction.quorate ?? decision.isQuorate == decision.isQuorate
                && prediction.votes.total ?? decision.totalVotes == decision.totalVotes
                && prediction.votes.expected ?? decision.expectedVotes == decision.expectedVotes
                && prediction.votes.highestExpected ?? decision.highestExpected == decision.highestExpected
                && prediction.votes.quorum ?? UInt32(decision.quorum) == UInt32(decision.quorum)
            check(
                holds,
                """
                node \(id) without \(dead.sorted()), hearing \(left): \(decision)
                is not \(prediction)
                of \(cluster.snapshot)
                and \(cluster.models[id]!)
                """)
        }
    }
}

/// A cluster with a ``VotequorumModel`` for every node; the prediction is made on one of them.
struct ModelledCluster {
    /// The models, by ID.
    private(set) var models: [UInt32: VotequorumModel] = [:]
    /// The knowledge of the node that is asked.
    let snapshot: VotingSnapshot

    /// A cluster in a possible state.
    ///
    /// The nodes agree on the present quorum, the votes and the state of the quorum devices. Two nodes with the same device
    /// state agree on whether they are quorate. A node does not know how many votes the others expect now.
    init(_ random: inout InputReader) {
        let ids = Array(1...UInt32.random(in: 1...6, using: &random))
        let asked = ids.randomElement(using: &random)!
        let isUneven = random.chance(2)
        let votes = ids.map { _ in isUneven ? UInt32.random(in: 0...3, using: &random) : 1 }
        let deviceVotes = random.chance(3) ? UInt32.random(in: 1...4, using: &random) : 0
        let all = votes.reduce(deviceVotes, +)

        var template = VotequorumModel(nodes: [.init(id: 0, expectedVotes: 0)], localID: 0, quorum: 0, isQuorate: false)
        template.deviceVotes = deviceVotes
        template.isQuorate = !random.chance(4)
        template.isTwoNode = random.chance(4)
        template.waitsForAll = random.chance(3)
        template.allowsDownscale = random.chance(4)
        template.tracksExpectedVotes = template.allowsDownscale || random.chance(5)
        template.tieBreaker = [
            .none, .none, .lowest, .highest, .list(ids.shuffled(using: &random).filter { _ in random.chance(2) } + [9]),
        ].randomElement(using: &random)!
        template.lowestID = random.chance(8) ? -1 : Int32(random.chance(4) ? ids.randomElement(using: &random)! : 1)
        template.highestID = random.chance(8) ? -1 : Int32(random.chance(4) ? 1 : ids.last!)

        // The expected votes that each node announced when the ring was formed, and those of now: there may have been more
        // votes in between.
        let usual = all + (random.chance(3) ? UInt32.random(in: 0...3, using: &random) : 0)
        let mayDiffer = template.isQuorate || template.tracksExpectedVotes
        let announced = ids.map { _ in
            mayDiffer && random.chance(6) ? UInt32.random(in: 0...9, using: &random) : usual
        }
        let most = random.chance(5) ? max(announced.max()!, all) + 1 : all
        let expected = announced.map { max($0, most) }
        let quorum = random.chance(5) ? UInt32.random(in: 0...9, using: &random) : (expected.max()! + 2) / 2
        template.quorum = UInt8(quorum)

        let device = ids.map { _ -> VotequorumModel.Flags in
            guard deviceVotes > 0, !random.chance(5) else { return [] }
            let state: VotequorumModel.Flags =
                random.chance(4) ? [.deviceRegistered] : [.deviceRegistered, .deviceCastsVote]
            return random.chance(4) ? state.union(.deviceMasterWins) : state
        }
        let permits = device.map { $0.contains(.deviceMasterWins) || $0.isEmpty && random.chance(4) }
        let hasMaster = device.contains { $0.isSuperset(of: [.deviceCastsVote, .deviceMasterWins]) }
        let place = Int(asked) - 1
        for (index, id) in ids.enumerated() {
            var model = template
            let agrees =
                device[index].contains(.deviceCastsVote) == device[place].contains(.deviceCastsVote)
                && (!hasMaster || permits[index] == permits[place])
            if !agrees { model.isQuorate = random.chance(2) }
            model.isWaitingForAll = model.waitsForAll && !model.isQuorate
            model.deviceMasterWins = permits[index]
            model.nodes = ids.indices.map { other in
                var flags = device[other]
                if other == index ? model.isQuorate : random.chance(2) { flags.insert(.quorate) }
                if other == index ? model.isWaitingForAll : random.chance(4) { flags.insert(.waitsForAll) }
                return .init(
                    id: ids[other], votes: votes[other],
                    expectedVotes: other == index ? expected[other] : announced[other],
                    flags: flags)
            }
            models[id] = model.asNode(id)
        }
        snapshot = VotingSnapshot(models[asked]!)
    }
}

extension VotequorumModel {
    /// The same model of another node.
    fileprivate func asNode(_ id: UInt32) -> VotequorumModel {
        var model = VotequorumModel(nodes: nodes, localID: id, quorum: quorum, isQuorate: isQuorate)
        model.isTwoNode = isTwoNode
        model.waitsForAll = waitsForAll
        model.isWaitingForAll = isWaitingForAll
        model.tieBreaker = tieBreaker
        model.lowestID = lowestID
        model.highestID = highestID
        model.allowsDownscale = allowsDownscale
        model.tracksExpectedVotes = tracksExpectedVotes
        model.deviceVotes = deviceVotes
        model.deviceMasterWins = deviceMasterWins
        return model
    }
}

extension VotingSnapshot {
    /// The same state as votequorum_getinfo(3) and the configuration map of the node show it.
    fileprivate init(_ model: VotequorumModel) {
        var flags: NodeInfo.Flags = []
        if model.isQuorate { flags.insert(.quorate) }
        if model.isTwoNode { flags.insert(.twoNode) }
        if model.waitsForAll { flags.insert(.waitForAll) }
        if model.tieBreaker != .none { flags.insert(.autoTieBreaker) }
        if model.allowsDownscale { flags.insert(.allowDownscale) }
        let infos = model.nodes.map { node in
            var flags = flags
            if node.flags.contains(.deviceRegistered) { flags.insert(.quorumDeviceRegistered) }
            if node.flags.contains(.deviceCastsVote) { flags.insert(.quorumDeviceCastVote) }
            if node.flags.contains(.deviceMasterWins) { flags.insert(.quorumDeviceMasterWins) }
            return NodeInfo(
                id: NodeID(node.id), state: .member, votes: node.votes, expectedVotes: node.expectedVotes,
                highestExpected: 0, totalVotes: 0, quorum: UInt32(model.quorum), flags: flags,
                quorumDeviceVotes: model.deviceVotes)
        }
        func known(_ id: Int32) -> NodeID? { id < 0 ? nil : NodeID(UInt32(id)) }
        let tieBreaker: QuorumWatch.TieBreaker? =
            switch model.tieBreaker {
            case .none: nil
            case .lowest: .lowest(known(model.lowestID))
            case .highest: .highest(known(model.highestID))
            case .list(let list): .list(list.map(NodeID.init(_:)))
            }
        let local = infos.first { $0.id.rawValue == model.localID }!
        self.init(
            Reading(local: local, others: infos),
            settings: VotingSettings(
                tieBreaker: tieBreaker, isWaitingForAll: model.isWaitingForAll,
                tracksExpectedVotes: model.tracksExpectedVotes, allowsMasterWins: model.deviceMasterWins))
    }
}

extension InputReader {
    /// True once in so many times.
    fileprivate mutating func chance(_ times: Int) -> Bool { Int.random(in: 1...times, using: &self) == 1 }
}
