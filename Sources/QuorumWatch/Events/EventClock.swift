// SPDX-License-Identifier: MIT

/// Gives events their times, which from one event to the next never go back unless the system's clock is set back.
///
/// A thread notes the moment of a notification before it reads what belongs to it; meanwhile another thread can record a
/// later event. Used by one thread at a time.
struct EventClock: Sendable {
    /// A time, and its place among the others that were taken.
    struct Moment: Sendable {
        fileprivate let time: Timestamp
        fileprivate let sequence: UInt64
    }

    private var sequence: UInt64 = 0
    private var last = Moment(time: Timestamp(microseconds: .min), sequence: 0)
    private let now: @Sendable () -> Timestamp

    /// A clock that takes the time from `now`.
    init(now: @escaping @Sendable () -> Timestamp = { .now }) { self.now = now }

    /// The present moment.
    mutating func moment() -> Moment {
        sequence += 1
        return Moment(time: now(), sequence: sequence)
    }

    /// The time for the event of a moment, which is the next event: that of the event before, where the moment was taken
    /// earlier than that of the event before.
    mutating func time(of moment: Moment) -> Timestamp {
        if moment.sequence > last.sequence { last = moment }
        return last.time
    }
}
