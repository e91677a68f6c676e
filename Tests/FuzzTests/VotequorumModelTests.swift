// SPDX-License-Identifier: MIT

import Testing

@Suite("The model of votequorum")
struct VotequorumModelTests {
    /// A quorate cluster as one node sees it; every node expects all votes, those of the device included.
    private func cluster(
        votes: [UInt32], device: UInt32 = 0, local: UInt32 = 1, _ change: (inout VotequorumModel) -> Void = { _ in }
    ) -> VotequorumModel {
        let expected = votes.reduce(device, +)
        var model = VotequorumModel(
            nodes: votes.enumerated().map {
                .init(id: UInt32($0.offset + 1), votes: $0.element, expectedVotes: expected, flags: .quorate)
            }, localID: local, quorum: UInt8(truncatingIfNeeded: expected / 2 + 1), isQuorate: true)
        model.deviceVotes = device
        model.lowestID = 1
        model.highestID = Int32(votes.count)
        change(&model)
        return model
    }

    /// The same of nodes with one vote each.
    private func cluster(
        _ nodes: Int, device: UInt32 = 0, local: UInt32 = 1, _ change: (inout VotequorumModel) -> Void = { _ in }
    ) -> VotequorumModel {
        cluster(votes: Array(repeating: 1, count: nodes), device: device, local: local, change)
    }

    private func with(_ model: VotequorumModel, _ change: (inout VotequorumModel) -> Void) -> VotequorumModel {
        var model = model
        change(&model)
        return model
    }

    private func isQuorate(_ model: VotequorumModel, losing dead: UInt32...) -> Bool? {
        model.decision(losing: Set(dead))?.isQuorate
    }

    @Test("is quorate with more than half of the expected votes, which the death of a node does not lower")
    func majority() {
        let five = cluster(5)
        #expect(
            five.decision(losing: [4, 5])
                == .init(isQuorate: true, totalVotes: 3, expectedVotes: 5, highestExpected: 5, quorum: 3))
        #expect(
            five.decision(losing: [2, 3, 4])
                == .init(isQuorate: false, totalVotes: 2, expectedVotes: 5, highestExpected: 5, quorum: 3))
        #expect(isQuorate(cluster(4), losing: 3, 4) == false)
        #expect(isQuorate(cluster(votes: [3, 1, 1]), losing: 2, 3) == true)
        #expect(five.decision(losing: [9]) == five.decision(losing: []))
    }

    @Test("takes the largest expected votes of the members that are left, but keeps a quorum that is higher")
    func expectedVotes() {
        let model = cluster(5) { $0.nodes[1].expectedVotes = 7 }
        #expect(model.decision(losing: [4])?.quorum == 4 && model.decision(losing: [4])?.highestExpected == 7)
        #expect(model.decision(losing: [2])?.quorum == 3 && model.decision(losing: [2])?.highestExpected == 5)
        #expect(isQuorate(cluster(5) { $0.quorum = 5 }, losing: 2) == false)
        // Never fewer votes are expected than there are.
        let more = cluster(votes: [4, 1, 1]) { $0.nodes[0].expectedVotes = 3 }
        #expect(more.decision(losing: [3])?.expectedVotes == 5)
    }

    @Test("keeps the quorum in 8 bits")
    func eightBits() {
        // 301 without the ninth bit.
        #expect(
            cluster(votes: [200, 200, 200]).decision(losing: [2, 3])
                == .init(isQuorate: true, totalVotes: 200, expectedVotes: 600, highestExpected: 600, quorum: 45))
    }

    @Test("needs one vote with two_node, while at most two nodes are left, a device that votes being one of them")
    func twoNode() {
        let pair = cluster(2) { $0.isTwoNode = true }
        #expect(pair.decision(losing: [2])?.quorum == 1 && isQuorate(pair, losing: 2) == true)
        #expect(cluster(3) { $0.isTwoNode = true }.decision(losing: [2])?.quorum == 1)
        #expect(cluster(4) { $0.isTwoNode = true }.decision(losing: [2])?.quorum == 3)
        let withDevice = cluster(2, device: 1) {
            $0.isTwoNode = true
            $0.nodes[0].flags.insert(.deviceCastsVote)
        }
        #expect(withDevice.decision(losing: [])?.quorum == 2 && withDevice.decision(losing: [2])?.quorum == 1)
    }

    @Test("with auto_tie_breaker grants exactly half to the side of the lowest or the highest ID")
    func tieBreaker() {
        func four(_ local: UInt32, _ tieBreaker: VotequorumModel.TieBreaker) -> VotequorumModel {
            cluster(4, local: local) { $0.tieBreaker = tieBreaker }
        }
        #expect(isQuorate(four(1, .lowest), losing: 3, 4) == true && isQuorate(four(3, .lowest), losing: 1, 2) == false)
        #expect(
            isQuorate(four(1, .highest), losing: 3, 4) == false && isQuorate(four(3, .highest), losing: 1, 2) == true)
        #expect(isQuorate(four(1, .none), losing: 3, 4) == false)
        // Less than half: the other side might be quorate by votes.
        #expect(isQuorate(four(1, .lowest), losing: 2, 3, 4) == false)
        #expect(isQuorate(cluster(5) { $0.tieBreaker = .lowest }, losing: 3, 4, 5) == false)
        #expect(isQuorate(cluster(votes: [1, 1, 4]) { $0.tieBreaker = .lowest }, losing: 3) == false)
        // So many nodes, of a vote each, could be: corosync counts nodes here, whatever their votes.
        let many = cluster(votes: [2, 0, 0, 0, 2]) { $0.tieBreaker = .lowest }
        #expect(isQuorate(many, losing: 5) == true && isQuorate(many, losing: 3, 4, 5) == false)
    }

    @Test("looks for the ID of the last partition that was quorate by votes, though its node is gone")
    func staleIDs() {
        var model = cluster(votes: [0, 1, 1, 1, 1], local: 2) {
            $0.tieBreaker = .lowest
            $0.nodes[0].state = .dead
            $0.members = [2, 3, 4, 5]
        }
        #expect(model.lowestID == 1 && isQuorate(model, losing: 4, 5) == false)
        model.beginSync([2, 3, 4, 5])
        model.endSync()
        #expect(model.lowestID == 2 && model.highestID == 5 && isQuorate(model, losing: 4, 5) == true)
    }

    @Test("with a list grants half to the side of its first node that was there before")
    func tieBreakerList() {
        func four(_ local: UInt32, _ change: (inout VotequorumModel) -> Void = { _ in }) -> VotequorumModel {
            cluster(4, local: local) {
                $0.tieBreaker = .list([7, 4, 2])
                change(&$0)
            }
        }
        #expect(isQuorate(four(3), losing: 1, 2) == true)
        #expect(isQuorate(four(1), losing: 3, 4) == false)
        #expect(isQuorate(four(1), losing: 2, 4) == false)
        // 4 had gone before, and so may not be on the other side.
        let before = four(1) { model in
            model.nodes[3].state = .dead
            model.members = [1, 2, 3]
        }
        #expect(isQuorate(before, losing: 3) == true && isQuorate(before, losing: 2) == false)
    }

    @Test("counts the votes of a device where this node casts them, and then only")
    func device() {
        var pair = cluster(2, device: 1) {
            $0.nodes[0].flags.formUnion([.deviceRegistered, .deviceAlive, .deviceCastsVote])
        }
        #expect(
            pair.decision(losing: [2])
                == .init(isQuorate: true, totalVotes: 2, expectedVotes: 3, highestExpected: 3, quorum: 2))
        pair.devicePolls(castingVote: nil)
        #expect(pair.decision(losing: [2])?.totalVotes == 1 && isQuorate(pair, losing: 2) == false)
        // Expected it is all the same.
        let unexpected = cluster(2, device: 1) { $0.nodes[0].expectedVotes = 2 }
        #expect(
            unexpected.decision(losing: [2])?.expectedVotes == 2 && unexpected.decision(losing: [])?.expectedVotes == 3)
        // Of another node it is not this one's, except by master wins.
        let other = cluster(3, device: 2) {
            $0.nodes[1].flags.formUnion([.deviceCastsVote, .deviceMasterWins])
            $0.deviceMasterWins = true
        }
        #expect(isQuorate(other, losing: 3) == true && isQuorate(other, losing: 2) == false)
        #expect(other.decision(losing: [3])?.totalVotes == 2)
        #expect(isQuorate(with(other) { $0.deviceMasterWins = false }, losing: 3) == false)
        for flag in [VotequorumModel.Flags.deviceCastsVote, .deviceMasterWins] {
            #expect(isQuorate(with(other) { $0.nodes[1].flags.remove(flag) }, losing: 3) == false)
        }
    }

    @Test("with wait_for_all waits for all nodes after each loss of quorum")
    func waitForAll() {
        var model = cluster(3) { $0.waitsForAll = true }
        model.beginSync([1])
        model.endSync()
        #expect(!model.isQuorate && model.isWaitingForAll)
        for (id, isEnough) in [(UInt32(2), false), (3, true)] {
            model.beginSync(model.members + [id])
            model.receive(.init(id: id, votes: 1, expectedVotes: 3, flags: .waitsForAll))
            model.endSync()
            #expect(model.isQuorate == isEnough && model.isWaitingForAll != isEnough)
        }
        // Or for a quorate node that does not wait.
        model.nodes[2].state = .dead
        (model.isQuorate, model.isWaitingForAll) = (false, true)
        model.receive(.init(id: 2, votes: 1, expectedVotes: 3, flags: .quorate))
        #expect(!model.isWaitingForAll)
        // Quorate while it waits for all is what corosync asserts not to be.
        #expect(cluster(3) { ($0.waitsForAll, $0.isWaitingForAll) = (true, true) }.decision(losing: [2]) == nil)
    }

    @Test("with last_man_standing expects fewer votes once the window has passed, if enough nodes are left")
    func lastManStanding() {
        var model = cluster(5) { $0.isLastManStanding = true }
        model.beginSync([1, 2, 3, 4])
        model.endSync()
        #expect(model.decision?.expectedVotes == 5 && model.quorum == 3)
        model.lastManStandingWindowPasses()
        #expect(model.decision?.expectedVotes == 4 && model.quorum == 3)
        model.beginSync([1, 2, 3])
        model.endSync()
        model.lastManStandingWindowPasses()
        #expect(model.decision?.expectedVotes == 3 && model.quorum == 2 && isQuorate(model, losing: 3) == true)
        model.beginSync([1])
        #expect(!model.lastManStandingTimerRuns)
        model.endSync()
        model.lastManStandingWindowPasses()
        #expect(!model.isQuorate && model.decision?.expectedVotes == 3)
    }

    @Test("with allow_downscale expects fewer votes when a node leaves cleanly, but keeps the quorum of the barrier")
    func downscale() {
        var model = cluster(5) {
            ($0.allowsDownscale, $0.tracksExpectedVotes, $0.expectedVotesBarrier) = (true, true, 4)
        }
        for id: UInt32 in [5, 4] {
            model.receive(.init(id: id, votes: 1, expectedVotes: 5, flags: [.quorate, .leaving]))
        }
        #expect(model.decision?.totalVotes == 3 && model.decision?.quorum == 3 && model.isQuorate)
        #expect(model.decision?.expectedVotes == 3)
        model.beginSync([1, 2, 3])
        model.endSync()
        #expect(model.decision?.quorum == 3)
    }

    @Test(
        "takes the expected votes of a quorate partition that it joins, and lends its own to a node that is not quorate"
    )
    func joining() {
        var model = cluster(3) { $0.isQuorate = false }
        model.receive(.init(id: 2, votes: 1, expectedVotes: 9, flags: []))
        #expect(model.decision?.highestExpected == 3)
        model.isQuorate = false
        model.receive(.init(id: 3, votes: 1, expectedVotes: 5, flags: .quorate))
        #expect(model.decision?.expectedVotes == 5 && model.decision?.highestExpected == 5)
    }

    @Test("may lower its quorum for a survivor who announces itself as quorate after this node has lost quorum")
    func announcements() {
        var model = cluster(votes: [2, 1, 1, 1])
        model.quorum = 5
        for index in 1...2 { model.nodes[index].flags = [] }
        let own = model.announcement
        let other = VotequorumModel.Announcement(id: 2, votes: 1, expectedVotes: 5, flags: .quorate)
        #expect(model.decision(losing: [4])?.quorum == 5)
        #expect(model.decision(losing: [4], hearing: [other, own])?.quorum == 3)
        #expect(model.decision(losing: [4], hearing: [own, other])?.isQuorate == true)
        #expect(model.decision(losing: [4], hearing: [own])?.isQuorate == false)
    }
}
