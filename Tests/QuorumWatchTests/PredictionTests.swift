// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

/// The rules of votequorum, case by case. `Tests/PredictionTests` compares the same function with real clusters.
@Suite("A prediction")
struct PredictionTests {
    @Test("counts the votes that are left against the quorum")
    func votes() {
        let three = VotingSnapshot(votes: [1, 1, 1])
        let one = three.prediction(without: [2])
        #expect(one.quorate == true && one.rule == .votes && one.members == [1, 3])
        #expect(one.votes == Votes(total: 2, expected: 3, highestExpected: 3, quorum: 2) && one.votes.margin == 0)
        #expect(one.dependsOnDevice == false && one.waitsForAllAfterwards == false)
        let two = three.prediction(without: [1, 2])
        #expect(two.quorate == false && two.rule == nil && two.votes.margin == -1)
        let heavy = VotingSnapshot(votes: [3, 1, 1, 0])
        #expect(
            heavy.prediction(without: [1]).quorate == false && heavy.prediction(without: [2, 3, 4]).quorate == true)
    }

    @Test("is not quorate without survivors")
    func nobody() {
        let prediction = VotingSnapshot(votes: [1, 1], flags: [.twoNode]).prediction(without: [1, 2])
        #expect(prediction.quorate == false && prediction.members == [] && prediction.votes == Votes(total: 0))
    }

    @Test("about nodes that are not members is the present state", arguments: [true, false])
    func nothingChanges(quorate: Bool) {
        let snapshot = VotingSnapshot(votes: [1, 1, 0], expected: 4, quorum: 3, isQuorate: quorate)
        let prediction = snapshot.prediction(without: [9])
        #expect(prediction.quorate == quorate && prediction.votes.total == 2 && prediction.votes.quorum == 3)
    }

    @Test("keeps the present quorum, which never falls by itself")
    func quorumStays() {
        let snapshot = VotingSnapshot(votes: [1, 1, 1], quorum: 3, isQuorate: false)
        let prediction = snapshot.prediction(without: [1])
        #expect(prediction.quorate == false && prediction.votes.quorum == 3)
    }

    @Test("uses expected votes that exceed the votes of all nodes")
    func higherExpectedVotes() {
        let prediction = VotingSnapshot(votes: [1, 1, 1], expected: 5).prediction(without: [3])
        #expect(prediction.quorate == false && prediction.votes.quorum == 3 && prediction.votes.expected == 5)
    }

    @Test("keeps the quorum in 8 bits, as votequorum does")
    func eightBits() {
        let prediction = VotingSnapshot(votes: [1, 1, 1], expected: 600, quorum: 45).prediction(without: [2, 3])
        #expect(prediction.votes.quorum == 45 && prediction.quorate == false)
        let none = VotingSnapshot(votes: [1, 1], expected: 510, quorum: 0).prediction(without: [2])
        #expect(none.votes.quorum == 0 && none.quorate == true)
    }

    @Test("needs one vote with two_node")
    func twoNodes() {
        let pair = VotingSnapshot(votes: [1, 1], quorum: 1, flags: [.twoNode, .waitForAll])
        let prediction = pair.prediction(without: [1])
        #expect(prediction.quorate == true && prediction.rule == .twoNode && prediction.votes.quorum == 1)
        #expect(prediction.waitsForAllAfterwards == false)
        let uneven = VotingSnapshot(votes: [1, 0], quorum: 1, flags: [.twoNode])
        #expect(uneven.prediction(without: [1]).quorate == false)
        #expect(uneven.prediction(without: [2]).rule == .votes)
        let three = VotingSnapshot(votes: [1, 1, 1], flags: [.twoNode])
        #expect(three.prediction(without: [1, 2]).quorate == true)
    }

    @Test("waits for all nodes after a loss of quorum, and while the cluster waits already")
    func waitsForAll() {
        let quorate = VotingSnapshot(votes: [1, 1, 1], flags: .waitForAll)
        #expect(quorate.prediction(without: [1]).waitsForAllAfterwards == false)
        #expect(quorate.prediction(without: [1, 2]).waitsForAllAfterwards == true)
        #expect(quorate.prediction(without: [1, 2, 3]).waitsForAllAfterwards == true)
        let waiting = VotingSnapshot(
            votes: [1, 1, 1], expected: 4, isQuorate: false, flags: .waitForAll, settings: .init(isWaitingForAll: true))
        let prediction = waiting.prediction(without: [3])
        #expect(prediction.quorate == false && prediction.votes.quorum == 3)
        // A pair can have a quorum of 1 and not be quorate.
        let pair = VotingSnapshot(
            votes: [1, 0], expected: 2, quorum: 1, isQuorate: false, flags: [.twoNode, .waitForAll])
        #expect(pair.prediction(without: [2]).quorate == false && pair.prediction(without: [2]).votes.margin == 0)
    }

    @Test("ends the waiting once there are as many votes as expected")
    func waitingEnds() {
        let waiting = VotingSnapshot(votes: [1, 1, 0], expected: 2, isQuorate: false, flags: .waitForAll)
        #expect(waiting.prediction(without: [3]).quorate == true)
    }

    @Test(
        "gives quorum to half of the votes if the tie breaker is a survivor",
        arguments: [
            (.lowest(1), [3, 4], true), (.lowest(1), [1, 4], false), (.lowest(nil), [3, 4], false),
            (.highest(4), [1, 2], true), (.highest(4), [1, 4], false),
            (.list([2, 1]), [3, 4], true), (.list([2, 1]), [2, 4], false), (.list([9, 2]), [3, 4], true),
            (.list([9, 8]), [3, 4], false), (.list([]), [3, 4], false),
        ] as [(TieBreaker, Set<NodeID>, Bool)])
    func tieBreakers(tieBreaker: TieBreaker, lost: Set<NodeID>, isQuorate: Bool) {
        let snapshot = VotingSnapshot(
            votes: [1, 1, 1, 1], flags: .autoTieBreaker, settings: .init(tieBreaker: tieBreaker))
        let prediction = snapshot.prediction(without: lost)
        #expect(prediction.quorate == isQuorate && prediction.rule == (isQuorate ? .autoTieBreaker : nil))
        #expect(prediction.votes.margin == -1)
    }

    @Test("breaks no tie if enough nodes failed to be quorate elsewhere")
    func manyOthers() {
        let settings = VotingSettings(tieBreaker: .lowest(1))
        let snapshot = VotingSnapshot(votes: [3, 1, 1, 1, 0], flags: .autoTieBreaker, settings: settings)
        #expect(snapshot.prediction(without: [2, 3, 4]).quorate == true)
        #expect(snapshot.prediction(without: [2, 3, 4, 5]).quorate == false)
        let odd = VotingSnapshot(votes: [1, 1, 1], flags: [.autoTieBreaker, .waitForAll], settings: settings)
        #expect(odd.prediction(without: [2, 3]).quorate == false)
    }

    @Test("is unknown if an unknown tie breaker decides")
    func unknownTieBreaker() {
        let snapshot = VotingSnapshot(votes: [1, 1, 1, 1], flags: [.autoTieBreaker, .waitForAll])
        let prediction = snapshot.prediction(without: [3, 4])
        #expect(prediction.quorate == nil && prediction.rule == nil && prediction.waitsForAllAfterwards == nil)
        #expect(prediction.votes.total == 2)
        #expect(snapshot.prediction(without: [4]).quorate == true)
    }

    @Test("counts the votes of the quorum device if it casts them, and reports the dependency")
    func device() {
        var snapshot = VotingSnapshot(votes: [1, 1, 1, 1], deviceVotes: 1, castOn: [1, 2, 3, 4])
        let prediction = snapshot.prediction(without: [3, 4])
        #expect(prediction.quorate == true && prediction.rule == .votes && prediction.dependsOnDevice == true)
        #expect(prediction.votes == Votes(total: 3, expected: 5, highestExpected: 5, quorum: 3))
        #expect(snapshot.prediction(without: [4]).dependsOnDevice == false)
        snapshot.members[0].castsDeviceVote = false
        let divided = snapshot.prediction(without: [3, 4])
        #expect(divided.quorate == nil && divided.votes.total == nil && divided.votes.quorum == 3)
        snapshot.members[1].castsDeviceVote = false
        let silent = snapshot.prediction(without: [3, 4])
        #expect(silent.quorate == false && silent.dependsOnDevice == true)
    }

    @Test("of a member that is in another partition depends on the device, which may vote for this one then")
    func deviceElsewhere() {
        // Two nodes with ffsplit, split; the device votes for node 2.
        var alone = VotingSnapshot(votes: [1], expected: 3, isQuorate: false, deviceVotes: 1)
        let prediction = alone.prediction(without: [2])
        #expect(prediction.quorate == false && prediction.dependsOnDevice == true && prediction.votes.total == 1)
        // In the partition with the vote, it is the vote that could be lost.
        alone.members[0].castsDeviceVote = true
        alone.flags.insert(.quorate)
        let quorate = alone.prediction(without: [2])
        #expect(quorate.quorate == true && quorate.dependsOnDevice == true)
        alone.members[0].hasDevice = false
        alone.members[0].castsDeviceVote = false
        #expect(alone.prediction(without: [2]).dependsOnDevice == false)
        // A vote that would not be enough changes nothing.
        let many = VotingSnapshot(votes: [1], expected: 6, isQuorate: false, deviceVotes: 1)
        #expect(many.prediction(without: [2]).dependsOnDevice == false)
    }

    @Test("without the quorum device counts its votes no more, but expects them")
    func losingDevice() {
        let snapshot = VotingSnapshot(votes: [1, 1, 1, 1], deviceVotes: 1, castOn: [1, 2, 3, 4])
        let alone = snapshot.prediction(without: [], losingDevice: true)
        #expect(alone.quorate == true && alone.rule == .votes && alone.dependsOnDevice == false)
        #expect(alone.votes == Votes(total: 4, expected: 5, highestExpected: 5, quorum: 3))
        #expect(snapshot.prediction(without: [4], losingDevice: true).quorate == true)
        let two = snapshot.prediction(without: [3, 4], losingDevice: true)
        #expect(two.quorate == false && two.votes.total == 2 && two.dependsOnDevice == false)
        #expect(snapshot.prediction(without: [1, 2, 3, 4], losingDevice: true).quorate == false)
        // A last man standing with the votes of the device.
        let lms = VotingSnapshot(votes: [1], expected: 5, deviceVotes: 3, castOn: [1])
        #expect(lms.prediction(without: [], losingDevice: true).quorate == false)
        // Whether they wait depends on when their messages about the device arrive.
        var waiting = VotingSnapshot(votes: [1, 1, 1, 1], deviceVotes: 5, castOn: [1, 2, 3, 4])
        waiting.flags.insert(.waitForAll)
        let lost = waiting.prediction(without: [], losingDevice: true)
        #expect(lost.quorate == false && lost.waitsForAllAfterwards == nil && lost.waitsForVotes == nil)
        for lost in [[4], [2, 3, 4]] as [Set<NodeID>] {
            #expect(waiting.prediction(without: lost, losingDevice: true).quorate == false)
            #expect(waiting.prediction(without: lost, losingDevice: true).waitsForAllAfterwards == nil)
        }
        // A member that is alone, or that was not quorate, receives no such message.
        var single = VotingSnapshot(votes: [1], expected: 2, deviceVotes: 1, castOn: [1])
        single.flags.insert(.waitForAll)
        #expect(single.prediction(without: [], losingDevice: true).waitsForAllAfterwards == true)
        waiting.flags.remove(.quorate)
        #expect(waiting.prediction(without: [4], losingDevice: true).waitsForAllAfterwards == true)
        // The local node has no device vote and no quorum, and another member may have both.
        waiting = VotingSnapshot(votes: [1, 1], expected: 5, quorum: 3, isQuorate: false, deviceVotes: 1, castOn: [2])
        waiting.flags.insert(.waitForAll)
        let unequal = waiting.prediction(without: [], losingDevice: true)
        #expect(unequal.quorate == false && unequal.waitsForAllAfterwards == nil && unequal.waitsForVotes == nil)
    }

    @Test("without a quorum device that casts no votes is the present state")
    func losingNothing() {
        for isQuorate in [true, false] {
            let snapshot = VotingSnapshot(
                votes: [1, 1, 0], expected: 4, quorum: 3, isQuorate: isQuorate, deviceVotes: 1)
            #expect(snapshot.prediction(without: [], losingDevice: true).quorate == isQuorate)
        }
    }

    @Test("without the quorum device loses the master as well")
    func losingMaster() {
        var snapshot = VotingSnapshot(votes: [1, 1], expected: 9, deviceVotes: 1, castOn: [1, 2])
        snapshot.members[0].isMaster = true
        for index in snapshot.members.indices { snapshot.members[index].allowsMasterWins = true }
        #expect(snapshot.prediction(without: [2]).quorate == true)
        #expect(snapshot.prediction(without: [], losingDevice: true).quorate == false)
    }

    @Test("says how many votes the survivors would wait for")
    func waitsForVotes() {
        // As after last_man_standing, of five nodes.
        let lowered = VotingSnapshot(votes: [1, 1, 1], expected: 3, flags: .waitForAll)
        let prediction = lowered.prediction(without: [1, 2])
        #expect(prediction.waitsForAllAfterwards == true && prediction.waitsForVotes == 3)
        #expect(lowered.prediction(without: [1]).waitsForVotes == nil)
        #expect(lowered.prediction(without: [1, 2, 3]).waitsForVotes == nil)
        #expect(VotingSnapshot(votes: [1, 1, 1]).prediction(without: [1, 2]).waitsForVotes == nil)
    }

    @Test("keeps the list of tie breakers that votequorum has read at its start")
    func keptList() {
        let list = VotingSettings(tieBreaker: .list([1]))
        #expect(VotingSettings().keepingList(of: list).tieBreaker == .list([1]))
        #expect(VotingSettings(tieBreaker: .lowest(3)).keepingList(of: list).tieBreaker == .lowest(3))
        #expect(VotingSettings(tieBreaker: .list([2])).keepingList(of: list).tieBreaker == .list([2]))
        #expect(VotingSettings().keepingList(of: .init(tieBreaker: .lowest(3))).tieBreaker == nil)
    }

    @Test("names the missing nodes that would give quorum back, alone or together")
    func waysToQuorum() {
        let two = VotingSnapshot(votes: [1, 1], expected: 5, isQuorate: false)
        #expect(two.waysToQuorum(with: [5: 1, 3: 1, 4: 0]) == [[3], [5]])
        let one = VotingSnapshot(votes: [1], expected: 5, isQuorate: false)
        #expect(one.waysToQuorum(with: [2: 1, 3: 1, 4: 1, 5: 1]) == [[2, 3]])
        #expect(one.waysToQuorum(with: [2: 0, 3: 1, 4: 1]) == [[3, 4]])
        #expect(one.waysToQuorum(with: [2: 1]) == [] && one.waysToQuorum(with: [:]) == [])
        // A node whose votes raise the quorum as well.
        #expect(one.waysToQuorum(with: [2: 9]) == [[2]])
        let tie = VotingSnapshot(
            votes: [1], expected: 4, isQuorate: false, flags: .autoTieBreaker,
            settings: .init(tieBreaker: .lowest(2), tracksExpectedVotes: false))
        #expect(tie.waysToQuorum(with: [2: 1, 3: 1]) == [[2]])
    }

    @Test("names no missing nodes where more than their votes decides")
    func openWaysToQuorum() {
        func ways(_ flags: NodeInfo.Flags = [], _ change: (inout VotingSnapshot) -> Void = { _ in }) -> [[NodeID]]? {
            var snapshot = VotingSnapshot(votes: [1, 1], expected: 5, isQuorate: false, flags: flags)
            change(&snapshot)
            return snapshot.waysToQuorum(with: [3: 1])
        }
        #expect(ways() == [[3]])
        #expect(ways(.waitForAll) == nil && ways(.allowDownscale) == nil && ways(.quorate) == nil)
        #expect(ways { $0.deviceVotes = 1 } == nil)
        #expect(ways { $0.settings.tracksExpectedVotes = true } == nil)
        #expect(ways { $0.settings.tracksExpectedVotes = nil } == nil)
        // The other member may need more.
        #expect(ways { $0.members[1].expectedVotes = 7 } == nil)
        let unknown = VotingSettings(tieBreaker: nil, tracksExpectedVotes: false)
        let half = ways(.autoTieBreaker) { ($0.members[0].expectedVotes, $0.quorum, $0.settings) = (6, 4, unknown) }
        #expect(half == nil)
    }

    @Test("applies the master-wins rule on nodes that allow it")
    func masterWins() {
        var snapshot = VotingSnapshot(votes: [1, 1, 1, 1], deviceVotes: 1, castOn: [1])
        snapshot.members[0].isMaster = true
        for index in snapshot.members.indices { snapshot.members[index].allowsMasterWins = true }
        // Node 1 has the votes of the device, and node 2 the master.
        let prediction = snapshot.prediction(without: [3, 4])
        #expect(prediction.quorate == true && prediction.rule == nil && prediction.dependsOnDevice == true)
        #expect(snapshot.prediction(without: [2, 3, 4]).rule == .masterWins)
        #expect(snapshot.prediction(without: [1, 2]).quorate == false)
        snapshot.members[0].allowsMasterWins = false
        #expect(snapshot.prediction(without: [2, 3, 4]).quorate == false)
        snapshot.members[0].allowsMasterWins = nil
        #expect(snapshot.prediction(without: [2, 3, 4]).quorate == nil)
    }

    @Test("is unknown for a survivor that may be quorate now though the asked node is not")
    func notAlike() {
        // Only node 1, with the master, is quorate by the votes of the device.
        var snapshot = VotingSnapshot(
            votes: [1, 0], expected: 9, isQuorate: false, flags: .waitForAll, deviceVotes: 3, castOn: [1, 2],
            settings: .init(isWaitingForAll: true))
        snapshot.localNode = 2
        snapshot.members[0].isMaster = true
        snapshot.members[0].allowsMasterWins = true
        #expect(snapshot.prediction(without: [2]).quorate == nil)
        snapshot.members[0].isMaster = false
        snapshot.members[0].allowsMasterWins = false
        #expect(snapshot.prediction(without: [2]).quorate == false)
    }

    @Test("includes that other members have raised their expected votes")
    func raisedExpectedVotes() {
        // As after setvotes: the new value is known of this node only.
        var snapshot = VotingSnapshot(votes: [1, 2, 2], expected: 3, quorum: 3)
        snapshot.members[0].expectedVotes = 5
        let prediction = snapshot.prediction(without: [1])
        #expect(prediction.votes == Votes(total: 4, expected: 5, highestExpected: 5, quorum: 3))
        // More than the present votes: the others may have raised theirs less.
        snapshot.members[0].expectedVotes = 6
        snapshot.quorum = 4
        #expect(snapshot.prediction(without: [1]).votes.expected == nil)
        #expect(snapshot.prediction(without: [1]).quorate == true)
    }

    @Test("is unknown if the order of votequorum's messages decides")
    func orderOfMessages() {
        // As after allow_downscale, the quorum is higher than the expected votes require. A node that has lost quorum lowers
        // it when it receives the message of another that was quorate when it sent it.
        let snapshot = VotingSnapshot(votes: [1, 1, 1], expected: 3, quorum: 3, flags: .allowDownscale)
        #expect(snapshot.prediction(without: [1]).quorate == nil)
        #expect(snapshot.prediction(without: [1, 2]).quorate == false)
    }

    @Test("uses the answers about members only")
    func fromReading() {
        func info(_ id: UInt32, _ state: NodeState = .member, _ flags: NodeInfo.Flags = []) -> NodeInfo {
            NodeInfo(
                id: NodeID(id), state: state, votes: 1, expectedVotes: 4, highestExpected: 4, totalVotes: 3, quorum: 3,
                flags: flags.union([.quorate, .waitForAll]), quorumDeviceVotes: 1, quorumDeviceName: "net")
        }
        let reading = Reading(
            local: info(2, .member, [.quorumDeviceRegistered, .quorumDeviceCastVote, .quorumDeviceMasterWins]),
            others: [info(1), info(3, .dead), info(4, .leaving)])
        let snapshot = VotingSnapshot(reading, settings: .init(isWaitingForAll: false))
        #expect(
            snapshot.members == [
                .init(id: 1, expectedVotes: 4, allowsMasterWins: nil),
                .init(
                    id: 2, expectedVotes: 4, hasDevice: true, castsDeviceVote: true, isMaster: true,
                    allowsMasterWins: true),
            ])
        #expect(snapshot.localNode == 2 && snapshot.quorum == 3 && snapshot.deviceVotes == 1)
        #expect(snapshot.flags == [.quorate, .waitForAll])
    }

    @Test("parses a list of tie breakers as votequorum does")
    func tieBreakerList() {
        #expect(TieBreaker(list: "3 1  2") == .list([3, 1, 2]))
        #expect(TieBreaker(list: "3 x 2") == .list([3]))
        #expect(TieBreaker(list: "3x 2") == .list([3]) && TieBreaker(list: "3 0 2") == .list([3]))
    }

    @Test("does not overflow, whatever the votes")
    func extremes() {
        let snapshot = VotingSnapshot(
            votes: [.max, .max, .max], expected: .max, quorum: .max, flags: [.autoTieBreaker], deviceVotes: .max,
            castOn: [1, 2, 3])
        #expect(snapshot.prediction(without: [1]).members == [2, 3])
    }
}

extension VotingSnapshot {
    /// A quorate cluster as its node 1 sees it, in which every node expects the same votes: those that there are.
    fileprivate init(
        votes: [UInt32], expected: UInt32? = nil, quorum: UInt32? = nil, isQuorate: Bool = true,
        flags: NodeInfo.Flags = [], deviceVotes: UInt32 = 0, castOn: Set<NodeID> = [],
        settings: VotingSettings = .init(tracksExpectedVotes: false)
    ) {
        let expected = expected ?? votes.reduce(deviceVotes, &+)
        let members = zip(votes, UInt32(1)...UInt32.max).map { votes, id in
            Member(
                id: NodeID(id), votes: votes, expectedVotes: expected, hasDevice: deviceVotes > 0,
                castsDeviceVote: castOn.contains(NodeID(id)))
        }
        self.init(
            members: members, localNode: 1, quorum: quorum ?? (expected &+ 2) / 2,
            flags: flags.union(isQuorate ? .quorate : []), deviceVotes: deviceVotes, settings: settings)
    }
}
