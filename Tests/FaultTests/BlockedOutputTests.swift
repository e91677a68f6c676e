// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// The outputs are not read (with the stand-in).
@Suite("Blocked outputs")
struct BlockedOutputTests {
    @Test("A signal ends the program within a second while any call of its start hangs")
    func hangs() throws {
        let quorum: [Call] = [
            .initialize, .fdGet, .trackstart, .dispatch, .contextGet, .contextSet, .getinfo, .getinfoNode,
        ]
        let map: [Call] = [.mapInitialize, .mapFdGet] + Call.mapReading
        let forms: [(options: [String], calls: [Call])] = [
            (["-j"], quorum + map), (["-c"], [.initialize, .trackstart, .dispatch, .getinfo]),
            (["-fj"], quorum + map + [.mapTrackAdd]), (["-fj", "--dispatch", "blocking"], quorum),
        ]
        let cells = forms.flatMap { form in form.calls.map { (options: form.options, call: $0) } }
        let problems = inParallel(cells, by: 6) { cell -> String? in
            let (options, call) = cell
            do {
                try demandSecond {
                    let pipe = try FullPipe()
                    let watched = try Watched(
                        "nodes 3\nhang \(call.function) \(call.number) \(call.filter)\n", options,
                        output: .descriptor(pipe.writingEnd), errors: .descriptor(pipe.writingEnd))
                    let isCalled = eventually(within: .seconds(20)) {
                        watched.report["call.\(call.function)", default: 0] >= call.number
                    }
                    try demand(isCalled, "it is not called")
                    return try watched.terminate()
                }
                return nil
            } catch {
                return "\(options) \(call.title): \(error)"
            }
        }.compactMap { $0 }
        #expect(problems == [])
    }

    @Test("A signal ends the program within a second while a call hangs and every output is blocked")
    func hangsWithBlockedOutputs() throws {
        let cells: [(mode: String, call: Call, event: String)] =
            ["all", "one", "blocking", "one-nonblocking"].flatMap { mode in
                [Call.getinfo, .getinfoNode].map { (mode, $0, "quorum same all") }
            }
            + Call.mapReading.map { ("all", $0, "key nodelist.node.1.name string renamed") }
            + [("all", .initialize, "hangup votequorum")]
        let problems = inParallel(cells, by: 6) { cell -> String? in
            do {
                try demandSecond {
                    let pipe = try FullPipe()
                    let full = ChildProcess.Stream.descriptor(pipe.writingEnd)
                    let watched = try Watched(
                        "nodes 3\ntimeline\nawait\nhang \(cell.call.function) 1 \(cell.call.filter)\n\(cell.event)\n",
                        ["-fj", "--dispatch", cell.mode, "--exec", "sh", "-c", "exec sleep 20 >/dev/null 2>&1"],
                        output: full, errors: full)
                    let isBlocked = eventually(within: .seconds(20)) {
                        watched.process.isBlocked(writingTo: STDOUT_FILENO)
                    }
                    try demand(isBlocked, "nothing is printed")
                    watched.process.waitUntilIdle()
                    func calls() -> Int { watched.report["call.\(cell.call.function)", default: 0] }
                    let before = calls()
                    watched.allowStep()
                    try demand(eventually(within: .seconds(20)) { calls() > before }, "it is not called")
                    return try watched.terminate()
                }
                return nil
            } catch {
                return "\(cell.mode) \(cell.call.title): \(error)"
            }
        }.compactMap { $0 }
        #expect(problems == [])
    }

    @Test("If the program ends while it writes a line, the line is cut and nothing follows it")
    func cutLine() throws {
        // A line of 40 nodes is longer than PIPE_BUF, so that a pipe can take a part of it.
        let pipe = try FullPipe(leaving: 4096)
        let watched = try Watched(
            "nodes 40\ntimeline\nflood 10 quorum\n", ["-fj", "--refresh", "0"], output: .descriptor(pipe.writingEnd))
        #expect(eventually(within: .seconds(20)) { watched.report["callbacks", default: 0] == 12 })
        #expect(eventually(within: .seconds(20)) { watched.process.isBlocked(writingTo: STDOUT_FILENO) })
        watched.process.signal(SIGTERM)
        #expect(watched.finish().termination == .signaled(SIGTERM))
        let text = String(decoding: pipe.read(), as: UTF8.self)
        let whole = try Watched("nodes 40\n", ["-fj", "--count", "1"]).finish().lines.first ?? ""
        // The times, which differ, are at the start.
        #expect(text.utf8.count == 4096 && text.dropFirst(80) == whole.dropFirst(80).prefix(4096 - 80))
    }

    @Test("With 384 nodes, queued events take no more than 64 MiB, and dropped events are counted")
    func memoryOfManyNodes() throws {
        let count = 4000
        let watched = try Watched(
            "nodes 384\ntimeline\nflood \(count) quorum\nexpected same\n", ["--json", "--follow", "--refresh", "0"])
        #expect(eventually(within: .seconds(120)) { watched.report["callbacks", default: 0] >= count + 3 })
        // 64 MiB of events, and the memory of the program itself.
        let peak = watched.memory("VmHWM")
        #expect((64 << 10) / 2 < peak && peak < 128 << 10, "\(peak) KiB")
        var (printed, dropped) = (0, 0)
        while printed + dropped < count + 2 {
            guard case .line(let line) = watched.process.read(within: .seconds(20)) else {
                throw TestFailure("nothing after \(printed)")
            }
            if line.contains("\"event\":\"dropped\"") {
                dropped += Int(try EventLine(line).json["count"].number ?? 0)
            } else {
                printed += 1
            }
        }
        #expect(printed + dropped == count + 2 && dropped > 0 && printed < 2000, "\(printed) + \(dropped)")
        print("384 nodes without a reader: peak \(peak) KiB, \(printed) printed + \(dropped) dropped")
    }

    @Test("A slow command of --exec gets one dropped event in place of those over 64 MiB")
    func slowCommand() throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path
        let count = 4000
        let script = """
            until [ -e \(folder)/gate ]; do sleep 0.05; done
            if [ "$VQWATCH_EVENT" = dropped ]; then cat >>\(folder)/dropped; else echo >>\(folder)/given; fi
            [ "$VQWATCH_EVENT" != expected_votes ] || touch \(folder)/end
            """
        let watched = try Watched(
            "nodes 384\ntimeline\nflood \(count) quorum\nexpected same\n",
            ["--quiet", "--follow", "--refresh", "0", "--exec", "sh", "-c", script])
        #expect(eventually(within: .seconds(120)) { watched.report["callbacks", default: 0] >= count + 3 })
        let peak = watched.memory("VmHWM")
        #expect((64 << 10) / 2 < peak && peak < 110 << 10, "\(peak) KiB")
        writeFile("", to: "\(folder)/gate")
        #expect(eventually(within: .seconds(120)) { access("\(folder)/end", F_OK) == 0 })
        let given = readFile("\(folder)/given").count
        let markers = try readFile("\(folder)/dropped").split(separator: "\n").map { try EventLine(String($0)) }
        #expect(markers.count == 1)
        let dropped = Int(markers.first?.json["count"].number ?? 0)
        // The status, the flood and the expected votes.
        #expect(given + dropped == count + 2, "\(given) + \(dropped)")
        #expect(dropped > 0)
        let errors = try diagnoses(watched.process.errors)
        #expect(errors.count == 1 && errors[0].contains("events for the command of --exec were dropped"), "\(errors)")
        print("a command that is too slow: peak \(peak) KiB, \(given) given + \(dropped) dropped")
    }
}
