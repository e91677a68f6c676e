// SPDX-License-Identifier: MIT

internal import Corosync

/// Exponentially growing pauses between retries.
struct Backoff {
    private var next: Duration
    private let longest: Duration

    init(from first: Duration, to longest: Duration) { (next, self.longest) = (first, longest) }

    /// Between two attempts to connect.
    static let connecting = Backoff(from: .milliseconds(100), to: .seconds(2))
    /// Between the loss of a connection and the next attempt, while connections are lost soon after they are made.
    static let losing = Backoff(from: .milliseconds(100), to: .seconds(30))
    /// Before the next attempt after a refusal (`CS_ERR_ACCESS`), each of which corosync logs as an error.
    static let afterRefusal = Duration.seconds(30)
    /// Between two attempts at a request, while corosync is too busy for it.
    static let asking = Backoff(from: .milliseconds(1), to: .milliseconds(250))

    /// The pause before the next attempt.
    mutating func pause() -> Duration {
        defer { next = min(next * 2, longest) }
        return next
    }
}

extension StopRequest {
    /// Makes a request. Retries while corosync is too busy for it, until the watch ends or the next attempt would be after
    /// the deadline. Throws the last error.
    func retrying<Answer>(
        until deadline: Instant? = nil, _ request: () throws(CorosyncError) -> Answer
    ) throws(CorosyncError) -> Answer {
        var backoff = Backoff.asking
        while true {
            do throws(CorosyncError) {
                return try request()
            } catch {
                let next = Instant.now + backoff.pause()
                let isLate = deadline.map { next >= $0 } ?? false
                guard error.isTransient, !isLate, !wait(until: next) else { throw error }
            }
        }
    }
}
