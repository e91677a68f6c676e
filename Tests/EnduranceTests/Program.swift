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

/// What a watcher writes into and a test reads when it likes.
protocol Readable {
    var descriptor: Int32 { get }
}

extension Readable {
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

/// A named pipe that holds very little, so that a writer soon waits for a reader.
final class NarrowPipe: Readable {
    let path: String
    let descriptor: Int32

    init(in folder: String) throws {
        path = "\(folder)/narrow-pipe"
        guard mkfifo(path, 0o600) == 0 else { throw TestFailure("no pipe at \(path)") }
        descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        // F_SETPIPE_SZ: a page is the least.
        guard descriptor >= 0, fcntl(descriptor, 1031, 4096) >= 0 else { throw TestFailure("no narrow pipe") }
    }

    deinit { close(descriptor) }
}

/// A terminal (pty(7)), and the person before it.
final class Terminal: Readable {
    /// The person's side.
    let descriptor: Int32
    /// The side of the programs.
    let line: Int32

    init() throws {
        descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var locked: Int32 = 0
        // TIOCSPTLCK and TIOCGPTPEER: unlockpt(3), and the other side.
        let isUnlocked = ioctl(descriptor, 0x4004_5431, &locked) == 0
        line = isUnlocked ? ioctl(descriptor, 0x5441, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1
        guard line >= 0 else { throw TestFailure("no terminal") }
    }

    deinit {
        close(line)
        close(descriptor)
    }

    /// Presses Ctrl-S: what is written waits from now on.
    func pause() { press(0x13) }

    /// Presses Ctrl-Q.
    func goOn() { press(0x11) }

    private func press(_ key: UInt8) {
        var key = key
        _ = write(descriptor, &key, 1)
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
