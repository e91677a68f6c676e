// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// What one connection to corosync shares in `/dev/shm` of a node: three buffers, each of two files, in a folder that
/// libqb names `qb-SERVER-CLIENT-DESCRIPTOR-XXXXXX`, with the process IDs that the daemon sees.
struct SharedMemory: CustomStringConvertible {
    /// Why nobody is left who could have removed it.
    enum Excuse: String, CaseIterable {
        /// The daemon was killed after it had begun to make it and before it told the client: no client knows of it.
        case unanswered = "of a client that was not answered"
        /// The client closed the connection in good order, which leaves the files to the daemon, and that was killed before
        /// it noticed, or before it had removed them all.
        case unnoticed = "of a client that had left"
    }

    let folder: String
    let server: Int
    /// 0 for a process that the daemon cannot see: one that the test did not start with `isVisible`.
    let client: Int
    let service: String
    /// In the order in which libqb makes them.
    private(set) var files: [String] = []
    /// How many sides have each buffer open, as its header says: one that is made, two that is in use, none that the
    /// client has closed.
    private(set) var references: [Int] = []
    /// How many words of notifications wait for the client to take them.
    private(set) var waiting = 0

    /// In the order in which a daemon removes them.
    private static let removal = ["response", "event", "request"].flatMap { ["\($0)-data", "\($0)-header"] }
    private static let parts = ["request", "response", "event"].flatMap { ["\($0)-header", "\($0)-data"] }

    /// Whether all of it is there, and each buffer has this many references.
    func isWhole(references count: Int) -> Bool { files == Self.parts && references == [count, count, count] }

    /// Looks for an excuse for what a daemon that is no more left.
    ///
    /// - Parameters:
    ///   - log: The log of the node.
    ///   - isWatched: Whether the client is a watcher that outlives the daemon.
    /// - Returns: The excuse; nil when there is none.
    func excuse(_ log: CorosyncLog, isWatched: Bool) -> Excuse? {
        guard let life = log.life(of: server), !life.isEndedWell else { return nil }
        // A buffer counts its maker once it is made; the last one may not be.
        if files == Array(Self.parts.prefix(files.count)), references.dropLast().allSatisfy({ $0 == 1 }),
            references.last.map({ $0 <= 1 }) == true, !isWhole(references: 0)
        {
            return .unanswered
        }
        // Closed by the client, but for the one that the daemon may be about to remove.
        let isLeft =
            Set(files) == Set(Self.removal.suffix(files.count)) && references.allSatisfy { (0...1).contains($0) }
            && references.count { $0 == 1 } <= 1
        return !isWatched && isLeft ? .unnoticed : nil
    }

    var description: String { "\(folder): \(service), \(files.count) files, references \(references)" }
}

extension SharedMemory {
    /// Reads the lines of ``Sandbox/sharedMemory(on:)``: a path below `/dev/shm`, and of a header the count
    /// of references and where is written and read.
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
    /// What the connections of a node share, and have left. The empty folders that libqb leaves after a daemon was killed
    /// are not among it, nor is what such a daemon leaves of its own (its flight recorder).
    func sharedMemory(on node: Int) throws -> [SharedMemory] {
        // libqb's struct qb_ringbuffer_shared_s: where is written and read, the size, two paths, and the count.
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

/// The process ID of a process in the sandbox, as corosync there sees it; nil for one that it does not see.
func innerNumber(of process: Int32) -> Int? {
    let status = textOfFile("/proc/\(process)/status") ?? ""
    let numbers = status.split(separator: "\n").first { $0.hasPrefix("NSpid:") }?.split(separator: "\t") ?? []
    return numbers.count > 2 ? Int(numbers[2]) : nil
}
