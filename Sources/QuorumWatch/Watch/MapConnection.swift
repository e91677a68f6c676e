// SPDX-License-Identifier: MIT

internal import Corosync

/// One of the two maps, as the thread that reads them uses it: a connection that is made when it is needed, with its own
/// next attempt after a failure.
final class MapConnection {
    /// The timeout for a reading. Values that were read before stay valid for as long while the map cannot be read.
    static let patience = Duration.seconds(2)

    final class Open {
        let map: ConfigurationMap
        /// What is tracked, by key or prefix.
        var tracks: [String: ConfigurationMap.Track] = [:]

        init(_ kind: ConfigurationMap.Kind) throws(CorosyncError) { map = try ConfigurationMap(kind) }
    }

    private let kind: ConfigurationMap.Kind
    private let silence: SilenceTimer
    private var open: Open?
    private var retry = Retry()
    /// The failure that was reported last; nil after a success.
    private(set) var reported: CorosyncError?

    /// Whether the map has to be read again.
    var isOutdated = true
    /// When the next attempt is due, after a failure; nil: at once.
    private(set) var nextAttempt: Instant?

    init(_ kind: ConfigurationMap.Kind, silence: SilenceTimer) {
        self.kind = kind
        self.silence = silence
    }

    /// The descriptor of the connection; -1 if there is none.
    var descriptor: CInt { open?.map.fileDescriptor ?? -1 }

    /// Whether it is read, or a failure to read it is reported.
    var isDecided: Bool { !isOutdated || reported != nil }

    var isDue: Bool { isOutdated && nextAttempt.map { $0 <= .now } ?? true }

    /// Makes a reading due at once, as if nothing had failed.
    func restart() {
        (isOutdated, nextAttempt, reported) = (true, nil, nil)
        retry = Retry()
    }

    /// Makes requests, connecting first if necessary. After a failure, closes the connection and schedules the next
    /// attempt.
    ///
    /// - Parameters:
    ///   - isAwaited: Whether another thread waits for the result. If not, a short failure is not reported.
    ///   - lasting: An error of the other map that did not pass. The same error is not expected to pass here.
    ///   - requests: The requests.
    /// - Returns: A failure that has to be reported.
    @discardableResult
    func use(
        isAwaited: Bool = false, lasting: CorosyncError? = nil, _ requests: (Open) throws(CorosyncError) -> Void
    ) -> CorosyncError? {
        silence.requestBegins()
        defer { silence.requestEnds() }
        do throws(CorosyncError) {
            let open = if let open = self.open { open } else { try Open(kind) }
            self.open = open
            try requests(open)
            (nextAttempt, reported) = (nil, nil)
            retry = Retry()
            return nil
        } catch {
            silence.requestEnds()
            close()
            let failing = retry.failing(at: .now)
            let isPassing = error.isTransient && error != lasting && failing < Self.patience / 2
            let isLasting = !isPassing && (isAwaited || failing >= Self.patience)
            let pause = retry.pause(after: error, isPassing: isPassing)
            // Values that were read before do not stay valid for longer, even if the next attempt is due much later.
            nextAttempt = .now + (isLasting ? pause : min(pause, Self.patience))
            guard isLasting, reported != error else { return nil }
            reported = error
            return error
        }
    }

    func close() {
        open = nil
        isOutdated = true
    }
}

/// The pauses between attempts at requests that fail.
private struct Retry {
    private var connecting = Backoff.connecting
    private var asking = Backoff.asking
    private var since: Instant?

    /// For how long requests have failed.
    mutating func failing(at now: Instant) -> Duration {
        since = since ?? now
        return now.since(since ?? now)
    }

    mutating func pause(after error: CorosyncError, isPassing: Bool) -> Duration {
        if error.isRefusal { return Backoff.afterRefusal }
        return isPassing ? asking.pause() : connecting.pause()
    }
}
