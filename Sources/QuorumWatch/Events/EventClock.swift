// SPDX-License-Identifier: MIT

/// A moment, by both clocks.
struct Moment: Hashable, Sendable {
    /// By the wall clock.
    var time: Timestamp
    /// By the monotonic clock.
    var instant: Instant

    /// The present moment.
    static var now: Moment { Moment(time: .now, instant: .now) }
}

/// Assigns moments to events. Their times never decrease from one event to the next, unless the system's clock is set
/// back.
///
/// A thread takes the moment of a notification before it reads the votes that belong to it; meanwhile another thread
/// can record a later event.
struct EventClock: Sendable {
    private var last: Moment?

    /// The moment of the next event, which happened at this one. If the previous event happened later, the next one
    /// gets its moment.
    mutating func order(_ moment: Moment) -> Moment {
        if let last, moment.instant < last.instant { return last }
        last = moment
        return moment
    }
}
