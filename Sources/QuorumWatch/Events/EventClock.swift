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

    /// The moment of an event that happened at this one: that of the previous event, if it happened later.
    func moment(of moment: Moment) -> Moment {
        if let last, moment.instant < last.instant { return last }
        return moment
    }

    /// Notes the moment of an event.
    mutating func note(_ moment: Moment) { last = moment }
}
