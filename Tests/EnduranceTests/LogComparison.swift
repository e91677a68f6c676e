// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// Holds the lines of one watcher against the log of corosync on its node.
///
/// The rule: from the status that begins a connection to its end, the watcher tells the rings and the turns of quorum of
/// one life of the daemon, all of them, no others, in their order. What it leaves room for is corosync's own:
///
/// - A ring whose synchronisation the next ring interrupts may be told or not.
/// - Who connects during the synchronisation of a ring is given that ring, and given it again when it is told to all.
/// - What came within ``slack`` before the end of a connection may be missing: the library looks for the hang-up before
///   it looks for notifications, the daemon that shuts down closes its connections before it leaves the ring, and a
///   request that it leaves unanswered takes the library 2 s to give up, with the notification that asked for it.
/// - A daemon that is killed can die before its last lines are in the log.
struct LogComparison {
    /// How long before the end of a connection the last of what happened may be missing.
    static let slack: Int64 = 3_000_000
    /// How soon after the first ring of a daemon a watcher has connected: its longest pause, a freeze, a busy machine.
    static let patience: Int64 = 20_000_000

    /// What is wrong.
    private(set) var problems: [String] = []
    /// How many lines were held against the log.
    private(set) var compared = 0
    /// How many rings and turns of quorum of the log were looked for.
    private(set) var expected = 0

    private let log: CorosyncLog

    /// Compares everything.
    ///
    /// - Parameters:
    ///   - lines: What the watcher printed.
    ///   - log: The log of its node.
    ///   - end: When the watcher was told to end, in microseconds since 1970.
    init(_ lines: [EventLine], with log: CorosyncLog, end: Int64) {
        self.log = log
        var replay = StateReplay()
        for line in lines {
            if let problem = replay.problem(with: line.json) { note(problem, line) }
        }
        var connections: [[EventLine]] = []
        for line in lines {
            if line.event == "status" {
                connections.append([line])
            } else if connections.isEmpty {
                note("the first line is no status", line)
            } else {
                connections[connections.count - 1].append(line)
            }
        }
        var lives: Set<Int> = []
        var previous = -1
        for connection in connections {
            let isLost = connection.last?.event == "disconnected"
            let ended = isLost ? connection.last!.time : end
            guard let life = compare(connection, until: ended) else { continue }
            if life < previous { note("a life of the daemon that was over", connection[0]) }
            previous = life
            lives.insert(life)
        }
        for (index, life) in log.lives.enumerated() where !lives.contains(index) {
            guard let first = life.rings.first?.time else { continue }
            let last = index + 1 < log.lives.count ? (life.rings.last?.time ?? first) : end
            if last - first > Self.patience { problems.append("life \(index) of the daemon was never watched") }
        }
    }

    private mutating func note(_ problem: String, _ line: EventLine) {
        problems.append("\(problem): \(line.text)")
    }

    /// Compares one connection; returns the life of the daemon that it belongs to.
    private mutating func compare(_ lines: [EventLine], until end: Int64) -> Int? {
        let status = lines[0]
        let ring = status.json["ring_id"].string
        guard let life = log.lives.firstIndex(where: { $0.rings.contains { $0.id == ring } }),
            let start = log.lives[life].rings.firstIndex(where: { $0.id == ring })
        else {
            note("no such ring in the log", status)
            return nil
        }
        compared += 1
        if status.time - log.lives[life].rings[0].time > Self.patience, life > 0 { note("too late", status) }
        compareRings(lines, with: log.lives[life], from: start, until: end)
        compareTurns(lines, with: log.lives[life], from: start, until: end)
        return life
    }

    private mutating func compareRings(
        _ lines: [EventLine], with life: CorosyncLog.Life, from start: Int, until end: Int64
    ) {
        var next = start + 1
        var members = life.rings[start].members
        var waitsForQuorum: (line: EventLine, ring: CorosyncLog.Ring)?
        for line in lines.dropFirst() {
            if line.event == "quorum" || line.event == "disconnected" { waitsForQuorum = nil }
            guard line.event == "nodelist" else { continue }
            compared += 1
            if let (line, ring) = waitsForQuorum, ring.isComplete { note("no quorum line follows", line) }
            let id = line.json["ring_id"].string
            if next == start + 1, id == life.rings[start].id {
                if line.json["joined"] != [] || line.json["left"] != [] { note("nobody joined or left", line) }
                continue
            }
            guard let found = life.rings[min(next, life.rings.count)...].firstIndex(where: { $0.id == id }) else {
                if life.isEndedWell || line.time < end - Self.slack { note("a ring that is not in the log", line) }
                continue
            }
            for ring in life.rings[next..<found] where ring.isComplete {
                problems.append("ring \(ring.id) is missing before \(line.text)")
            }
            let ring = life.rings[found]
            expected += found + 1 - next
            func ids(_ key: String) -> Set<Int64> { Set(line.json[key].elements.compactMap { $0["id"].number }) }
            let isNext = found == next
            if ids("members") != ring.members { note("other members than \(ring.members.sorted())", line) }
            // What a frozen node missed made it leave and join at once, and no difference.
            let joined = isNext ? ring.joined.subtracting(ring.left) : ring.members.subtracting(members)
            let left = isNext ? ring.left.subtracting(ring.joined) : members.subtracting(ring.members)
            if ids("joined") != joined { note("joined were \(joined.sorted())", line) }
            if ids("left") != left { note("left have \(left.sorted())", line) }
            (members, next, waitsForQuorum) = (ring.members, found + 1, (line, ring))
        }
        for ring in life.rings[next...] where ring.isComplete && ring.time < end - Self.slack {
            problems.append("ring \(ring.id) is missing after \(lines.last!.text)")
        }
    }

    private mutating func compareTurns(
        _ lines: [EventLine], with life: CorosyncLog.Life, from start: Int, until end: Int64
    ) {
        var turns: [(isQuorate: Bool, line: EventLine)] = []
        guard var isQuorate = lines[0].isQuorate else { return note("it is not known whether quorate", lines[0]) }
        let first = isQuorate
        for line in lines.dropFirst() {
            // Whatever line is the first to tell: expected votes can be what turns it, and their notification comes first.
            guard let now = line.isQuorate, now != isQuorate else { continue }
            turns.append((now, line))
            isQuorate = now
        }
        compared += turns.count
        // A watcher that connects in the middle of a change can come before or after its turn.
        let before = life.turns.prefix { $0.ring < start }.count
        let after = life.turns.prefix { $0.ring <= start }.count
        var reasons: [String] = []
        for seen in before...after {
            guard (seen > 0 && life.turns[seen - 1].isQuorate) == first else { continue }
            guard let reason = difference(turns, life.turns[seen...], life, end) else {
                expected += life.turns.count - seen
                return
            }
            reasons.append(reason)
        }
        problems.append(reasons.first ?? "quorate should not be \(first): \(lines[0].text)")
    }

    private func difference(
        _ told: [(isQuorate: Bool, line: EventLine)], _ turns: ArraySlice<CorosyncLog.Turn>, _ life: CorosyncLog.Life,
        _ end: Int64
    ) -> String? {
        for (told, turn) in zip(told, turns) {
            let ring = turn.ring < 0 ? "" : life.rings[turn.ring].id
            if told.isQuorate != turn.isQuorate || told.line.json["ring_id"].string != ring {
                return "the log has quorate \(turn.isQuorate) in \(ring): \(told.line.text)"
            }
        }
        if told.count > turns.count, life.isEndedWell || told[turns.count].line.time < end - Self.slack {
            return "quorum did not turn: \(told[turns.count].line.text)"
        }
        if let missing = turns.dropFirst(told.count).first, missing.time < end - Self.slack {
            return "quorate \(missing.isQuorate) in \(life.rings[max(0, missing.ring)].id) is missing"
        }
        return nil
    }
}

extension EventLine {
    /// When it happened, in microseconds since 1970.
    var time: Int64 {
        let numbers = (json["time"].string ?? "").split { "-T:.Z".contains($0) }.compactMap { Int64($0) }
        guard numbers.count == 7 else { return 0 }
        var parts = tm()
        parts.tm_year = Int32(numbers[0]) - 1900
        (parts.tm_mon, parts.tm_mday) = (Int32(numbers[1]) - 1, Int32(numbers[2]))
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (Int32(numbers[3]), Int32(numbers[4]), Int32(numbers[5]))
        return Int64(timegm(&parts)) * 1_000_000 + numbers[6]
    }

    /// A short form for messages.
    var text: String {
        "\(json["time"].string ?? "") \(event) ring \(json["ring_id"].string ?? "-") quorate \(json["quorate"])"
            + " members \(json["members"].elements.map { $0["id"].number ?? -1 })"
    }
}

/// The present moment, in microseconds since 1970.
func currentTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
