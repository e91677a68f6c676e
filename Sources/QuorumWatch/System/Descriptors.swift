// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// A flag with a descriptor that is readable while it is raised (eventfd(2)).
struct Flag: Sendable {
    let descriptor: CInt

    /// A flag that is not raised. Throws when no descriptor is available.
    init() throws(SystemError) {
        descriptor = try SystemError.check("eventfd", eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK)))
    }

    func raise() { eventfd_write(descriptor, 1) }

    func lower() {
        var value: eventfd_t = 0
        eventfd_read(descriptor, &value)
    }
}

/// Waits for one or more descriptors (poll(2)), or until a deadline. A signal does not end the wait.
///
/// Returns the events of each descriptor, in order; all are zero after the deadline. A negative descriptor is ignored.
func wait(for descriptors: [(descriptor: CInt, events: CInt)], until deadline: Instant? = nil) -> [CInt] {
    var polled = descriptors.map { pollfd(fd: $0.descriptor, events: Int16($0.events), revents: 0) }
    while true {
        let ready = poll(&polled, nfds_t(polled.count), deadline?.pollTimeout ?? -1)
        if ready > 0 { return polled.map { CInt($0.revents) } }
        if ready == 0, let deadline, deadline <= .now { return polled.map { _ in 0 } }
    }
}

extension Instant {
    /// The remaining milliseconds, rounded up.
    fileprivate var pollTimeout: CInt { CInt(clamping: (since(.now).nanoseconds + 999_999) / 1_000_000) }
}

/// Whether a descriptor is open.
func isOpen(_ descriptor: CInt) -> Bool { fcntl(descriptor, F_GETFD) != -1 }

/// Whether so many more descriptors can be opened.
func areFreeDescriptors(_ count: Int) -> Bool {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return true }
    return (0..<CInt(clamping: limit.rlim_cur)).lazy.filter { !isOpen($0) }.prefix(count).count == count
}

/// Whether a line can be written to a descriptor without blocking.
func canWriteNow(to descriptor: CInt) -> Bool { wait(for: [(descriptor, POLLOUT)], until: .now)[0] & POLLOUT != 0 }

/// Whether a descriptor is a regular file, on which writes do not depend on a reader.
func isRegularFile(_ descriptor: CInt) -> Bool {
    var information = stat()
    return fstat(descriptor, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
}

/// Whether a descriptor is a pipe or /dev/null, which ``writeAtOnce(_:to:)`` supports.
func isPipeOrNull(_ descriptor: CInt) -> Bool {
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { return false }
    switch information.st_mode & S_IFMT {
    case S_IFIFO: return true
    // The device numbers of /dev/null (null(4)).
    case S_IFCHR: return information.st_rdev == 1 << 8 | 3
    default: return false
    }
}

/// Writes all bytes to a pipe or /dev/null if that does not block, otherwise none. Returns whether it wrote them.
///
/// Since version 6.4, Linux supports `RWF_NOWAIT` of pwritev2(2) for pipes: the write does not block even if another
/// process fills the pipe meanwhile. A write of up to `PIPE_BUF` bytes is atomic.
func writeAtOnce(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
    guard bytes.count <= PIPE_BUF else { return false }
    return bytes.withUnsafeBytes { bytes in
        var part = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        return vqwatch_write_nowait(descriptor, &part) == bytes.count
    }
}

/// Writes all bytes, with a single write(2) unless the system accepts only a part. Returns the error number, or 0.
func writeAll(_ bytes: some Collection<UInt8>, to descriptor: CInt) -> CInt {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if written >= 0 {
            rest = rest.dropFirst(written)
        } else if errno == EAGAIN {
            _ = wait(for: [(descriptor, POLLOUT)])
        } else if errno != EINTR {
            return errno
        }
    }
    return 0
}

/// Opens /dev/null for the standard descriptors that are closed, so that no connection to corosync gets their numbers.
/// Returns whether standard output was open.
package func openMissingStandardDescriptors() -> Bool {
    let isOutputOpen = isOpen(STDOUT_FILENO)
    while case let descriptor = open("/dev/null", O_RDWR), descriptor >= 0 {
        if descriptor > STDERR_FILENO {
            close(descriptor)
            break
        }
    }
    return isOutputOpen
}
