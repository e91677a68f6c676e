// SPDX-License-Identifier: MIT

internal import Glibc

/// The notification socket of a service manager (sd_notify(3)).
public final class NotifySocket {
    /// A socket that could not be made.
    public struct Failure: Error, CustomStringConvertible {
        /// What failed, and why.
        public let description: String
    }

    /// Its name, for `NOTIFY_SOCKET`.
    public let name: String
    private let descriptor: Int32

    /// Makes a socket.
    ///
    /// - Parameter name: A path, or an abstract name that begins with `@`.
    /// - Throws: ``Failure``.
    public init(_ name: String) throws(Failure) {
        self.name = name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = name.hasPrefix("@") ? [0] + name.utf8.dropFirst() : Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard status == 0 else { throw Failure(description: "bind \(name): \(String(cString: strerror(errno)))") }
    }

    deinit {
        close(descriptor)
        if name.hasPrefix("/") { unlink(name) }
    }

    /// The next message.
    ///
    /// - Parameter limit: How long to wait for it.
    /// - Returns: The message, or nil if none came in time.
    public func next(within limit: Duration = .seconds(10)) -> String? {
        guard isReadable(descriptor, until: .now + limit) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// The next message that meets a condition; earlier messages are skipped.
    ///
    /// - Parameter isWanted: The condition.
    /// - Returns: The message, or nil if none came within 20 s.
    public func next(where isWanted: (String) -> Bool) -> String? {
        let deadline = ContinuousClock.now + .seconds(20)
        while let message = next(within: max(.zero, deadline - .now)) {
            if isWanted(message) { return message }
        }
        return nil
    }
}
