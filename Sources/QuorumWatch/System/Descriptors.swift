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

/// A descriptor to wait for, by the name under which its readiness is looked up.
struct Polled<Name> {
    let name: Name
    let descriptor: CInt
    /// The events of poll(2), without those that are always reported: an error, and a hang-up.
    let events: CInt

    init(_ name: Name, _ descriptor: CInt, events: CInt = POLLIN) {
        self.name = name
        self.descriptor = descriptor
        self.events = events
    }
}

/// Waits for one or more descriptors (poll(2)), or until a deadline. Returns the names of those that are ready. A signal
/// does not end the wait, and a negative descriptor is ignored.
func wait<Name>(for descriptors: [Polled<Name>], until deadline: Instant? = nil) -> [Name] {
    var polled = descriptors.map { pollfd(fd: $0.descriptor, events: Int16($0.events), revents: 0) }
    while true {
        let count = poll(&polled, nfds_t(polled.count), deadline?.pollTimeout ?? -1)
        if count > 0 {
            return descriptors.indices.filter { polled[$0].revents != 0 }.map { descriptors[$0].name }
        }
        if count == 0, let deadline, deadline <= .now { return [] }
    }
}

extension Instant {
    /// The remaining milliseconds, rounded up.
    fileprivate var pollTimeout: CInt { CInt(clamping: (since(.now).nanoseconds + 999_999) / 1_000_000) }
}

func isOpen(_ descriptor: CInt) -> Bool { fcntl(descriptor, F_GETFD) != -1 }

/// Whether so many more descriptors can be opened.
func areFreeDescriptors(_ count: Int) -> Bool {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return true }
    return (0..<CInt(clamping: limit.rlim_cur)).lazy.filter { !isOpen($0) }.prefix(count).count == count
}

/// Whether a line can be written to a descriptor without blocking.
func canWriteNow(to descriptor: CInt) -> Bool {
    !wait(for: [.init((), descriptor, events: POLLOUT)], until: .now).isEmpty
}

/// Writes all bytes, with a single write(2) unless the system accepts only a part. Returns the error number, or 0.
package func writeAll(_ bytes: some Collection<UInt8>, to descriptor: CInt) -> CInt {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if written >= 0 {
            rest = rest.dropFirst(written)
        } else if errno == EAGAIN {
            _ = wait(for: [.init((), descriptor, events: POLLOUT)])
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

/// Whether a descriptor is a regular file, on which reads and writes do not depend on another process.
func isRegularFile(_ descriptor: CInt) -> Bool {
    var information = stat()
    return fstat(descriptor, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
}
