// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// Notifies the service manager of the state of the watch (sd_notify(3)).
struct ServiceNotifier: Sendable {
    private let socket: CInt
    private let address: [UInt8]
    /// The time between two keep-alives of the watchdog: half of its timeout. Nil if the watchdog is not enabled.
    let watchdogInterval: Duration?
    /// The lower bound of ``watchdogInterval``: a shorter one would keep a processor busy.
    private static let shortestInterval = Duration.milliseconds(10)

    /// A notifier for the service manager that started the program; nil if there is none. `NOTIFY_SOCKET` contains the
    /// address of its socket, and `WATCHDOG_USEC` and `WATCHDOG_PID` the timeout of its watchdog.
    init?() {
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
    }

    /// Sends every change of the status text until the series ends. The first message also says that the service is
    /// ready.
    func run(_ statistics: LatestValue<WatchStatistics>) {
        var seen = 0
        var sent: String?
        while case .value(let latest) = statistics.next(after: &seen) {
            let status = latest.text
            if sent == nil { send("READY=1\nSTATUS=\(status)") } else if sent != status { send("STATUS=\(status)") }
            sent = status
        }
    }

    /// Sends the keep-alive of the watchdog.
    func ping() { send("WATCHDOG=1", waits: false) }

    /// Sends that the watch is ending.
    func stopping() { send("STOPPING=1", waits: false) }

    /// Sends a message; an error is ignored, since the watch does not depend on the service manager.
    private func send(_ text: String, waits: Bool = true) {
        var to = sockaddr_un()
        to.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &to.sun_path) { $0.copyBytes(from: address) }
        let size = MemoryLayout.offset(of: \sockaddr_un.sun_path)! + address.count
        let bytes = Array(text.utf8)
        withUnsafePointer(to: &to) { to in
            to.withMemoryRebound(to: sockaddr.self, capacity: 1) { to in
                let flags = CInt(MSG_NOSIGNAL) | (waits ? 0 : CInt(MSG_DONTWAIT))
                while sendto(socket, bytes, bytes.count, flags, to, socklen_t(size)) < 0, errno == EINTR {}
            }
        }
    }
}

extension WatchStatistics {
    /// The state in a line for people.
    var text: String {
        if let state {
            return "\(state.verdict): \(state.votesText)" + (state.marginText.map { ", \($0)" } ?? "")
        }
        if isConnected {
            return "QUORUM UNKNOWN: votequorum " + (isUnsettled ? "does not finish recalculating" : "recalculates")
        }
        return waitingReason.map { "waiting for corosync: \($0)" } ?? "corosync is gone or does not answer"
    }
}
