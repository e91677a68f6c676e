// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

extension ConfigurationFile {
    /// The largest file that is read.
    private static let largest = 1 << 20

    /// The path of the file that corosync reads (corosync(8)).
    static var path: String {
        getenv("COROSYNC_MAIN_CONFIG_FILE").map { String(cString: $0) } ?? "/etc/corosync/corosync.conf"
    }

    /// When the file that corosync reads was changed last, in nanoseconds, and which file it is; nil if there is none.
    static var version: [Int]? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        return [Int(information.st_ino), information.st_mtim.tv_sec, information.st_mtim.tv_nsec]
    }

    /// The settings of a file; nil if it cannot be read, is no regular file, or is too large.
    init?(readingFrom path: String = Self.path) {
        // Opening a FIFO would block otherwise.
        let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard isRegularFile(file) else { return nil }
        var bytes: [UInt8] = []
        while true {
            var count = 0
            let part = [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, size in
                repeat { count = read(file, buffer.baseAddress, buffer.count) } while count < 0 && errno == EINTR
                size = max(0, count)
            }
            guard count >= 0, bytes.count + count <= Self.largest else { return nil }
            guard count > 0 else { break }
            bytes += part
        }
        self.init(parsing: bytes)
    }
}
