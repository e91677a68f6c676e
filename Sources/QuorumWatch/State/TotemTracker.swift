// SPDX-License-Identifier: MIT

/// Whether totem has a membership that votequorum has heard of, by totem's counters and votequorum's notifications. Pure.
///
/// Votequorum goes on with its last membership while totem gathers, and does not hear of a ring that breaks before its
/// services are synchronised.
struct TotemTracker: Sendable {
    private var latest: TotemState?
    /// The number of formed rings when votequorum last sent a nodelist; later rings have not been completed.
    private var heard: UInt64?
    /// How often totem had begun to gather then. It has left that ring if it has begun again.
    private var gathered: UInt64?
    /// Since when totem has had no membership by these counters.
    private var leftSince: Instant?
    /// Since when totem has been known to lack the token; nil after the first nodelist notification, because the value is
    /// as old as corosync's last look.
    private var withoutTokenSince: Instant?
    private var hasHeard = false

    /// Since when totem has had no membership that was completed; nil while it has one, or where that is not known.
    var pendingSince: Instant? { leftSince ?? withoutTokenSince }

    /// Whether a ring was formed whose services are not synchronised. Corosync then answers no requests to its maps.
    var isSynchronizing: Bool { leftSince != nil && latest.map { $0.operationalEntered != heard } ?? false }

    /// Whether corosync says that a firewall or a failed interface is why.
    var isNetworkBlocked: Bool { latest?.isNetworkBlocked == true }

    /// Whether a nodelist notification came, and the counters have not been read since.
    private var awaitsReading = false

    /// Records the counters; nil if they cannot be read.
    ///
    /// Until they are read after a nodelist notification, they say nothing: they may be from before it, or may have
    /// counted its ring already.
    mutating func read(_ totem: TotemState?, at now: Instant) {
        latest = totem
        guard let totem else {
            // If totem lacked a membership before, it does until a nodelist comes.
            if awaitsReading { noteReadingAfterNodelist(at: now) }
            return
        }
        withoutTokenSince = totem.lacksToken && !hasHeard ? withoutTokenSince ?? now : nil
        guard !awaitsReading else { return }
        // The first reading, or the counters were cleared.
        if heard.map({ totem.operationalEntered ?? 0 < $0 }) ?? true {
            (heard, gathered) = (totem.operationalEntered, totem.gatherEntered)
        }
        if isGathering || totem.operationalEntered != heard { leftSince = leftSince ?? now }
    }

    /// Records a nodelist notification: a membership is completed.
    mutating func noteNodelist() {
        (leftSince, withoutTokenSince, hasHeard) = (nil, nil, true)
        awaitsReading = latest != nil
        if !awaitsReading { (heard, gathered) = (nil, nil) }
    }

    /// Records that the counters were read after the last nodelist notification, which belongs to the rings counted so
    /// far.
    mutating func noteReadingAfterNodelist(at now: Instant) {
        awaitsReading = false
        (heard, gathered) = (latest?.operationalEntered, latest?.gatherEntered)
        leftSince = isGathering ? now : nil
    }

    /// `continuous_gather` stays 0 at the first attempt, and while attempts fail at the commit token.
    private var isGathering: Bool {
        latest?.continuousGather ?? 0 > 0 || latest?.gatherEntered ?? 0 > gathered ?? .max
    }
}
