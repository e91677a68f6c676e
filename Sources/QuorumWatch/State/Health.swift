// SPDX-License-Identifier: MIT

/// How good the state of a cluster is. The raw value is the exit status of a monitoring plugin.
public enum Health: Int32, Hashable, Sendable, CaseIterable {
    /// Quorate, with everything that belongs to it.
    case healthy = 0
    /// Quorate, but not as far from the loss of quorum as it should be.
    case degraded = 1
    /// Not quorate.
    case notQuorate = 2
    /// Not known.
    case unknown = 3
}

extension ClusterState {
    /// How good the state is, when at least as many votes should be left to lose as `wantedMargin` says.
    public func health(wantedMargin: Int = 0) -> Health {
        guard let quorate else { return .unknown }
        guard quorate else { return .notQuorate }
        guard let total = votes.total, let expected = votes.expected, let margin = votes.margin else { return .unknown }
        let isDeviceSilent = device.map { !($0.alive && $0.castVote) } ?? false
        return total < expected || isDeviceSilent || margin < wantedMargin ? .degraded : .healthy
    }
}
