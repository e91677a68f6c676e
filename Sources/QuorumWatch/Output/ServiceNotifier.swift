// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// Tells the service manager how the watch goes (sd_notify(3)), when there is one that wants to know.
struct ServiceNotifier: Sendable {
    private let socket: CInt
    private let address: [UInt8]
    /// How often the service manager wants to hear that all is well: half of what it waits for.
    let watchdogInterval: Duration?

    /// Nil when no service manager has said where it listens; it is asked to be told of by `NOTIFY_SOCKET`, and
    /// of the watchdog by `WATCHDOG_USEC` and `WATCHDOG_PID`.
    init?() {
        guard let path = getenv("NOTIFY_SOCKET").map({ Array(String(cString: $0).utf8) }), path.count > 1,
            path[0] == UInt8(ascii: "/") || path[0] == UInt8(ascii: "@")
        else { return nil }
        // An abstract socket's name begins with a NUL, and its length counts.
        address = path[0] == UInt8(ascii: "@") ? [0] + path.dropFirst() : path
        guard address.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
        socket = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        func number(_ name: String) -> Int64? { getenv(name).flatMap { Int64(String(cString: $0)) } }
        let isOurs = getenv("WATCHDOG_PID") == nil || number("WATCHDOG_PID") == Int64(getpid())
        watchdogInterval = number("WATCHDOG_USEC").flatMap { isOurs && $0 > 0 ? .microseconds($0 / 2) : nil }
    }

    /// Tells the state of the watch with every change of it, and with the first that the service is ready, until the
    /// end is said.
    func run(_ survey: Latest<Survey>) {
        var seen = 0
        var told: String?
        while case .value(let latest) = survey.next(after: &seen) {
            let status = latest.text
            if told == nil { send("READY=1\nSTATUS=\(status)") } else if told != status { send("STATUS=\(status)") }
            told = status
        }
    }

    /// Tells that the watch goes on.
    func ping() { send("WATCHDOG=1", waits: false) }

    /// Tells that the watch ends.
    func stopping() { send("STOPPING=1", waits: false) }

    /// Sends, or forgets it: a service manager that does not listen is no reason to stop watching.
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

extension Survey {
    /// The state in a line for people.
    var text: String {
        if let state {
            return "\(state.verdict): \(state.votesText)" + (state.marginText.map { ", \($0)" } ?? "")
        }
        return waitsBecause.map { "waiting for corosync: \($0)" } ?? "corosync is gone or does not answer"
    }
}
