// SPDX-License-Identifier: MIT

/// Pauses that grow, so that what fails is tried again soon at first and never often for long.
struct Backoff {
    private let first: Duration
    private let longest: Duration
    private var next: Duration

    init(from first: Duration, to longest: Duration) {
        self.first = first
        self.longest = longest
        next = first
    }

    /// Between two attempts to connect.
    static let connecting = Backoff(from: .milliseconds(100), to: .seconds(2))
    /// Between the loss of a connection and the next attempt, while connections do not last.
    static let losing = Backoff(from: .milliseconds(100), to: .seconds(30))
    /// Between two attempts at a request that corosync was too busy for.
    static let asking = Backoff(from: .milliseconds(1), to: .milliseconds(250))

    /// The pause before the next attempt.
    mutating func pause() -> Duration {
        defer { next = min(next * 2, longest) }
        return next
    }

    /// Begins anew after a success.
    mutating func reset() { next = first }
}
