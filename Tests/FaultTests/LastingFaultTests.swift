// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// With the stand-in: faults that do not go away.
@Suite("Lasting faults")
struct LastingFaultTests {
    private static let quorum: [Call] = [
        .initialize, .fdGet, .trackstart, .dispatch, .contextGet, .contextSet, .getinfo, .getinfoNode,
    ]
    private static let map: [Call] = [.mapInitialize, .mapFdGet] + Call.mapReading

    @Test("A call that always fails ends the status with exit 1 or at the timeout, or leaves names or votes null")
    func statusEnds() throws {
        let cells = (Self.quorum + Self.map).flatMap { call in
            Code.all.map { Cell(phase: .start, form: .statusAll, call: call, code: $0) }
        }
        tryAll(cells) { cell in
            let outcome = outcome(of: cell)
            // Only a votequorum call that is retried for ever is to reach the timeout.
            let timeout = outcome == .retried && !cell.call.isMap ? "300ms" : "8s"
            let watched = try Watched(
                "nodes 3\n\(cell.call.fault(cell.code)) forever\n", ["--json", "--timeout", timeout])
            let start = ContinuousClock.now
            let result = watched.finish()
            let lines = try events(result.lines)
            let (status, names): (Int32, Names) =
                switch outcome {
                case .retried: cell.call.isMap ? (0, .unknown) : (124, .known)
                case .fails: (1, .known)
                case .namesUnknown: (0, .unknown)
                case .nameMissing: (0, cell.call == .mapGet ? .oneMissing : .noNodes)
                default: (0, .known)
                }
            try demand(result.status == status, "exit \(result.status ?? -1), not \(status); \(result.errors)")
            // The nodes are known then, because the local node has answered.
            let isPartial = outcome == .retried && cell.call == .getinfoNode
            try demand(lines.count == (status == 0 || isPartial ? 1 : 0), "printed \(lines.count) lines")
            for line in lines {
                if isPartial {
                    try demand(line.isQuorate == nil && line.json["nodes"].elements.count == 3, "\(line)")
                } else {
                    try check(line, names: names, votesOfNode2AreKnown: outcome != .votesUnknown)
                }
            }
            let isSilent = outcome == .votesUnknown || outcome == .nameMissing
            try demand(try diagnoses(result.errors).count == (isSilent ? 0 : 1), "diagnoses: \(result.errors)")
            let took = ContinuousClock.now - start
            try demand(took < .seconds(5), "it took \(took)")
            if status != 124 { try demand(watched.leaks.isEmpty, "left open: \(watched.leaks)") }
        }
    }

    @Test("A call that always fails is retried slowly by --follow, with at most one diagnosis")
    func followWaits() throws {
        let codes = Code.all.filter {
            ["CS_ERR_LIBRARY", "CS_ERR_TRY_AGAIN", "CS_ERR_TIMEOUT", "CS_ERR_NOT_EXIST", "CS_ERR_ACCESS", "CS_ERR_77"]
                .contains($0.name)
        }
        let cells = Form.follows.flatMap { form in
            (Self.quorum + (form == .followAll ? Self.map + [.mapTrackAdd] : [])).flatMap { call in
                codes.map { Cell(phase: .start, form: form, call: call, code: $0) }
            }
        }
        tryAll(cells) { cell in
            let outcome = outcome(of: cell)
            // The diagnosis of a retry is due after a second.
            let isLate =
                outcome == .retried && (cell.call.isMap || [.initialize, .fdGet].contains(cell.call))
            let watched = try Watched(
                "nodes 3\n\(cell.call.fault(cell.code)) forever\n",
                cell.form.arguments + ["--timeout", isLate ? "4s" : "1500ms"])
            let result = watched.finish()
            try demand(result.status == 124, "exit \(result.status ?? -1); \(result.errors)")
            let report = watched.report
            // Reading and tracking both maps once takes dozens of these calls.
            let many = ["call.cmap_iter_next", "call.cmap_get", "call.cmap_track_add"]
            let most = report.filter { $0.key.hasPrefix("call.") && !many.contains($0.key) }
                .max { $0.value < $1.value }
            try demand(most.map { $0.value <= 100 } ?? true, "calls: \(most!)")
            try demand(report["call.cmap_get", default: 0] <= 400, "calls of cmap_get: \(report)")
            let lines = try events(result.lines)
            let isSeen = cell.call.isMap || outcome == .votesUnknown
            try demand(
                lines.map(\.event) == (isSeen ? ["status"] : []), "printed \(lines.map(\.event)); \(result.errors)")
            // A busy answer counts as no answer: an `unresponsive` line reports it, after 10 s.
            let isAsked = outcome == .retried && ![.initialize, .fdGet].contains(cell.call) && !cell.call.isMap
            let isSilent = outcome == .votesUnknown || outcome == .nameMissing || isAsked
            try demand(try diagnoses(result.errors).count == (isSilent ? 0 : 1), "diagnoses: \(result.errors)")
            try demand(
                report["open.votequorum", default: 0] <= 1 && report["open.cmap", default: 0] <= 2
                    && report["open.iterators", default: 0] <= 1, "left open: \(watched.leaks)")
        }
    }

    @Test("A call that never returns blocks neither the timeout nor a signal, and a map call does not block the status")
    func hangs() throws {
        let calls = Self.quorum + Self.map + [.mapTrackAdd, .finalize, .mapFinalize]
        let cells = [Form.statusAll, .followAll].flatMap { form in
            calls.map { Cell(phase: .start, form: form, call: $0, code: Code.all[0]) }
        }
        tryAll(cells) { cell in
            let call = cell.call
            let isStatus = cell.form == .statusAll
            let script = "nodes 3\nhang \(call.function) \(call.number) \(call.filter)\n"
            // The status waits two seconds for the names.
            let timeout = call.isMap || !isStatus || call == .finalize ? "20s" : "400ms"
            let arguments = cell.form.arguments + ["--timeout", timeout]
            guard isStatus else {
                return try demandSecond {
                    let watched = try Watched(script, arguments)
                    // A connection is closed at the end.
                    let isClosing = call == .finalize || call == .mapFinalize
                    if call.isMap || isClosing {
                        let event = try #require(try watched.process.nextEvent(within: .seconds(15)))
                        try check(event, names: isClosing ? .known : .unknown)
                    } else {
                        let isCalled = eventually(within: .seconds(10)) {
                            watched.report["call.\(call.function)", default: 0] >= call.number
                        }
                        try demand(isCalled, "\(call.function) is not called")
                    }
                    return try watched.terminate()
                }
            }
            let watched = try Watched(script, arguments)
            let start = ContinuousClock.now
            let result = watched.finish()
            let isNever = Self.quorum.contains(call)
            try demand(result.status == (isNever ? 124 : 0), "exit \(result.status ?? -1); \(result.errors)")
            // Without a limit, the call would take 20 s.
            try demand(ContinuousClock.now - start < .seconds(10), "it took \(ContinuousClock.now - start)")
            let isKnown = call == .finalize || call == .mapFinalize || call == .mapTrackAdd
            for event in try events(result.lines) {
                if isNever {
                    try demand(event.isQuorate == nil && event.json["nodes"].elements.count == 3, "\(event)")
                } else {
                    try check(event, names: isKnown ? .known : .unknown)
                }
            }
            // Of the nodes, the local one has answered.
            try demand(result.lines.count == (isNever && call != .getinfoNode ? 0 : 1), "printed \(result.lines)")
            try demand(!isNever || result.errors.contains("corosync does not answer"), result.errors)
        }
    }

    @Test("A corosync that is not running causes few connection attempts and one diagnosis")
    func away() throws {
        for code in ["CS_ERR_LIBRARY", "CS_ERR_TRY_AGAIN", "CS_ERR_ACCESS"] {
            let watched = try Watched(
                """
                nodes 3
                timeline
                expected same
                wait 200
                fail votequorum_initialize 1 \(code) forever
                fail cmap_initialize_map 1 \(code) forever
                hangup
                """,
                ["--json", "--follow", "--timeout", "4s"])
            let result = watched.finish()
            #expect(
                try events(result.lines).map(\.event) == ["status", "expected_votes", "disconnected"],
                "\(code): \(result.lines)")
            #expect(try diagnoses(result.errors).count == 1, "\(result.errors)")
            let calls = watched.report["call.votequorum_initialize", default: 0]
            // A refused user waits 30 s.
            #expect((code == "CS_ERR_ACCESS" ? 1...2 : 4...30).contains(calls), "\(code): \(calls)")
            #expect(watched.leaks.isEmpty)
        }
    }

    @Test("A configuration map that is lost for seconds causes one diagnosis, and the names are null until it is back")
    func mapLost() throws {
        let watched = try Watched(
            """
            nodes 3
            timeline
            await
            fail cmap_initialize_map 1 CS_ERR_LIBRARY forever key=icmap
            hangup cmap
            await
            key nodelist.node.1.name string renamed
            mend
            """, ["--json", "--follow", "--count", "3", "--timeout", "60s"])
        var lines: [EventLine] = []
        for _ in 1...2 {
            lines.append(try #require(try watched.process.nextEvent(within: .seconds(20))))
            watched.allowStep()
        }
        let result = watched.finish()
        lines += try events(result.lines)
        try #require(lines.map(\.event) == ["status", "info", "info"], "\(result.errors)")
        try check(lines[0])
        try check(lines[1], names: .unknown)
        try check(lines[2], names: .renamed)
        #expect(try diagnoses(result.errors).count == 1, "\(result.errors)")
    }

    @Test(
        "A statistics map that is lost and then refused is unknown within seconds, after few attempts and little work")
    func statisticsLost() throws {
        let watched = try Watched(
            """
            nodes 3 links=1
            timeline
            await
            fail cmap_initialize_map 1 CS_ERR_ACCESS forever key=stats
            fail cmap_get 1 CS_ERR_BAD_HANDLE forever key=stats.srp.continuous_gather
            """, ["-fj", "--refresh", "500ms"])
        let first = try watched.process.nextEvent(within: .seconds(20))
        #expect(first?.event == "status" && first?.json["links"].elements.count == 2)
        let (start, used) = (ContinuousClock.now, watched.processorTime)
        watched.allowStep()
        let second = try watched.process.nextEvent(within: .seconds(10))
        #expect(second?.event == "info" && second?.json["links"] == .null)
        #expect(watched.processorTime - used < (.now - start) / 4)
        #expect(watched.report["call.cmap_initialize_map", default: 0] < 8)
        _ = try watched.terminate()
    }

    @Test("A corosync that is lost and stays away costs hardly any processor time")
    func lost() throws {
        let watched = try Watched(
            """
            nodes 3 links=1
            timeline
            await
            fail votequorum_initialize 1 CS_ERR_LIBRARY forever
            hangup all
            """, ["-fj", "--refresh", "500ms"])
        #expect(try watched.process.nextEvent(within: .seconds(20))?.event == "status")
        watched.allowStep()
        #expect(try watched.process.nextEvent(within: .seconds(20))?.event == "disconnected")
        let used = watched.processorTime
        let isBusy = eventually(within: .seconds(4)) { watched.processorTime - used > .seconds(1) }
        #expect(!isBusy)
        _ = try watched.terminate()
    }

    @Test("A refused user makes one attempt to connect, and no other before 30 s have passed")
    func refusal() throws {
        let watched = try Watched(
            "nodes 3\nfail votequorum_initialize 1 CS_ERR_ACCESS forever\n", ["-fj", "--timeout", "5s"])
        let result = watched.finish()
        #expect(result.status == 124 && result.lines.isEmpty)
        #expect(try diagnoses(result.errors).count == 1, "\(result.errors)")
        #expect(watched.report["call.votequorum_initialize"] == 1)
        #expect(watched.report["call.cmap_initialize_map", default: 0] == 0)
    }
}
