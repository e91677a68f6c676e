// SPDX-License-Identifier: MIT

import Testing

@testable import QuorumWatch

@Suite("The times of events")
struct EventClockTests {
    /// The system's clock, which a test sets.
    private let system = Guarded<Int64>(0)

    private func makeClock() -> EventClock {
        EventClock { [system] in Timestamp(microseconds: system.withLock { $0 }) }
    }

    private func set(_ microseconds: Int64) { system.withLock { $0 = microseconds } }

    @Test("never go back if a thread records an event with an earlier moment than the last event of another thread")
    func ofTwoThreads() {
        var clock = makeClock()
        set(100)
        let early = clock.moment()
        set(250)
        let late = clock.moment()
        #expect(clock.time(of: late).microseconds == 250)
        #expect(clock.time(of: early).microseconds == 250)
        set(300)
        let next = clock.moment()
        #expect(clock.time(of: next).microseconds == 300)
    }

    @Test("are those of their moments")
    func ofOneThread() {
        var clock = makeClock()
        for time: Int64 in [100, 100, 101] {
            set(time)
            let moment = clock.moment()
            #expect(clock.time(of: moment).microseconds == time)
        }
    }

    @Test("go back once if the system's clock is set back")
    func clockSetBack() {
        var clock = makeClock()
        set(1000)
        let before = clock.moment()
        set(400)
        let after = clock.moment()
        #expect(clock.time(of: after).microseconds == 400)
        // The earlier moment is recorded later: with its own time, the next event would go back a second time.
        #expect(clock.time(of: before).microseconds == 400)
        set(401)
        let next = clock.moment()
        #expect(clock.time(of: next).microseconds == 401)
    }
}
