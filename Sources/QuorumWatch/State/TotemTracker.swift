// SPDX-License-Identifier: MIT

/// Whether totem has a membership that votequorum has heard of, by totem's counters and votequorum's notifications. Pure.
///
/// Votequorum goes on with its last membership while totem gathers, and does not hear of a ring that breaks before its
/// services are synchronised.
struct TotemTracker: Sendable {
    private var latest: TotemState?
    /// The number of formed rings when votequorum last sent a nodelist; later rings have not been completed.
    private var heard: UInt64?

    /// Since when totem has had no membership that was completed; nil while it has one, or where that is not known.
    private(set) var pendingSince: Instant?

    /// Whether a ring was formed whose services are not synchronised. Corosync then answers no requests to its maps.
    var isSynchronizing: Bool { pendingSince != nil && latest?.operationalEntered != heard }

    /// Whether corosync says that a firewall or a failed interface is why.
    var isNetworkBlocked: Bool { latest?.isNetworkBlocked == true }

    /// Whether a nodelist notification came, and the counters have not been read since.
    private var awaitsReading = false

    /// Records the counters; nil if they cannot be read.
    ///
    /// Until they are read after a nodelist notification, they say nothing: they may be from before it, or may have
    /// counted its ring already.
    mutating func read(_ totem: TotemState?, at now: Instant) {
        guard let totem else {
            self = TotemTracker()
            return
        }
        latest = totem
        guard !awaitsReading else { return }
        // The first reading, or the counter was cleared.
        if heard.map({ totem.operationalEntered ?? 0 < $0 }) ?? true { heard = totem.operationalEntered }
        if isGathering || totem.operationalEntered != heard { pendingSince = pendingSince ?? now }
    }

    /// Records a nodelist notification: a membership is completed.
    mutating func noteNodelist() {
        pendingSince = nil
        awaitsReading = latest != nil
    }

    /// Records that the counters were read after the last nodelist notification, which belongs to the rings counted so
    /// far.
    mutating func noteReadingAfterNodelist(at now: Instant) {
        awaitsReading = false
        heard = latest?.operationalEntered
        pendingSince = isGathering ? now : nil
    }

    private var isGathering: Bool { latest?.continuousGather ?? 0 > 0 }
}
