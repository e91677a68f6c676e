// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// With the stand-in: more notifications than the reader of the output can take.
///
/// `VQWATCH_FLOOD` is how many (100,000), as many as wait for the output at most.
@Suite("Floods and slow readers", .serialized)
struct FloodTests {
    static let size = getenv("VQWATCH_FLOOD").flatMap { Int(String(cString: $0)) } ?? 100_000
    /// Without the evidence events, whose number depends on the time that the nodelists take.
    private static let options = [
        "--json", "--follow", "--refresh", "0", "--events", "status,nodelist,quorum,expected_votes",
    ]

    @Test("A flood to a file is printed, or counted as dropped, and memory is bounded")
    func file() throws {
        let small = try toFile(1000)
        #expect(small.dropped == 0)
        let start = ContinuousClock.now
        let count = min(Self.size, 100_000)
        let large = try toFile(count)
        print(
            "flood to a file: \(count - large.dropped) printed + \(large.dropped) dropped, "
                + "\(start.duration(to: .now)), peak \(large.peak) KiB (\(small.peak) KiB for 1000)"
        )
        // The queue takes at most 64 MiB.
        #expect(large.peak < small.peak + 80 << 10, "\(large.peak) KiB after \(small.peak) KiB")
    }

    /// Prints a flood to a file. Returns the peak memory in KiB, and how many events were dropped.
    private func toFile(_ count: Int) throws -> (peak: Int, dropped: Int) {
        let folder = try TemporaryFolder()
        let output = folder.file("lines")
        let watched = try Watched(
            "nodes 3\ntimeline\nflood \(count) alternate\nexpected same\n", Self.options, output: .file(output))
        let sent = count + 1
        _ = eventually(within: .seconds(300)) { watched.report["callbacks", default: 0] >= sent + 2 }
        // The last line is in the file. The memory can be read only while the process runs.
        let last = eventually(within: .seconds(60), every: .milliseconds(200)) {
            Lines(of: output).kinds["expected_votes"] == 1
        }
        let peak = watched.memory("VmHWM")
        watched.process.signal(SIGTERM)
        let result = watched.finish()
        #expect(result.termination == .signaled(SIGTERM) && result.errors == "", "\(result.errors)")
        #expect(last)
        let lines = Lines(of: output)
        let markers = lines.kinds["dropped", default: 0]
        #expect(lines.count - markers + lines.dropped == sent + 1)
        if markers == 0 {
            #expect(lines.kinds == ["status": 1, "nodelist": count / 2, "quorum": count / 2, "expected_votes": 1])
        }
        return (peak, lines.dropped)
    }

    @Test("While the reader is stopped, memory is bounded; later, every event is printed or counted as dropped")
    func stoppedReader() throws {
        let count = Self.size * 2
        let watched = try Watched(
            "nodes 3\ntimeline\nflood \(count) quorum\nexpected same\n", ["--json", "--follow", "--refresh", "0"])
        let start = ContinuousClock.now
        #expect(eventually(within: .seconds(300)) { watched.report["callbacks", default: 0] >= count + 3 })
        print(
            "flood without a reader: \(count) taken in \(start.duration(to: .now)), peak \(watched.memory("VmHWM")) KiB"
        )
        // The queue takes at most 64 MiB.
        #expect(watched.memory("VmHWM") < 100_000)
        var events: [EventLine] = []
        var printed = 0
        var dropped = 0
        var isLast = false
        while !isLast {
            guard case .line(let line) = watched.process.read(within: .seconds(20)) else {
                throw TestFailure("nothing after \(printed)")
            }
            isLast = line.contains("\"event\":\"expected_votes\"")
            let isMarker = line.contains("\"event\":\"dropped\"")
            printed += isMarker ? 0 : 1
            // Thousands of lines are alike, so a part of them is enough.
            guard isMarker || isLast || printed < 500 else { continue }
            let event = try EventLine(line)
            events.append(event)
            if isMarker { dropped += Int(event.json["count"].number ?? 0) }
        }
        try checkHistory(of: events)
        #expect(dropped > 0)
        #expect(printed + dropped == count + 2)
        print("flood without a reader: \(printed) printed + \(dropped) dropped = \(printed + dropped)")
    }

    @Test("For a slow reader, every event is printed or counted as dropped")
    func slowReader() throws {
        let count = Self.size / 2
        let watched = try Watched(
            "nodes 3\ntimeline\nflood \(count) alternate\nexpected same\n", Self.options)
        var (printed, dropped, markers, line) = (0, 0, 0, 0)
        var last = ""
        repeat {
            guard case .line(let text) = watched.process.read(within: .seconds(20)) else {
                throw TestFailure("nothing after \(printed)")
            }
            line += 1
            if line % 200 == 0 { usleep(5000) }
            last = text
            guard text.contains("\"event\":\"dropped\"") else {
                printed += 1
                continue
            }
            dropped += Int(try EventLine(text).json["count"].number ?? 0)
            markers += 1
        } while !last.contains("\"event\":\"expected_votes\"")
        #expect(printed + dropped == count + 2)
        print(
            "flood with a slow reader: \(printed) printed + \(dropped) dropped in \(markers) places = \(printed + dropped)"
        )
    }

    @Test("Many reconnects leak no descriptor, connection or memory")
    func reconnects() throws {
        // The pauses before it connects again grow, from 0.1 s to 6.4 s.
        let rounds = 7
        let watched = try Watched(
            "nodes 3\ntimeline\n" + String(repeating: "await\nhangup\n", count: rounds),
            ["--json", "--follow", "--refresh", "0"])
        #expect(try watched.process.nextEvent()?.event == "status")
        var (descriptors, memory, handles) = (0, 0, [String: Int]())
        for round in 1...rounds {
            watched.allowStep()
            #expect(try watched.process.nextEvent()?.event == "disconnected")
            #expect(try watched.process.nextEvent()?.event == "status")
            // The first rounds warm up.
            if round == 3 {
                (descriptors, memory, handles) = (watched.descriptors, watched.memory("VmRSS"), watched.leaks)
            }
        }
        #expect(eventually(within: .seconds(5)) { watched.descriptors <= descriptors })
        #expect(watched.memory("VmRSS") < memory + 1024)
        let open = watched.leaks
        #expect(open == handles && open["open.votequorum"] == 1 && open["open.cmap"] == 2, "\(open), \(handles)")
    }
}

/// The lines of a file, counted without keeping them.
private struct Lines {
    var count = 0
    var kinds: [String: Int] = [:]
    /// The sum of the counts of the `dropped` events.
    var dropped = 0

    init(of path: String) {
        guard let file = fopen(path, "re") else { return }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var room = 0
        defer { free(line) }
        while getline(&line, &room, file) > 0, let line {
            count += 1
            guard let key = strstr(line, "\"event\":\"") else { continue }
            if let marker = strstr(line, "\"count\":") { dropped += Int(atoi(marker + 8)) }
            let start = key + 9
            guard let end = strchr(start, CInt(UInt8(ascii: "\""))) else { continue }
            end.pointee = 0
            kinds[String(cString: start), default: 0] += 1
        }
    }
}
