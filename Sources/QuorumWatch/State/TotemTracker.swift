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

    /// Whether corosync says that a firewall or a failed interface is why.
    var isNetworkBlocked: Bool { latest?.isNetworkBlocked == true }

    /// Records a reading of the counters; nil if they cannot be read.
    mutating func read(_ totem: TotemState?, at now: Instant) {
        latest = totem
        guard let totem else {
            (heard, pendingSince) = (nil, nil)
            return
        }
        // The first reading, or the counter was cleared.
        if heard.map({ totem.operationalEntered ?? 0 < $0 }) ?? true { heard = totem.operationalEntered }
        if isGathering || totem.operationalEntered != heard { pendingSince = pendingSince ?? now }
    }

    /// Records a nodelist notification: a membership is completed.
    mutating func noteNodelist() { pendingSince = nil }

    /// Records that the last reading was made after a nodelist notification, which belongs to the rings counted so far.
    mutating func noteReadingAfterNodelist() {
        heard = latest?.operationalEntered
        if !isGathering { pendingSince = nil }
    }

    private var isGathering: Bool { latest?.continuousGather ?? 0 > 0 }
}
