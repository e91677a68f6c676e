// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("An ordinary change of the membership")
struct MembershipChangeTests {
    /// A step of the two threads that see a change: one reads the maps, and one receives notifications.
    private enum Step: String, CaseIterable {
        /// A reading made before the ring was formed, which may be recorded late.
        case gathering
        /// A reading made after the ring was formed.
        case formed
        /// A reading made after the nodelist was recorded, and that it was.
        case read, counted
        case nodelist, quorum
    }

    /// All orders of two lists that keep the order within each list.
    private static func merges(_ one: [Step], _ other: [Step]) -> [[Step]] {
        guard let first = one.first, let second = other.first else { return [one + other] }
        return merges(Array(one.dropFirst()), other).map { [first] + $0 }
            + merges(one, Array(other.dropFirst())).map { [second] + $0 }
    }

    private static let orders: [[Step]] =
        [
            [.gathering, .formed, .read, .counted], [.gathering, .read, .counted], [.formed, .read, .counted],
            [.read, .counted],
        ]
        .flatMap { merges($0, [.nodelist, .quorum]) }
        .filter { $0.firstIndex(of: .nodelist)! < $0.firstIndex(of: .read)! }

    @Test("gives its nodelist and its quorum event and no others, in any order of the maps and the notifications")
    func anyOrder() {
        #expect(Self.orders.count > 20)
        for order in Self.orders {
            var watched = ClockedCluster()
            var kinds: [EventKind] = []
            // Twice, because the first change leaves something behind for the second.
            for change: UInt64 in 1...2 {
                var time = Int64(change) * 100_000
                for step in order {
                    // A slow machine: it may take 35 s from the nodelist on, and 8.6 s before it.
                    time += kinds.count { $0 == .nodelist } < Int(change) ? 2000 : 7000
                    let events =
                        switch step {
                        case .gathering: watched.reduce(.totem(formed: 4 + change, gathers: 1), at: time)
                        case .formed, .read: watched.reduce(.totem(formed: 5 + change), at: time)
                        case .counted: watched.reduce(.counted(1 + change), at: time)
                        case .nodelist: watched.cluster.nodelist(1 + change, [1, 2, 3], at: time * 1000)
                        case .quorum: watched.cluster.quorum(true, at: time * 1000)
                        }
                    kinds += events.map(\.kind)
                    #expect(watched.report(at: time + 1999) == nil, "\(order.map(\.rawValue)) after \(step)")
                }
                #expect(
                    watched.deadline == nil && watched.cluster.reducer.phase.isSettled
                        && watched.cluster.reducer.knownState?.quorate == true, "\(order.map(\.rawValue))")
                #expect(watched.reduce(.evidence, at: time + 2000).map(\.kind) == [.evidence])
            }
            #expect(kinds == [.nodelist, .quorum, .nodelist, .quorum], "\(order.map(\.rawValue))")
        }
    }
}

@Suite("Whether totem has a membership")
struct TotemTrackerTests {
    private var totem = TotemTracker()

    private mutating func read(
        _ formed: UInt64?, gathers: UInt32? = 0, begun: UInt64? = nil, lacksToken: Bool = false, at time: UInt64
    ) {
        totem.read(
            TotemState(
                continuousGather: gathers, gatherEntered: begun, operationalEntered: formed, lacksToken: lacksToken),
            at: Instant(nanoseconds: time))
    }

    private var since: UInt64? { totem.pendingSince?.nanoseconds }

    @Test("is so at the first reading, unless it gathers")
    mutating func start() {
        #expect(since == nil)
        read(9, at: 1)
        #expect(since == nil)
        totem = TotemTracker()
        read(9, gathers: 1, at: 2)
        #expect(since == 2)
    }

    @Test("is not so from the first gather state or ring until a nodelist")
    mutating func nodelist() {
        read(9, at: 1)
        read(9, gathers: 1, at: 2)
        read(9, gathers: 2, at: 3)
        read(10, at: 4)
        #expect(since == 2)
        totem.noteNodelist()
        #expect(since == nil)
    }

    @Test("is not taken from readings that may be older than the last nodelist")
    mutating func lateReadings() {
        read(9, at: 1)
        totem.noteNodelist()
        read(9, gathers: 2, at: 2)
        read(10, at: 3)
        #expect(since == nil)
        totem.noteReadingAfterNodelist(at: Instant(nanoseconds: 4))
        read(10, at: 5)
        #expect(since == nil, "it belongs to the nodelist")
        read(11, at: 6)
        #expect(since == 6)
    }

    @Test("is not so if totem gathers again when the reading after a nodelist is made")
    mutating func gathersAgain() {
        read(9, at: 1)
        totem.noteNodelist()
        read(10, gathers: 1, at: 2)
        #expect(since == nil)
        totem.noteReadingAfterNodelist(at: Instant(nanoseconds: 3))
        #expect(since == 3)
    }

    @Test("is not so after totem has begun to gather, although the number of attempts in a row stays 0")
    mutating func firstAttempt() {
        read(9, begun: 14, at: 1)
        #expect(since == nil)
        read(9, begun: 15, at: 2)
        read(9, begun: 16, at: 3)
        #expect(since == 2 && !totem.isSynchronizing)
        totem.noteNodelist()
        read(10, begun: 16, at: 4)
        totem.noteReadingAfterNodelist(at: Instant(nanoseconds: 5))
        #expect(since == nil)
        read(10, begun: 17, at: 6)
        #expect(since == 6)
    }

    @Test("is not so at the start of a watch without the token, until that is back or a nodelist comes")
    mutating func token() {
        read(9, lacksToken: true, at: 1)
        read(9, lacksToken: true, at: 2)
        #expect(since == 1 && !totem.isSynchronizing)
        read(9, at: 3)
        #expect(since == nil)
        read(9, lacksToken: true, at: 4)
        #expect(since == 4)
        totem.noteNodelist()
        read(10, lacksToken: true, at: 5)
        totem.noteReadingAfterNodelist(at: Instant(nanoseconds: 6))
        read(10, lacksToken: true, at: 7)
        #expect(since == nil, "the value is as old as corosync's last look")
    }

    @Test("is so after the counters were cleared, until the next ring")
    mutating func cleared() {
        read(9, at: 1)
        read(0, at: 2)
        #expect(since == nil)
        read(1, at: 3)
        #expect(since == 3)
    }

    @Test("is so where it was never known")
    mutating func unknown() {
        totem.read(nil, at: Instant(nanoseconds: 1))
        read(nil, gathers: nil, at: 2)
        read(nil, gathers: nil, at: 3)
        #expect(since == nil && !totem.isNetworkBlocked)
    }

    @Test("is not so while the counters cannot be read, if it was not before, until a nodelist")
    mutating func unreadable() {
        read(9, gathers: 1, at: 3)
        totem.read(nil, at: Instant(nanoseconds: 4))
        #expect(since == 3 && !totem.isSynchronizing)
        read(20, at: 5)
        #expect(since == 3 && totem.isSynchronizing)
        totem.read(nil, at: Instant(nanoseconds: 6))
        totem.noteNodelist()
        #expect(since == nil)
        read(21, at: 7)
        #expect(since == nil, "a reading after that is a first one")
        totem.noteNodelist()
        totem.read(nil, at: Instant(nanoseconds: 8))
        read(22, at: 9)
        read(23, at: 10)
        #expect(since == 10, "no reading of the ring is awaited any more")
    }

    @Test("is not so because of the network only while corosync says so")
    mutating func network() {
        for isBlocked in [true, false, nil] {
            totem.read(TotemState(isNetworkBlocked: isBlocked), at: Instant(nanoseconds: 1))
            #expect(totem.isNetworkBlocked == (isBlocked == true))
        }
    }
}
