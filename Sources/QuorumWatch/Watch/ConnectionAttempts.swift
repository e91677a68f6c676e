// SPDX-License-Identifier: MIT

internal import Corosync

/// The pauses between attempts to connect, and which failures were reported.
struct ConnectionAttempts {
    /// A connection that is lost sooner than this does not begin the pauses anew.
    private static let held = Duration.seconds(5)
    /// How many losses in a row are reported as repeated.
    private static let repeatedLosses = 4

    private var connecting = Backoff.connecting
    private var requesting = Backoff.asking
    private var losing = Backoff.losing
    private var losses = 0
    private var busySince: Instant?
    private var reported: CorosyncError?
    private var hasReportedLosses = false
    private var isAfterLoss = false
    private var attempts = 0

    /// Whether no connection was lost yet.
    private(set) var isFirst = true

    /// Whether the names have to be requested for the next connection: not for the first, for which they were requested
    /// before, and not at every attempt while corosync is busy.
    var needNames: Bool { attempts > 0 && busySince == nil }

    /// Whether corosync has been busy for a second, and that was not reported. Reports it.
    var areLongBusy: Bool {
        mutating get {
            guard let busySince, Instant.now.since(busySince) >= .seconds(1), reported?.isTransient != true else {
                return false
            }
            reported = CorosyncError(code: .tryAgain, operation: .votequorumInitialize)
            return true
        }
    }

    /// The pause after corosync was busy.
    mutating func pauseWhileBusy() -> Duration {
        attempts += 1
        busySince = busySince ?? .now
        return requesting.pause()
    }

    /// Whether a failure is another than the one that was reported last. Reports it.
    mutating func isNews(_ failure: CorosyncError) -> Bool {
        defer { reported = failure }
        return failure != reported
    }

    /// Takes note of a loss; returns whether the connection is lost again and again, for the first time.
    mutating func noteLoss(after lifetime: Duration) -> Bool {
        if lifetime >= Self.held { (losing, losses, hasReportedLosses) = (.losing, 0, false) }
        (connecting, requesting, reported, isFirst) = (.connecting, .asking, nil, false)
        isAfterLoss = true
        losses += 1
        guard losses >= Self.repeatedLosses, !hasReportedLosses else { return false }
        hasReportedLosses = true
        return true
    }

    /// The pause before the next attempt.
    mutating func pause() -> Duration {
        attempts += 1
        busySince = nil
        defer { isAfterLoss = false }
        return isAfterLoss ? losing.pause() : connecting.pause()
    }
}
