// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// The program under test.
let vqwatch = Sandbox.builtProduct(named: "vqwatch")

/// The four values of `--dispatch`.
let dispatchModes = ["all", "one", "blocking", "one-nonblocking"]

/// Something that a test needs to go on and that did not happen.
struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What a process holds of the machine.
struct Footprint: Hashable {
    /// Memory of its own, in KiB. Pages of a file, such as the program itself, do not count.
    let memory: Int
    let descriptors: Int

    init?(of process: Int32) {
        guard let usage = textOfFile("/proc/\(process)/smaps_rollup") else { return nil }
        memory = number(after: "Anonymous:", in: usage) ?? 0
        descriptors = namesInFolder("/proc/\(process)/fd").count
    }
}

/// The number that follows a word at the start of a line.
func number(after word: String, in text: String) -> Int? {
    for line in text.split(separator: "\n") where line.hasPrefix(word) {
        return line.dropFirst(word.count).split { !$0.isNumber }.first.flatMap { Int($0) }
    }
    return nil
}

extension Sandbox {
    /// The shared memory segments of the connections to corosync on a node. What a killed daemon leaves of its own (its
    /// flight recorder) does not count, nor do the empty folders that libqb leaves after a daemon was killed.
    func segments(on node: Int) throws -> Int {
        try run(on: node, ["find", "/dev/shm", "-mindepth", "2", "-type", "f"]).lines.count
    }

    /// How many connections corosync on a node has, the one that asks not counted.
    func connections(on node: Int) throws -> Int {
        let answer = try run(on: node, ["corosync-cmapctl", "-m", "stats", "stats.ipcs.global.active"])
        guard answer.status == 0, let count = answer.output.split(separator: " ").last.flatMap({ Int($0.dropLast()) })
        else { throw TestFailure("corosync-cmapctl: \(answer.output)\(answer.errors)") }
        return count - 1
    }

    /// What corosync on a node wrote in its log about rings and quorum.
    func rings(of node: Int) throws -> CorosyncLog { CorosyncLog(try log(of: node)) }
}

/// A named pipe that holds very little, so that a writer soon waits for a reader.
final class NarrowPipe {
    let path: String
    private let descriptor: Int32

    init(in folder: String) throws {
        path = "\(folder)/narrow-pipe"
        guard mkfifo(path, 0o600) == 0 else { throw TestFailure("no pipe at \(path)") }
        descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        // F_SETPIPE_SZ: a page is the least.
        guard descriptor >= 0, fcntl(descriptor, 1031, 4096) >= 0 else { throw TestFailure("no narrow pipe") }
    }

    deinit { close(descriptor) }

    /// How many bytes wait to be read.
    var waiting: Int {
        var count: Int32 = 0
        _ = ioctl(descriptor, UInt(FIONREAD), &count)
        return Int(count)
    }

    /// Reads what is there, and what comes until nothing has come for a while or there is no writer left.
    func readAll(quietFor limit: Duration) -> String {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&polled, 1, Int32(limit / .milliseconds(1))) > 0 {
            let count = read(descriptor, &block, block.count)
            guard count > 0 else { break }
            bytes += block[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A folder that everybody may use, gone with this object.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/vqwatch-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure("no temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(path, 0o777)
    }

    deinit {
        for name in namesInFolder(path) {
            for inner in namesInFolder("\(path)/\(name)") { unlink("\(path)/\(name)/\(inner)") }
            if unlink("\(path)/\(name)") != 0 { rmdir("\(path)/\(name)") }
        }
        rmdir(path)
    }
}
