// SPDX-License-Identifier: MIT

import Glibc

/// What corosync on one node wrote in its log about rings and quorum.
struct CorosyncLog {
    /// A ring that was formed.
    struct Ring {
        let id: String
        let time: Int64
        let members: Set<Int64>
        let joined: Set<Int64>
        let left: Set<Int64>
        /// Whether its synchronisation came to an end. Corosync tells its clients of a ring in the course of that: one
        /// that the next ring interrupts may be told or not.
        var isComplete = false
    }

    /// Quorum gained or lost.
    struct Turn {
        let isQuorate: Bool
        let time: Int64
        /// The position of the ring in which it happened.
        let ring: Int
    }

    /// One life of the daemon.
    struct Life {
        /// The process ID, as the daemon sees it; 0 when it had no time to write a line.
        var process = 0
        var rings: [Ring] = []
        var turns: [Turn] = []
        /// Whether it ended in good order. The log of a daemon that is killed can lack its last lines.
        var isEndedWell = false
    }

    private(set) var lives: [Life] = []

    /// The life of the daemon with a process ID, as the daemon sees it.
    func life(of process: Int) -> Life? { lives.last { $0.process == process } }

    /// Reads a log.
    init(_ text: String) {
        var members: Set<Int64> = []
        for line in text.split(separator: "\n") {
            if line == "--- corosync starts ---" {
                lives.append(Life())
                continue
            }
            guard !lives.isEmpty else { continue }
            let life = lives.count - 1
            if lives[life].process == 0 { lives[life].process = Self.process(in: line) }
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
                lives[life].rings.append(
                    Ring(
                        id: String(text[..<end]), time: Self.time(of: line), members: members, joined: list("joined"),
                        left: list("left")))
            } else if message("[MAIN  ] Completed service synchronization") != nil {
                let last = lives[life].rings.count - 1
                if last >= 0 { lives[life].rings[last].isComplete = true }
            } else if message("[QUORUM] This node is within the ") != nil {
                lives[life].turns.append(
                    Turn(
                        isQuorate: message("within the primary component") != nil, time: Self.time(of: line),
                        ring: lives[life].rings.count - 1))
            } else if message("Corosync Cluster Engine exiting normally") != nil {
                lives[life].isEndedWell = true
            } else if let text = message("[QUORUM] ") {
                // The rest of a list of members that is too long for one line.
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
        // The log has no year: it was written a moment ago.
        if Int32(month) > parts.tm_mon { parts.tm_year -= 1 }
        (parts.tm_mon, parts.tm_mday) = (Int32(month), day)
        (parts.tm_hour, parts.tm_min, parts.tm_sec, parts.tm_isdst) = (clock[0], clock[1], clock[2], -1)
        return Int64(mktime(&parts)) * 1_000_000 + Int64(clock[3]) * 1000
    }
}

extension Substring {
    /// Whether a text is in it.
    func has(_ text: String) -> Bool { firstRange(of: text) != nil }

    /// Where a text is first found.
    func firstRange(of text: String) -> Range<Index>? {
        var start = startIndex
        while let found = self[start...].utf8.firstIndex(of: text.utf8.first!) {
            if self[found...].hasPrefix(text) { return found..<index(found, offsetBy: text.count) }
            start = index(after: found)
        }
        return nil
    }
}
