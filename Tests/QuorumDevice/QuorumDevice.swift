// SPDX-License-Identifier: MIT

import Corosync
import Glibc

struct QuorumDevice: ~Copyable {
    private let quorum: VoteQuorum
    private let name: String
    private let interval: CInt
    private var ring = RingID(node: 0, sequence: 0)
    private var isPolling = false
    private var castsVote = true

    init(name: String, interval: CInt) throws(CorosyncError) {
        self.name = name
        self.interval = interval
        quorum = try persist { () throws(CorosyncError) in try VoteQuorum() }
    }

    /// Registers, and obeys until the last command.
    consuming func run() throws(CorosyncError) {
        try persist { () throws(CorosyncError) in try quorum.startTracking(.changes) }
        try dispatch()
        answer("register")
        var commands = Commands()
        var sources = [STDIN_FILENO, quorum.fileDescriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            let ready = poll(&sources, 2, isPolling ? interval : -1)
            guard ready >= 0 else { continue }
            if sources[1].revents != 0 { try dispatch() }
            if sources[0].revents != 0 {
                guard commands.read() else { return }
                while let command = commands.next() {
                    if command == "exit" { return say("ok") }
                    answer(command)
                }
            } else if isPolling {
                do {
                    try report()
                } catch  where error.code == .messageError {
                    // The ring is changing: the next poll is for the new one.
                }
            }
        }
    }

    private mutating func answer(_ command: String) {
        do {
            say(try obey(command) ? "ok" : "unknown command")
        } catch {
            say("\(error.code)")
        }
    }

    /// Returns false for a command that there is not.
    private mutating func obey(_ command: String) throws(CorosyncError) -> Bool {
        switch command {
        case "vote", "novote", "poll":
            if command != "poll" { castsVote = command == "vote" }
            isPolling = false
            try report()
            isPolling = true
        case "silent": isPolling = false
        case "register": try persist { () throws(CorosyncError) in try quorum.registerQuorumDevice(name) }
        case "unregister":
            isPolling = false
            try persist { () throws(CorosyncError) in try quorum.unregisterQuorumDevice(name) }
        case "master-wins 0", "master-wins 1":
            try persist { () throws(CorosyncError) in
                try quorum.setMasterWins(command.hasSuffix("1"), quorumDevice: name)
            }
        default: return false
        }
        return true
    }

    /// Polls. Votequorum takes a poll only for the ring it is in: after a change the new ring's ID may still be on its
    /// way.
    private mutating func report() throws(CorosyncError) {
        var tries = 0
        while true {
            try dispatch()
            do {
                return try persist { () throws(CorosyncError) in
                    try quorum.pollQuorumDevice(name, castsVote: castsVote, in: ring)
                }
            } catch  where error.code == .messageError && tries < 100 {
                tries += 1
                usleep(10_000)
            }
        }
    }

    private mutating func dispatch() throws(CorosyncError) {
        var present = ring
        try quorum.dispatch(.all) { if case .nodelist(let ring, _) = $0 { present = ring } }
        ring = present
    }
}

/// Makes a request again while the cluster synchronises, which is when corosync refuses it.
private func persist<Answer: ~Copyable>(
    _ request: () throws(CorosyncError) -> Answer
) throws(CorosyncError) -> Answer {
    var tries = 0
    while true {
        do {
            return try request()
        } catch  where error.code == .tryAgain && tries < 500 {
            tries += 1
            usleep(10_000)
        }
    }
}

/// Lines of standard input, read without stdio, whose buffer poll(2) knows nothing of.
private struct Commands {
    private var bytes: [UInt8] = []

    /// Reads what there is; false at the end.
    mutating func read() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
        guard count > 0 else { return false }
        bytes += buffer[..<count]
        return true
    }

    /// The next whole line.
    mutating func next() -> String? {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { bytes.removeSubrange(...end) }
        return String(decoding: bytes[..<end], as: UTF8.self)
    }
}

private func say(_ line: String) {
    print(line)
    fflush(nil)
}
