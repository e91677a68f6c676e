// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// The resources of a process.
struct Footprint: Hashable {
    /// Private memory in KiB, without pages of files such as the program itself.
    let memory: Int
    let descriptors: Int

    init?(of process: Int32) {
        guard let usage = textOfFile("/proc/\(process)/smaps_rollup") else { return nil }
        memory = number(after: "Anonymous:", in: usage) ?? 0
        descriptors = namesInFolder("/proc/\(process)/fd").count
    }
}

extension Sandbox {
    /// How many connections corosync on a node has, not counting the one of this request.
    func connections(on node: Int) throws -> Int {
        let answer = try run(on: node, ["corosync-cmapctl", "-m", "stats", "stats.ipcs.global.active"])
        guard answer.status == 0, let count = answer.output.split(separator: " ").last.flatMap({ Int($0.dropLast()) })
        else { throw TestFailure("corosync-cmapctl: \(answer.output)\(answer.errors)") }
        return count - 1
    }

    /// The rings and the changes of quorum in the log of corosync on a node.
    func rings(of node: Int) throws -> CorosyncLog { CorosyncLog(try log(of: node)) }
}

/// A named pipe with a small buffer, so that a writer soon blocks.
final class NarrowPipe: Readable {
    let path: String
    let descriptor: Int32

    init(in folder: String) throws {
        path = "\(folder)/narrow-pipe"
        guard mkfifo(path, 0o600) == 0 else { throw TestFailure("no pipe at \(path)") }
        descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        // F_SETPIPE_SZ: the minimum is one page.
        guard descriptor >= 0, fcntl(descriptor, 1031, 4096) >= 0 else { throw TestFailure("no narrow pipe") }
    }

    deinit { close(descriptor) }

    /// Whether a writer has to wait. A page that is not full counts as full if the next line does not fit into it.
    var isFull: Bool {
        let writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        defer { close(writer) }
        var room = pollfd(fd: writer, events: Int16(POLLOUT), revents: 0)
        return writer >= 0 && poll(&room, 1, 0) == 0
    }
}
