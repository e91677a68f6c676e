// SPDX-License-Identifier: MIT

internal import Corosync

/// Collects the changes of totem's membership, which corosync tells key by key (`runtime.members.N.…` of cmap_keys(8)), and
/// makes one of those that come together.
struct MembershipChanges {
    /// The keys that begin so are tracked.
    static let prefix = "runtime.members."
    /// A change has ended when no key has changed for so long.
    private static let pause = Duration.milliseconds(200)
    /// A change that has not ended after so long counts as one.
    private static let longest = Duration.seconds(1)

    private var values: [String: (old: ConfigurationMap.Value?, new: ConfigurationMap.Value?)] = [:]
    private var first: Instant?

    /// The moment at which ``take()`` is due; nil when there is no change.
    private(set) var deadline: Instant?

    /// Notes that a key changed.
    mutating func note(_ change: ConfigurationMap.Change, at now: Instant = .now) {
        guard change.key.hasSuffix(".status") || change.key.hasSuffix(".join_count") else { return }
        values[change.key, default: (change.oldValue, nil)].new = change.newValue
        let first = self.first ?? now
        self.first = first
        deadline = min(now + Self.pause, first + Self.longest)
    }

    /// Ends the collection; returns the moment of the first change, or nil when the membership is the same as before.
    mutating func take() -> Instant? {
        defer { self = MembershipChanges() }
        return values.values.contains { $0.old != $0.new } ? first : nil
    }
}
