// SPDX-License-Identifier: MIT

internal import Corosync

/// Combines notifications into changes of totem's membership. Corosync sends a notification for each key
/// (`runtime.members.N.…` of cmap_keys(8)).
struct MembershipChanges {
    /// The prefix of the keys to track.
    static let prefix = "runtime.members."
    /// A change is complete when no key has changed for this long.
    private static let pause = Duration.milliseconds(200)
    /// The maximum duration of a change, after which the next one begins.
    private static let longest = Duration.seconds(1)

    private var values: [String: (old: ConfigurationMap.Value?, new: ConfigurationMap.Value?)] = [:]
    private var first: Instant?

    /// When ``take()`` has to be called; nil when no key has changed.
    private(set) var deadline: Instant?

    /// Records that a key changed.
    mutating func note(_ change: ConfigurationMap.Change, at now: Instant = .now) {
        guard change.key.hasSuffix(".status") || change.key.hasSuffix(".join_count") else { return }
        values[change.key, default: (change.oldValue, nil)].new = change.newValue
        let first = self.first ?? now
        self.first = first
        deadline = min(now + Self.pause, first + Self.longest)
    }

    /// Ends the change. Returns the time of the first notification, or nil when the membership is the same as before.
    mutating func take() -> Instant? {
        defer { self = MembershipChanges() }
        return values.values.contains { $0.old != $0.new } ? first : nil
    }
}
