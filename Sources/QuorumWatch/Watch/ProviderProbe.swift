// SPDX-License-Identifier: MIT

internal import Corosync
internal import Glibc

/// Reads the quorum provider from the configuration map, to find out why votequorum refuses a connection.
///
/// It does so in a thread of its own, since corosync may not answer. ``watchdog`` notices that.
final class ProviderProbe: Sendable {
    /// What is known of `quorum.provider`.
    enum Provider: Hashable, Sendable {
        /// Its value.
        case named(String)
        /// The key is not set.
        case notSet
        /// The configuration map cannot be connected to.
        case noConnection
        /// The configuration map did not answer, or was too busy, in time.
        case unknown
    }

    private let isRunning = Guarded(false)
    private let stop: StopRequest
    /// Notices when the configuration map does not answer.
    let watchdog: Watchdog

    /// How long an answer is waited for.
    private static let patience = Duration.seconds(2)

    init(stop: StopRequest) throws(SystemError) {
        self.stop = stop
        watchdog = try Watchdog()
    }

    /// Reads the provider, for ``patience`` at most.
    func provider() -> Provider {
        // A thread that was left behind still waits for its answer.
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
