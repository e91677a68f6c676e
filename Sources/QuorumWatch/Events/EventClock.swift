// SPDX-License-Identifier: MIT

/// Assigns times to events. They never decrease from one event to the next, unless the system's clock is set back.
///
/// A thread takes the moment of a notification before it reads the votes that belong to it; meanwhile another thread
/// can record a later event. Not thread-safe.
struct EventClock: Sendable {
    /// A time, and its position in the order in which moments were taken.
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

    /// The time of the next event, which belongs to this moment. If the previous event has a later moment, the next
    /// event gets the time of that one.
    mutating func time(of moment: Moment) -> Timestamp {
        if moment.sequence > last.sequence { last = moment }
        return last.time
    }
}
