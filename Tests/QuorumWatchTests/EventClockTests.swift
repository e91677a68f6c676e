// SPDX-License-Identifier: MIT

import Testing

@testable import QuorumWatch

@Suite("The times of events")
struct EventClockTests {
    private var clock = EventClock()

    /// A moment by the wall clock and the monotonic clock.
    private static func moment(_ time: Int64, _ instant: UInt64) -> Moment {
        Moment(time: Timestamp(microseconds: time), instant: Instant(nanoseconds: instant))
    }

    /// The time of the next event, which happened at a moment.
    private mutating func time(_ time: Int64, _ instant: UInt64) -> Int64 {
        next(Self.moment(time, instant)).time.microseconds
    }

    private mutating func next(_ moment: Moment) -> Moment {
        let ordered = clock.moment(of: moment)
        clock.note(ordered)
        return ordered
    }

    @Test("are not moved by a moment without an event")
    mutating func withoutEvent() {
        _ = time(100, 10)
        #expect(clock.moment(of: Self.moment(300, 30)) == Self.moment(300, 30))
        #expect(time(200, 20) == 200)
    }

    @Test("never go back if a thread records an event with an earlier moment than the last event of another thread")
    mutating func ofTwoThreads() {
        let times = [time(250, 20), time(100, 10), time(300, 30)]
        #expect(times == [250, 250, 300])
    }

    @Test("are those of their moments")
    mutating func ofOneThread() {
        let times = [time(100, 10), time(100, 10), time(101, 11)]
        #expect(times == [100, 100, 101])
    }

    @Test("go back once if the system's clock is set back")
    mutating func clockSetBack() {
        // The second event happened before the clock was set back, and is recorded later: with its own time, the next
        // event would go back a second time.
        let times = [time(400, 30), time(1000, 20), time(401, 40)]
        #expect(times == [400, 400, 401])
    }

    @Test("belong to moments that never go back by the monotonic clock either")
    mutating func monotonic() {
        let first = next(Self.moment(1000, 20))
        #expect(first == Self.moment(1000, 20))
        let second = next(Self.moment(2000, 10))
        #expect(second == first)
    }
}
