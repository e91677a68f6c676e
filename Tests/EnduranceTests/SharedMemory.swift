// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// The shared memory of one connection to corosync in `/dev/shm` of a node: three buffers of two files each, in a
/// folder that libqb names `qb-SERVER-CLIENT-DESCRIPTOR-XXXXXX`, with the process IDs as the daemon sees them.
struct SharedMemory: CustomStringConvertible {
    /// An acceptable reason for files that were left behind: no process could have removed them.
    enum Excuse: String, CaseIterable {
        /// The daemon was killed while it created them, before it answered the client: no client knows of them.
        case unanswered = "of a client that was not answered"
        /// The client closed the connection properly, which leaves the files to the daemon, and the daemon was killed
        /// before it noticed, or before it had removed all of them.
        case unnoticed = "of a client that had left"
    }

    let folder: String
    let server: Int
    /// 0 for a process that the daemon cannot see, because the test started it without `isVisible`.
    let client: Int
    let service: String
    /// In the order in which libqb creates them.
    private(set) var files: [String] = []
    /// The reference count in the header of each buffer: 1 when it has been created, 2 when it is in use, 0 when the
    /// client has closed it.
    private(set) var references: [Int] = []
    /// How many words of notifications the client has not dispatched yet.
    private(set) var waiting = 0

    /// In the order in which the daemon removes them.
    private static let removal = ["response", "event", "request"].flatMap { ["\($0)-data", "\($0)-header"] }
    private static let parts = ["request", "response", "event"].flatMap { ["\($0)-header", "\($0)-data"] }

    /// Whether all files exist, and each buffer has this reference count.
    func isWhole(references count: Int) -> Bool { files == Self.parts && references == [count, count, count] }

    /// Why the files are left although their daemon has ended.
    ///
    /// - Parameters:
    ///   - log: The log of the node.
    ///   - isWatched: Whether the client is a watcher that outlived the daemon.
    ///   - wasEnded: Whether the client is a watcher that was ended by a signal. It does not wait for a daemon that does not
    ///     answer, and so may leave its connection open.
    /// - Returns: The excuse; nil if there is none.
    func excuse(_ log: CorosyncLog, isWatched: Bool, wasEnded: Bool = false) -> Excuse? {
        guard let run = log.run(of: server), !run.exitedNormally else { return nil }
        // The count is 1 as soon as a buffer is complete; the last buffer may be incomplete.
        if files == Array(Self.parts.prefix(files.count)), references.dropLast().allSatisfy({ $0 == 1 }),
            references.last.map({ $0 <= 1 }) == true, !isWhole(references: 0)
        {
            return .unanswered
        }
        // Closed by the client, except for the buffer that the daemon may be removing.
        let isLeft =
            Set(files) == Set(Self.removal.suffix(files.count)) && references.allSatisfy { (0...1).contains($0) }
            && references.count { $0 == 1 } <= 1
        return wasEnded || !isWatched && isLeft ? .unnoticed : nil
    }

    var description: String { "\(folder): \(service), \(files.count) files, references \(references)" }
}

extension SharedMemory {
    /// Parses the lines of ``Sandbox/sharedMemory(on:)``: a path below `/dev/shm`, and for a header the reference
    /// count and the positions of writing and reading.
    static func read(_ lines: [String]) -> [SharedMemory] {
        var found: [String: SharedMemory] = [:]
        for line in lines {
            let words = line.split(separator: " ")
            let path = words[0].split(separator: "/")
            let (folder, name) = (path[0].split(separator: "-"), path[1].split(separator: "-"))
            guard folder.count == 5, name.count == 4, let server = Int(folder[1]), let client = Int(folder[2]) else {
                found[String(path[0])] = SharedMemory(folder: "\(path[0])", server: -1, client: -1, service: "unknown")
                continue
            }
            var shared =
                found[String(path[0])]
                ?? SharedMemory(folder: String(path[0]), server: server, client: client, service: String(name[2]))
            shared.files.append("\(name[1])-\(name[3])")
            if name[3] == "header" {
                let numbers = words.dropFirst().map { Int($0) ?? -1 }
                shared.references.append(numbers.first ?? -1)
                if name[1] == "event", numbers.count == 3 { shared.waiting = numbers[1] - numbers[2] }
            }
            found[shared.folder] = shared
        }
        return found.values.sorted { $0.folder < $1.folder }
    }
}

extension Sandbox {
    /// The shared memory of the connections on a node, present and left behind; without the empty folders that libqb
    /// leaves after a daemon was killed, and without the daemon's own flight recorder.
    func sharedMemory(on node: Int) throws -> [SharedMemory] {
        // libqb's struct qb_ringbuffer_shared_s: the positions of writing and reading, the size, two paths, and the
        // count.
        let command = """
            cd /dev/shm
            for folder in qb-*/; do
                for part in request response event; do
                    for file in "$folder"qb-$part-*-header; do
                        [ -e "$file" ] &&
                            echo "$file" $(od -An -td4 -j 8204 -N 4 "$file") $(od -An -tu4 -N 8 "$file")
                    done
                    for file in "$folder"qb-$part-*-data; do
                        [ -e "$file" ] && echo "$file"
                    done
                done
            done
            """
        return SharedMemory.read(try run(on: node, ["sh", "-c", command]).lines)
    }
}

/// The process ID of a process in the sandbox, as corosync sees it there; nil if corosync cannot see it.
func innerNumber(of process: Int32) -> Int? {
    let status = textOfFile("/proc/\(process)/status") ?? ""
    let numbers = status.split(separator: "\n").first { $0.hasPrefix("NSpid:") }?.split(separator: "\t") ?? []
    return numbers.count > 2 ? Int(numbers[2]) : nil
}
