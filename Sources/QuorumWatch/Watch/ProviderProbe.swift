// SPDX-License-Identifier: MIT

internal import Corosync
internal import Glibc

/// Reads the quorum provider from the configuration map, to find out why votequorum refuses a connection.
///
/// It uses a separate thread, since the request blocks if corosync does not answer. ``watchdog`` detects that.
final class ProviderProbe: Sendable {
    /// The value of `quorum.provider`, or why it is not known.
    enum Provider: Hashable, Sendable {
        /// Its value.
        case named(String)
        /// The key is not set.
        case notSet
        /// The configuration map cannot be connected to.
        case noConnection
        /// The configuration map did not answer in time.
        case unknown
    }

    private let isRunning = Guarded(false)
    private let stop: StopRequest
    /// Detects that the configuration map does not answer.
    let watchdog: Watchdog

    /// The timeout of a request.
    private static let patience = Duration.seconds(2)

    init(stop: StopRequest) throws(SystemError) {
        self.stop = stop
        watchdog = try Watchdog()
    }

    /// Reads the provider. Waits for ``patience`` at most.
    func provider() -> Provider {
        // The thread of an earlier call still waits for its answer.
        guard
            isRunning.withLock({ isRunning in
                defer { isRunning = true }; return !isRunning
            })
        else { return .unknown }
        let answer = Guarded<Provider?>(nil)
        watchdog.begin()
        let finish = { @Sendable [watchdog, isRunning] (provider: Provider) in
            watchdog.end()
            isRunning.withLock { $0 = false }
            answer.withLock { $0 = provider }
        }
        let deadline = Instant.now + Self.patience
        do throws(SystemError) {
            try startThread("configuration") { [stop] in finish(Self.read(until: deadline, stop)) }
        } catch {
            finish(.unknown)
        }
        return answer.wait(until: deadline) { answer in answer ?? (stop.requested == nil ? nil : .unknown) } ?? .unknown
    }

    private static func read(until deadline: Instant, _ stop: StopRequest) -> Provider {
        var backoff = Backoff.asking
        while true {
            do throws(CorosyncError) {
                let map = try ConfigurationMap()
                return try map.read("quorum.provider", as: String.self).map(Provider.named) ?? .notSet
            } catch {
                guard error.isTransient else { return error.operation == .cmapInitialize ? .noConnection : .unknown }
                let next = Instant.now + backoff.pause()
                if next >= deadline || stop.wait(until: next) { return .unknown }
            }
        }
    }
}
