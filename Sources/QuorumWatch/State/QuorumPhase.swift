// SPDX-License-Identifier: MIT

/// Whether what votequorum says is up to date. It is not while votequorum recalculates, nor while totem has no membership
/// that was completed: votequorum then goes on with its last one. Pure.
struct QuorumPhase: Sendable {
    /// How long what votequorum says may be outdated before that is an event.
    struct Limits: Hashable, Sendable {
        /// For how long votequorum waits for a quorum device in a recalculation, if the configuration does not say.
        var syncTimeout = Duration.seconds(30)
        /// The consensus timeout of totem, if the configuration does not say.
        var consensus = Duration.milliseconds(3600)
        /// The time allowed after these timeouts.
        var grace = Duration.seconds(5)
        /// The time between two events about the same state.
        var repetition = Duration.seconds(60)
    }

    private enum Step {
        /// The connection has no state yet.
        case starting
        /// The last notification ended a recalculation.
        case settled
        /// A nodelist notification came, and the quorum notification that ends the recalculation has not come yet.
        case recalculating(since: Instant)
    }

    let limits: Limits
    private var step = Step.starting
    private var totem = TotemTracker()
    /// Since when what votequorum says has been outdated, and when that was last reported; nil while it is up to date, or
    /// not outdated for too long.
    private var report: (since: Instant, at: Instant)?

    /// The phase before the first notification.
    init(_ limits: Limits) { self.limits = limits }

    /// Whether the connection has a state.
    var hasState: Bool {
        if case .starting = step { return false }
        return true
    }

    /// Whether votequorum has decided on the last membership of which it sent a nodelist notification.
    var isDecided: Bool {
        if case .settled = step { return report == nil }
        return false
    }

    /// Whether votequorum's answers are consistent and up to date.
    var isSettled: Bool { isDecided && !isTotemPending }

    /// Whether totem has no membership that was completed.
    var isTotemPending: Bool { totem.pendingSince != nil }

    /// Whether corosync synchronises its services after a change of the ring, as far as totem's counters tell. It then
    /// answers no requests to its maps.
    var isSynchronizing: Bool { totem.isSynchronizing }

    /// Whether votequorum recalculates, so that its answers mix old and new values.
    var isRecalculating: Bool { hasState && !isDecided }

    /// Whether what votequorum says has been outdated for too long.
    var isUnsettled: Bool { report != nil }

    /// Why what votequorum says is outdated; nil when it is not.
    var unsettledReason: UnsettledReason? {
        if isTotemPending { return totem.isNetworkBlocked ? .network : .membership }
        return isRecalculating ? .recalculation : nil
    }

    /// When ``unsettle(at:_:)`` is due; nil: never.
    func deadline(_ configuration: Configuration?) -> Instant? {
        if let report { return report.at + limits.repetition }
        let membership = totem.pendingSince.map { $0 + (configuration?.consensus ?? limits.consensus) + limits.grace }
        switch step {
        case .starting: return nil
        case .recalculating(let since):
            let timeout = configuration?.device?.syncTimeout ?? limits.syncTimeout
            return [since + timeout + limits.grace, membership].compactMap { $0 }.min()
        case .settled: return membership
        }
    }

    /// Records that a recalculation begins, or is in progress.
    mutating func recalculate(since now: Instant) {
        if case .settled = step { step = .recalculating(since: now) }
    }

    /// Records a quorum notification, which ends a recalculation.
    mutating func decide() {
        step = .settled
        if !isTotemPending { report = nil }
    }

    /// Records that the deadline has passed. Returns for how long what votequorum says has been outdated, and why; nil if
    /// the deadline is later.
    mutating func unsettle(at now: Instant, _ configuration: Configuration?) -> (elapsed: Duration, UnsettledReason)? {
        guard let deadline = deadline(configuration), deadline <= now, let reason = unsettledReason else { return nil }
        var since = min(report?.since ?? now, totem.pendingSince ?? now)
        if case .recalculating(let begin) = step { since = min(since, begin) }
        report = (since, now)
        return (now.since(since), reason)
    }

    /// Records totem's counters; nil if they cannot be read.
    mutating func read(_ counters: TotemState?, at now: Instant) {
        // Before the first state, earlier counters can be of a corosync that has ended.
        if !hasState { totem = TotemTracker() }
        totem.read(counters, at: now)
        // The token is back, without another ring.
        if case .settled = step, !isTotemPending { report = nil }
    }

    /// Records a nodelist notification of totem's membership.
    mutating func noteNodelist() { totem.noteNodelist() }

    /// Records that totem's counters were read after the last nodelist notification.
    mutating func noteReadingAfterNodelist(at now: Instant) { totem.noteReadingAfterNodelist(at: now) }
}
