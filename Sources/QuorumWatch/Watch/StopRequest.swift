// SPDX-License-Identifier: MIT

/// The request to end the watch. Any thread can make it, and any thread can wait for it.
final class StopRequest: Sendable {
    private let outcome = Guarded<Outcome?>(nil)
    private let flag: Flag

    /// A request that has not been made. Throws when no descriptor is available.
    init() throws(SystemError) { flag = try Flag() }

    /// A descriptor that is readable once the watch should end.
    var descriptor: CInt { flag.descriptor }

    /// The outcome with the highest rank that was requested; nil while the watch should go on.
    var requested: Outcome? { outcome.withLock { $0 } }

    func request(_ reason: Outcome) {
        outcome.withLock { outcome in
            if outcome.map({ $0.rank < reason.rank }) ?? true { outcome = reason }
        }
        flag.raise()
    }

    /// Waits until a deadline. Returns true if the watch should end before.
    func wait(until deadline: Instant) -> Bool {
        !QuorumWatch.wait(for: [.init((), descriptor)], until: deadline).isEmpty
    }
}
