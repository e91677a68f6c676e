// SPDX-License-Identifier: MIT

internal import Glibc

/// The reading end of a pipe, and the bytes that were read from it.
struct LineSource {
    private var descriptor: Int32?
    private var bytes: [UInt8] = []
    /// The bytes before this have been taken.
    private var start = 0
    /// There is no newline between `start` and this.
    private var searched = 0

    /// - Parameter descriptor: The descriptor, which this value owns from now on; `nil` for a source that has ended.
    init(_ descriptor: Int32?) {
        self.descriptor = descriptor
        if let descriptor { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    }

    var isClosed: Bool { descriptor == nil }
    var isAtEnd: Bool { isClosed && start == bytes.count }
    var text: String { String(decoding: bytes[start...], as: UTF8.self) }

    mutating func close() {
        if let descriptor { Glibc.close(descriptor) }
        descriptor = nil
    }

    mutating func takeLine() -> String? {
        let newline = bytes[searched...].firstIndex(of: UInt8(ascii: "\n"))
        guard newline != nil || (isClosed && start < bytes.count) else {
            searched = bytes.count
            return nil
        }
        let end = newline ?? bytes.count
        let line = String(decoding: bytes[start..<end], as: UTF8.self)
        start = newline.map { $0 + 1 } ?? end
        searched = start
        if start > 1 << 16 {
            bytes.removeFirst(start)
            (start, searched) = (0, 0)
        }
        return line
    }

    mutating func takeAll() -> [UInt8] {
        let rest = Array(bytes[start...])
        bytes = []
        (start, searched) = (0, 0)
        return rest
    }

    /// Reads what is available, without waiting.
    mutating func pullAvailable() {
        guard let descriptor else { return }
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { buffer in
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count > 0 {
                    bytes.append(contentsOf: buffer[..<count])
                } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                    return close()
                } else if errno == EAGAIN {
                    return
                }
            }
        }
    }

    /// Waits once until this source, the other source or the event is readable, and reads what is available.
    ///
    /// - Returns: Whether the event is readable.
    mutating func pull(
        and other: inout LineSource, until deadline: ContinuousClock.Instant, or event: Int32?
    ) -> Bool {
        var waiting = [descriptor, other.descriptor, event].map {
            pollfd(fd: $0 ?? -1, events: Int16(POLLIN), revents: 0)
        }
        _ = poll(&waiting, nfds_t(waiting.count), milliseconds(until: deadline))
        // The event was polled before the sources are read, so that everything written before the end is read too.
        pullAvailable()
        other.pullAvailable()
        return waiting[2].revents != 0
    }
}

/// Waits until a descriptor is readable or has been hung up.
func isReadable(_ descriptor: Int32, until deadline: ContinuousClock.Instant) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waiting, 1, milliseconds(until: deadline)) > 0
}

private func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
    let left = (deadline - .now) / Duration.milliseconds(1)
    return Int32(min(max(left.rounded(.up), 0), 1e9))
}

/// Writes everything to a descriptor.
///
/// - Returns: Whether all of it was written. A pipe without a reader does not raise SIGPIPE.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var pipe = sigset_t()
    var before = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipe, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    return bytes.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE {
                var none = timespec()
                _ = sigtimedwait(&pipe, nil, &none)
                return false
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
