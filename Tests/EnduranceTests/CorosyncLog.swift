// SPDX-License-Identifier: MIT

import Glibc

/// The rings and the changes of quorum in the log of corosync on one node.
struct CorosyncLog {
    /// A ring that was formed.
    struct Ring {
        let id: String
        let time: Int64
        let members: Set<Int64>
        let joined: Set<Int64>
        let left: Set<Int64>
        /// When its synchronisation was completed, in microseconds since 1970; nil if it was not. Corosync notifies its
        /// clients during the synchronisation; if the next ring interrupts it, the notification may or may not have been
        /// sent.
        var completion: Int64?
    }

    /// Quorum gained or lost.
    struct QuorumChange {
        let isQuorate: Bool
        let time: Int64
        /// The index of the ring in which it happened.
        let ring: Int
    }

    /// One run of the daemon, from its start to its end.
    struct Run {
        /// The process ID, as the daemon sees it; 0 if it was killed before it wrote a line.
        var process = 0
        var rings: [Ring] = []
        var quorumChanges: [QuorumChange] = []
        /// When the sandbox told it to end, in microseconds since 1970; nil if it did not.
        var end: Int64?
        /// Whether it was stopped, not killed. The log of a killed daemon can lack its last lines.
        var exitedNormally = false
    }

    private(set) var runs: [Run] = []

    /// The run of the daemon with a process ID, as the daemon sees it.
    func run(of process: Int) -> Run? { runs.last { $0.process == process } }

    /// Reads a log.
    init(_ text: String) {
        var members: Set<Int64> = []
        for line in text.split(separator: "\n") {
            if line == "--- corosync starts ---" {
                runs.append(Run())
                continue
            }
            guard !runs.isEmpty else { continue }
            let run = runs.count - 1
            if runs[run].process == 0 { runs[run].process = Self.process(in: line) }
            func message(_ start: String) -> Substring? {
                line.firstRange(of: start).map { line[$0.upperBound...] }
            }
            if let text = message("[QUORUM] Sync members["), let colon = text.firstIndex(of: ":") {
                members = Self.numbers(text[text.index(after: colon)...])
            } else if let text = message("[QUORUM] Sync joined["), text.isEmpty {
                members = []
            } else if let text = message("[TOTEM ] A new membership ("), let end = text.firstIndex(of: ")") {
                func list(_ word: String) -> Set<Int64> {
                    text.firstRange(of: " \(word):").map { Self.numbers(text[$0.upperBound...]) } ?? []
                }
                runs[run].rings.append(
                    Ring(
                        id: String(text[..<end]), time: Self.time(of: line), members: members, joined: list("joined"),
                        left: list("left")))
            } else if message("[MAIN  ] Completed service synchronization") != nil {
                let last = runs[run].rings.count - 1
                if last >= 0 { runs[run].rings[last].completion = Self.time(of: line) }
            } else if message("[QUORUM] This node is within the ") != nil {
                runs[run].quorumChanges.append(
                    QuorumChange(
                        isQuorate: message("within the primary component") != nil, time: Self.time(of: line),
                        ring: runs[run].rings.count - 1))
            } else if let text = message("--- corosync is told to end at ") {
                runs[run].end = Int64(text.prefix { $0.isNumber })
            } else if message("Corosync Cluster Engine exiting normally") != nil {
                runs[run].exitedNormally = true
            } else if let text = message("[QUORUM] ") {
                // The continuation of a list of members that is too long for one line.
                members.formUnion(Self.continued(text))
            }
        }
    }

    /// The numbers at the start of a text.
    private static func numbers(_ text: some StringProtocol) -> Set<Int64> {
        Set(text.split(separator: " ").prefix { Int64($0) != nil }.compactMap { Int64($0) })
    }

    private static func continued(_ text: Substring) -> Set<Int64> {
        let words = text.split(separator: " ")
        return words.allSatisfy { Int64($0) != nil } ? Set(words.compactMap { Int64($0) }) : []
    }

    /// The number in the brackets of `Nov 23 16:37:52.657 [21] …`.
    private static func process(in line: Substring) -> Int {
        let words = line.split(separator: " ", maxSplits: 4)
        return words.count == 5 && words[3].hasPrefix("[") ? Int(words[3].dropFirst().dropLast()) ?? 0 : 0
    }

    /// `Nov 23 16:37:52.657`, local time, in microseconds since 1970.
    private static func time(of line: Substring) -> Int64 {
        let words = line.split(separator: " ", maxSplits: 3)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count > 2, let month = months.firstIndex(of: String(words[0])), let day = Int32(words[1]) else {
            return 0
        }
        let clock = words[2].split { $0 == ":" || $0 == "." }.compactMap { Int32($0) }
        guard clock.count == 4 else { return 0 }
        var now = Glibc.time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        // The log has no year, but is recent.
        if Int32(month) > parts.tm_mon { parts.tm_year -= 1 }
        (parts.tm_mon, parts.tm_mday) = (Int32(month), day)
        (parts.tm_hour, parts.tm_min, parts.tm_sec, parts.tm_isdst) = (clock[0], clock[1], clock[2], -1)
        return Int64(mktime(&parts)) * 1_000_000 + Int64(clock[3]) * 1000
    }
}

extension Substring {
    /// Whether it contains a text.
    func has(_ text: String) -> Bool { firstRange(of: text) != nil }

    /// The first occurrence of a text.
    func firstRange(of text: String) -> Range<Index>? {
        var start = startIndex
        while let found = self[start...].utf8.firstIndex(of: text.utf8.first!) {
            if self[found...].hasPrefix(text) { return found..<index(found, offsetBy: text.count) }
            start = index(after: found)
        }
        return nil
    }
}
