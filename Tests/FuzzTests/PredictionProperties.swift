// SPDX-License-Identifier: MIT

internal import Corosync
@testable internal import QuorumWatch

extension PropertyCheck {
    /// The properties of a prediction for any state, also one that votequorum cannot be in. Whether it is right is for
    /// `Tests/PredictionTests`.
    mutating func checkPrediction(_ reader: inout InputReader) {
        let snapshot = VotingSnapshot(&reader)
        let lost = Set(snapshot.members.map(\.id).filter { _ in reader.chance(3) })
        let losesDevice = reader.chance(3)
        countCase()
        let prediction = snapshot.prediction(without: lost, losingDevice: losesDevice)
        func check(_ holds: Bool, _ property: String) {
            self.check(holds, "\(property): \(prediction) without \(lost), device \(losesDevice), of \(snapshot)")
        }
        check(prediction.members == snapshot.members.map(\.id).filter { !lost.contains($0) }, "the survivors")
        check(
            prediction.quorate == snapshot.isQuorate(without: lost, losingDevice: losesDevice), "quorate, either way")
        check(prediction.rule == nil || prediction.quorate == true, "a rule makes quorate")
        check(!prediction.members.isEmpty || prediction.quorate == false, "nobody is not quorate")
        check(prediction.waitsForVotes == nil || prediction.waitsForAllAfterwards == true, "votes to wait for")
        if !snapshot.members.contains(where: \.hasDevice) {
            check(prediction.dependsOnDevice == false, "without a device, nothing depends on it")
        }
        let ways = snapshot.waysToQuorum(with: [90: number(&reader), 91: number(&reader)]) ?? []
        check(ways.allSatisfy { !$0.isEmpty && Set($0).isSubset(of: [90, 91]) }, "the ways to quorum")
    }
}

private func number(_ random: inout InputReader) -> UInt32 {
    random.chance(30) ? .max : .random(in: 0...9, using: &random)
}

extension VotingSnapshot {
    /// Any state.
    fileprivate init(_ random: inout InputReader) {
        let flags: [NodeInfo.Flags] = [.twoNode, .quorate, .waitForAll, .autoTieBreaker, .allowDownscale]
        func known() -> Bool? { random.chance(5) ? nil : random.chance(2) }
        let ids = Array(1...UInt32.random(in: 1...6, using: &random)).map(NodeID.init(_:))
        let hasDevice = random.chance(2)
        let list = ids.shuffled(using: &random).filter { _ in random.chance(2) }
        let tieBreakers: [TieBreaker?] = [nil, .lowest(nil), .lowest(ids[0]), .highest(ids.last), .list(list)]
        self.init(
            members: ids.map { id in
                let device = hasDevice && !random.chance(4)
                return Member(
                    id: id, votes: number(&random), expectedVotes: number(&random), hasDevice: device,
                    castsDeviceVote: device && !random.chance(3), isMaster: device && random.chance(4),
                    allowsMasterWins: known())
            },
            localNode: ids.randomElement(using: &random)!, quorum: number(&random),
            flags: NodeInfo.Flags(flags.filter { _ in random.chance(2) }), deviceVotes: hasDevice ? number(&random) : 0,
            settings: VotingSettings(
                tieBreaker: tieBreakers.randomElement(using: &random)!, isWaitingForAll: known(),
                tracksExpectedVotes: known(), allowsMasterWins: known()))
    }
}

extension InputReader {
    /// True once in so many times.
    fileprivate mutating func chance(_ times: Int) -> Bool { Int.random(in: 1...times, using: &self) == 1 }
}
