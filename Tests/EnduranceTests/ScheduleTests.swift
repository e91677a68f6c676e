// SPDX-License-Identifier: MIT

import Testing
import TestSupport

@Suite("The schedule of a soak")
struct ScheduleTests {
    /// What happens in a soak: so many things, the cluster made whole, and as many again.
    private func course(seed: UInt64, actions: Int, nodes: Int = 4) -> [Schedule.Action] {
        var schedule = Schedule(nodes: nodes, seed: seed)
        let first = (0..<actions).map { _ in schedule.next().action }
        let settling = schedule.settle()
        return first + settling + (0..<actions).map { _ in schedule.next().action }
    }

    @Test("is the same for the same seed, and another for another")
    func repeats() {
        for seed in UInt64(1)...100 {
            #expect(course(seed: seed, actions: 50) == course(seed: seed, actions: 50))
            #expect(course(seed: seed, actions: 50) != course(seed: seed + 1, actions: 50))
        }
    }

    @Test("has everything that can happen to a cluster, in a quarter of an hour, whatever the seed")
    func hasEverything() {
        for seed in UInt64(1)...100 {
            let kinds = Set(course(seed: seed, actions: 150).map { String("\($0)".prefix { $0 != "(" }) })
            let all: Set = [
                "cut", "heal", "partition", "join", "stop", "kill", "start", "restart", "freeze", "thaw", "votes",
                "expectedVotes", "rename",
            ]
            #expect(kinds == all, "seed \(seed)")
        }
    }
}
