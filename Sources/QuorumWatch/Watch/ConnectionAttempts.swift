// SPDX-License-Identifier: MIT

internal import Corosync

/// Computes the pauses between attempts to connect, and decides which failures to report.
struct ConnectionAttempts {
    /// The last report.
    private enum Report: Equatable {
        /// Corosync has been busy for a second.
        case busy
        /// A connection cannot be made.
        case failure(CorosyncError)
    }

    private var connecting = Backoff.connecting
    private var requesting = Backoff.asking
    private var losing = Backoff.losing
    private var losses = 0
    private var busySince: Instant?
    private var reported: Report?
    private var isAfterLoss = false

    /// Whether to report that corosync has been busy for a second. True once, until another failure is reported.
    var areLongBusy: Bool {
        mutating get {
            guard let busySince, Instant.now.since(busySince) >= .seconds(1), reported != .busy else { return false }
            reported = .busy
            return true
        }
    }

    /// The pause before the next attempt, while corosync is busy.
    mutating func pauseWhileBusy() -> Duration {
        busySince = busySince ?? .now
        return requesting.pause()
    }

    /// Whether to report a failure: it is not the one that was reported last. Records it as reported.
    mutating func isNews(_ failure: CorosyncError) -> Bool {
        defer { reported = .failure(failure) }
        return reported != .failure(failure)
    }

    /// Records the loss of a connection. Returns whether to report that connections are lost repeatedly: at the fourth
    /// loss in a row of a connection that did not last.
    mutating func noteLoss(after lifetime: Duration) -> Bool {
        if lifetime >= .seconds(5) { (losing, losses) = (.losing, 0) }
        (connecting, requesting, reported) = (.connecting, .asking, nil)
        isAfterLoss = true
        losses += 1
        return losses == 4
    }

    /// The pause before the next attempt, after this error.
    mutating func pause(after error: CorosyncError) -> Duration {
        busySince = nil
        defer { isAfterLoss = false }
        if error.isRefusal { return Backoff.afterRefusal }
        return isAfterLoss ? losing.pause() : connecting.pause()
    }
}
