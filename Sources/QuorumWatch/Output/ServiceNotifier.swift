// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// Notifies the service manager of the state of the watch (sd_notify(3)). Only the supervising thread uses it, and no
/// message blocks it.
final class ServiceNotifier: Sendable {
    private struct State: Sendable {
        /// The last status text that the service manager has received.
        var sent: String?
        /// Whether a message could not be sent because the service manager is too busy.
        var isDelayed = false
        var nextPing: Instant?
    }

    private let record: LatestValue<WatchRecord>
    private let socket: CInt
    private let address: [UInt8]
    /// The time between two keep-alives of the watchdog: half of its timeout. Nil if the watchdog is not enabled.
    private let watchdogInterval: Duration?
    private let state = Guarded(State())

    /// The lower bound of ``watchdogInterval``: a shorter one would keep a processor busy.
    private static let shortestInterval = Duration.milliseconds(10)
    /// The pause before a message that could not be sent is sent again.
    private static let retryPause = Duration.milliseconds(100)

    /// Whether there is a service manager that wants notifications: `NOTIFY_SOCKET` contains the address of its socket.
    static var isWanted: Bool { getenv("NOTIFY_SOCKET") != nil }

    /// A notifier for the service manager that started the program; nil if there is none. `WATCHDOG_USEC` and
    /// `WATCHDOG_PID` contain the timeout of its watchdog.
    init?(_ record: LatestValue<WatchRecord>) {
        guard let path = getenv("NOTIFY_SOCKET").map({ Array(String(cString: $0).utf8) }), path.count > 1,
            path[0] == UInt8(ascii: "/") || path[0] == UInt8(ascii: "@")
        else { return nil }
        // The name of an abstract socket begins with a NUL and does not end with one.
        address = path[0] == UInt8(ascii: "@") ? [0] + path.dropFirst() : path
        guard address.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
        socket = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        func number(_ name: String) -> Int64? { getenv(name).flatMap { Int64(String(cString: $0)) } }
        let isOurs = getenv("WATCHDOG_PID") == nil || number("WATCHDOG_PID") == Int64(getpid())
        watchdogInterval = number("WATCHDOG_USEC").flatMap { timeout in
            isOurs && timeout > 0 ? max(.microseconds(timeout / 2), Self.shortestInterval) : nil
        }
        self.record = record
        state.withLock { state in state.nextPing = watchdogInterval.map { .now + $0 } }
    }

    /// A descriptor that is readable when the state has changed.
    var descriptor: CInt { record.changed?.descriptor ?? -1 }

    /// When ``sendWhatIsDue(proveLiveness:)`` has to be called, without a change of the state.
    var nextMessage: Instant? {
        state.withLock { state in
            [state.nextPing, state.isDelayed ? .now + Self.retryPause : nil].compactMap { $0 }.min()
        }
    }

    /// Sends the status text if it has changed, and the keep-alive of the watchdog if it is due. The first message also
    /// says that the service is ready.
    ///
    /// - Parameter proveLiveness: Blocks if the program hangs, so that the service manager restarts it. A restart would
    ///   not help against a corosync that does not answer.
    func sendWhatIsDue(proveLiveness: () -> Void) {
        record.changed?.lower()
        let latest = record.latest
        state.withLock { state in
            if latest.version > 0, latest.value.text != state.sent {
                let text = latest.value.text
                state.isDelayed = !send("\(state.sent == nil ? "READY=1\n" : "")STATUS=\(text)")
                if !state.isDelayed { state.sent = text }
            }
            guard let due = state.nextPing, let watchdogInterval, due <= .now else { return }
            proveLiveness()
            _ = send("WATCHDOG=1")
            state.nextPing = .now + watchdogInterval
        }
    }

    /// Sends that the watch is ending.
    func stopping() { _ = send("STOPPING=1") }

    /// Sends a message. Returns false if the service manager is too busy for it. Other errors are ignored, since the watch
    /// does not depend on the service manager.
    private func send(_ text: String) -> Bool {
        var to = sockaddr_un()
        to.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &to.sun_path) { $0.copyBytes(from: address) }
        let size = MemoryLayout.offset(of: \sockaddr_un.sun_path)! + address.count
        let bytes = Array(text.utf8)
        return withUnsafePointer(to: &to) { to in
            to.withMemoryRebound(to: sockaddr.self, capacity: 1) { to in
                let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
                while sendto(socket, bytes, bytes.count, flags, to, socklen_t(size)) < 0 {
                    if errno == EAGAIN || errno == ENOBUFS { return false }
                    if errno != EINTR { return true }
                }
                return true
            }
        }
    }
}

extension WatchRecord {
    /// The state in a line for people.
    var text: String {
        if let state, state.quorate != nil {
            return "\(state.decision.word): \(state.summary)"
        }
        if isConnected {
            let reason = unsettled.map { $0.words(hasDevice: state?.device != nil) } ?? "votequorum recalculates"
            return "QUORUM UNKNOWN: \(reason)"
        }
        return waitingReason.map { "waiting for corosync: \($0)" } ?? "corosync is gone or does not answer"
    }
}
