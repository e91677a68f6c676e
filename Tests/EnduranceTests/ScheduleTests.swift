// SPDX-License-Identifier: MIT

import Testing
import TestSupport

@Suite("The schedule of a soak")
struct ScheduleTests {
    /// The actions of a soak: a number of them, then those that make the cluster whole, and the same number again.
    private func course(seed: UInt64, actions: Int, nodes: Int = 4) -> [Schedule.Action] {
        var schedule = Schedule(nodes: nodes, seed: seed)
        let first = (0..<actions).map { _ in schedule.next().action }
        let settling = schedule.settle()
        return first + settling + (0..<actions).map { _ in schedule.next().action }
    }

    @Test("is the same for the same seed, and differs between seeds")
    func repeats() {
        for seed in UInt64(1)...100 {
            #expect(course(seed: seed, actions: 50) == course(seed: seed, actions: 50))
            #expect(course(seed: seed, actions: 50) != course(seed: seed + 1, actions: 50))
        }
    }

    @Test("has every kind of action among the first twenty, for every seed")
    func hasEverything() {
        for seed in UInt64(1)...500 {
            #expect(Set(course(seed: seed, actions: 10).map(\.kind)) == Schedule.kinds, "seed \(seed)")
        }
    }
}
