// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// Compares the lines of one watcher with the log of corosync on its node.
///
/// The rule: from the status that begins a connection to the end of the connection, the watcher reports all rings and
/// all changes of quorum of one run of the daemon, in order, and no others. These differences are due to corosync and
/// are accepted:
///
/// - A ring whose synchronisation is interrupted by the next ring may or may not be reported.
/// - A watcher that connects during the synchronisation of a ring gets that ring at once, and a second time when all
///   clients are notified.
/// - A daemon that was told to end may notify of nothing more: a shutdown closes the connections before the daemon leaves
///   the ring. Notifications in the ``slack`` before may be missing as well: the library checks for a hang-up before it
///   checks for notifications.
/// - A daemon that is killed can die before the last lines of that ``slack`` are in its log.
///
/// There is no other reason for the loss of a connection.
struct LogComparison {
    /// How long a watcher takes at most to dispatch a notification, and a daemon to write its log, in microseconds.
    static let slack: Int64 = 1_000_000
    /// How long after the first ring of a daemon a watcher may connect, in microseconds: its longest pause between two
    /// attempts, a freeze, and a busy machine.
    static let connectionLimit: Int64 = 20_000_000

    /// How long after a nodelist its evidence comes at most, in microseconds, on a busy machine.
    static let evidenceLimit: Int64 = 4_000_000

    /// The differences that are not accepted.
    private(set) var problems: [String] = []
    /// How many lines were compared with the log.
    private(set) var compared = 0
    /// How many rings and changes of quorum in the log were looked for in the lines.
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
                note("the first line is not a status", line)
            } else {
                connections[connections.count - 1].append(line)
            }
        }
        var runs: Set<Int> = []
        var previous = -1
        for connection in connections {
            guard let run = compare(connection, until: end) else { continue }
            if run < previous { note("an earlier run of the daemon", connection[0]) }
            previous = run
            runs.insert(run)
        }
        for (index, run) in log.runs.enumerated() where !runs.contains(index) {
            guard let first = run.rings.first?.time else { continue }
            let last = index + 1 < log.runs.count ? (run.rings.last?.time ?? first) : end
            if last - first > Self.connectionLimit { problems.append("run \(index) of the daemon was never watched") }
        }
    }

    private mutating func note(_ problem: String, _ line: EventLine) {
        problems.append("\(problem): \(line.text)")
    }

    /// Compares one connection; returns the run of the daemon that it belongs to.
    private mutating func compare(_ lines: [EventLine], until last: Int64) -> Int? {
        let status = lines[0]
        let ring = status.json["ring_id"].string
        guard let run = log.runs.firstIndex(where: { $0.rings.contains { $0.id == ring } }),
            let start = log.runs[run].rings.firstIndex(where: { $0.id == ring })
        else {
            note("no such ring in the log", status)
            return nil
        }
        compared += 1
        let isLost = lines.last?.event == "disconnected"
        let end = isLost ? log.runs[run].end ?? last : last
        if isLost, end > lines.last!.time { note("the daemon was not told to end before", lines.last!) }
        if status.time - log.runs[run].rings[0].time > Self.connectionLimit, run > 0 {
            note("connected too late", status)
        }
        compareRings(lines, with: log.runs[run], from: start, until: end)
        compareQuorumChanges(lines, with: log.runs[run], from: start, until: end)
        if status.json["links"] != .null { compareEvidence(lines, until: end) }
        return run
    }

    /// Every nodelist has its evidence, in order, unless the connection ended before it was due. The others are about a
    /// scheduling miss.
    private mutating func compareEvidence(_ lines: [EventLine], until end: Int64) {
        var awaited: [EventLine] = []
        for line in lines.dropFirst() {
            if line.event == "nodelist" { awaited.append(line) }
            guard line.event == "evidence" else { continue }
            compared += 1
            if line.json["ring_id"] == awaited.first?.json["ring_id"] {
                awaited.removeFirst()
            } else if line.json["scheduling_misses"] == .array([]) {
                note("evidence of nothing", line)
            }
        }
        for line in awaited where line.time < end - Self.evidenceLimit { note("no evidence follows", line) }
    }

    private mutating func compareRings(
        _ lines: [EventLine], with run: CorosyncLog.Run, from start: Int, until end: Int64
    ) {
        var next = start + 1
        var members = run.rings[start].members
        var waitsForQuorum: (line: EventLine, ring: CorosyncLog.Ring)?
        for line in lines.dropFirst() {
            if line.event == "quorum" || line.event == "disconnected" { waitsForQuorum = nil }
            guard line.event == "nodelist" else { continue }
            compared += 1
            if let (line, ring) = waitsForQuorum, ring.completion != nil { note("no quorum line follows", line) }
            let id = line.json["ring_id"].string
            if next == start + 1, id == run.rings[start].id {
                if line.json["joined"] != [] || line.json["left"] != [] { note("no node joined or left", line) }
                continue
            }
            guard let found = run.rings[min(next, run.rings.count)...].firstIndex(where: { $0.id == id }) else {
                if run.exitedNormally || line.time < end - Self.slack { note("a ring that is not in the log", line) }
                continue
            }
            for ring in run.rings[next..<found] where ring.completion != nil {
                problems.append("ring \(ring.id) is missing before \(line.text)")
            }
            let ring = run.rings[found]
            expected += found + 1 - next
            func ids(_ key: String) -> Set<Int64> { Set(line.json[key].elements.compactMap { $0["id"].number }) }
            let isNext = found == next
            if ids("members") != ring.members { note("the members are not \(ring.members.sorted())", line) }
            // A node that was frozen can leave and join in the same ring, which makes no difference to the members.
            let joined = isNext ? ring.joined.subtracting(ring.left) : ring.members.subtracting(members)
            let left = isNext ? ring.left.subtracting(ring.joined) : members.subtracting(ring.members)
            if ids("joined") != joined { note("the joined nodes are not \(joined.sorted())", line) }
            if ids("left") != left { note("the nodes that left are not \(left.sorted())", line) }
            (members, next, waitsForQuorum) = (ring.members, found + 1, (line, ring))
        }
        for ring in run.rings[next...] where ring.completion.map({ $0 < end - Self.slack }) == true {
            problems.append("ring \(ring.id) is missing after \(lines.last!.text)")
        }
    }

    private mutating func compareQuorumChanges(
        _ lines: [EventLine], with run: CorosyncLog.Run, from start: Int, until end: Int64
    ) {
        var told: [(isQuorate: Bool, line: EventLine)] = []
        // A first state that was read during a change does not say whether the cluster is quorate.
        guard let begin = lines.firstIndex(where: { $0.isQuorate != nil }), let first = lines[begin].isQuorate else {
            if end - lines[0].time > 3 * Self.connectionLimit { note("quorate stays null", lines[0]) }
            return
        }
        let ring = lines[begin].json["ring_id"].string
        let start = begin == 0 ? start : run.rings.firstIndex { $0.id == ring } ?? start
        var isQuorate = first
        for line in lines[begin...].dropFirst() {
            // Any kind of line can be the first: a change of expected votes can change quorate, and is notified first.
            guard let now = line.isQuorate, now != isQuorate else { continue }
            told.append((now, line))
            isQuorate = now
        }
        compared += told.count
        // A watcher that connects during a change can connect before or after quorum has changed.
        let before = run.quorumChanges.prefix { $0.ring < start }.count
        let after = run.quorumChanges.prefix { $0.ring <= start }.count
        var reasons: [String] = []
        for seen in before...after {
            guard (seen > 0 && run.quorumChanges[seen - 1].isQuorate) == first else { continue }
            guard let reason = difference(told, run.quorumChanges[seen...], run, end) else {
                expected += run.quorumChanges.count - seen
                return
            }
            reasons.append(reason)
        }
        problems.append(reasons.first ?? "quorate should not be \(first): \(lines[0].text)")
    }

    private func difference(
        _ told: [(isQuorate: Bool, line: EventLine)], _ logged: ArraySlice<CorosyncLog.QuorumChange>,
        _ run: CorosyncLog.Run, _ end: Int64
    ) -> String? {
        for (told, change) in zip(told, logged) {
            let ring = change.ring < 0 ? "" : run.rings[change.ring].id
            if told.isQuorate != change.isQuorate || told.line.json["ring_id"].string != ring {
                return "the log has quorate \(change.isQuorate) in \(ring): \(told.line.text)"
            }
        }
        if told.count > logged.count, run.exitedNormally || told[logged.count].line.time < end - Self.slack {
            return "quorum did not change: \(told[logged.count].line.text)"
        }
        if let missing = logged.dropFirst(told.count).first, missing.time < end - Self.slack {
            return "quorate \(missing.isQuorate) in \(run.rings[max(0, missing.ring)].id) is missing"
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

/// The current time, in microseconds since 1970.
func currentTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
