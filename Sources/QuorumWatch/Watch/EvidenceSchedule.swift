// SPDX-License-Identifier: MIT

internal import Corosync

/// When the counters are read for evidence. Pure.
///
/// They are read immediately after a nodelist, and again some time later, because corosync notices a failed link later
/// than a lost token. They are also read some time after a scheduling miss, in case no nodelist follows it.
struct EvidenceSchedule: Sendable {
    typealias Nodelist = (ring: RingID, members: [NodeID])

    /// The time between a nodelist and its evidence. Corosync checks its counters every 1.5 s, and the evidence has to
    /// follow within 2 s.
    static let afterNodelist = Duration.milliseconds(1500)
    /// The time between a scheduling miss and its evidence. If the token was lost because of the miss, a nodelist follows
    /// within this time.
    static let afterMiss = Duration.seconds(3)

    /// The nodelists after which the counters have not been read yet.
    private var nodelists: [Nodelist] = []
    /// When the evidence for the last nodelist, or for a scheduling miss, is due.
    private var evidence: Instant?

    /// When ``due(at:)`` returns the next item; nil if nothing is scheduled.
    var deadline: Instant? { nodelists.isEmpty ? evidence : Instant(nanoseconds: 0) }

    mutating func note(_ nodelist: Nodelist, at now: Instant) {
        nodelists.append(nodelist)
        evidence = now + Self.afterNodelist
    }

    mutating func noteMiss(at now: Instant) { evidence = evidence ?? now + Self.afterMiss }

    /// Removes and returns the purposes of a reading at this time; nil if there is none.
    mutating func due(at now: Instant) -> (nodelists: [Nodelist], isEvidence: Bool)? {
        let isEvidence = nodelists.isEmpty && evidence.map { $0 <= now } ?? false
        guard isEvidence || !nodelists.isEmpty else { return nil }
        defer { nodelists = [] }
        if isEvidence { evidence = nil }
        return (nodelists, isEvidence)
    }

    mutating func cancel() { self = EvidenceSchedule() }
}
