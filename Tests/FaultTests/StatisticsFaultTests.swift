// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// With the stand-in and `--links`: failures of the statistics map affect nothing but the links and the evidence.
@Suite("The statistics map")
struct StatisticsFaultTests {
    private static let link = "stats.knet.node2.link0"
    /// Three nodes, with a link to each.
    private static let cluster = "statistics-interval 10\nnodes 3 links=1\n"

    private static let links: JSON = .array(
        [2, 3].map { node in
            [
                "node_id": .number(node), "link": 0, "connected": true, "enabled": true,
                "latency_us": 100, "mtu": 1446,
            ]
        }.map(JSON.object))

    /// What changes when the statistics become known.
    private static let fields = ["links", "nodes.2.reachable", "nodes.3.reachable", "problems"]

    /// The calls of a reading, and the additional calls of a follower.
    private static let reading = [
        Call("cmap_initialize_map", "cmap_initialize_map", 1, "key=stats"),
        Call("cmap_get of a link", "cmap_get", 1, "key=\(link).connected"),
        Call("cmap_get of a counter", "cmap_get", 1, "key=stats.srp.mcast_retx"),
    ]
    private static let tracking = [
        Call("cmap_track_add of a link", "cmap_track_add", 1, "key=\(link).connected"),
        Call("cmap_track_add of the misses", "cmap_track_add", 1, "key=stats.schedmiss.0.timestamp"),
    ]

    /// Whether the error means only that the key does not exist.
    private func isAnswer(_ cell: Cell) -> Bool {
        cell.call.function == "cmap_get" && cell.code.name == "CS_ERR_NOT_EXIST"
    }

    // The configuration triggers another attempt, which may be in time for the status.
    @Test("An error leaves the links of a status null, with one diagnosis, or the request is retried")
    func status() throws {
        let cells = Self.reading.flatMap { call in
            Code.all.map { Cell(phase: .start, form: .statusAll, call: call, code: $0) }
        }
        tryAll(cells) { cell in
            let script = Self.cluster + cell.call.fault(cell.code)
            let watched = try Watched(script, ["--json", "--links", "--timeout", "8"])
            let result = watched.finish()
            try demand(result.status == 0, "exit \(result.status ?? -1); \(result.errors)")
            let event = try #require(try events(result.lines).first)
            try check(event)
            let isKnown = cell.code.isTransient || isAnswer(cell)
            let diagnoses = try diagnoses(result.errors)
            let isNull = event.json["links"] == .null
            try demand(diagnoses.count == (isNull ? 1 : 0), "diagnoses: \(result.errors)")
            try demand(!isNull || !isKnown, "\(event.json["links"])")
            for line in diagnoses {
                try demand(line.hasPrefix("vqwatch: cannot read the statistics of totem and the links: "), line)
                try demand(line.contains("\(cell.code.name) from \(cell.call.function)"), line)
            }
            let isMissing = isAnswer(cell) && cell.call.filter.contains("connected")
            if !isMissing, !isNull { try demand(event.json["links"] == Self.links, "\(event.json["links"])") }
            try demand(watched.leaks.isEmpty, "left open: \(watched.leaks)")
        }
    }

    @Test("A follower retries after an error, and loses nothing else")
    func follow() throws {
        let cells = (Self.reading + Self.tracking).flatMap { call in
            codes(of: call, .followAll).map { Cell(phase: .start, form: .followAll, call: call, code: $0) }
        }
        tryAll(cells) { cell in
            let script = Self.cluster + cell.call.fault(cell.code)
            let isKnown = cell.code.isTransient || isAnswer(cell)
            let watched = try Watched(script, ["--json", "--links", "-f", "--refresh", "0"])
            let first = try #require(try watched.process.nextEvent(within: .seconds(8)))
            try check(first)
            var last = first
            let isNull = first.json["links"] == .null
            try demand(!isNull || !isKnown, "\(first.json["links"])")
            if isNull {
                last = try #require(try watched.process.nextEvent(within: .seconds(8)))
                try check(last)
                try demand(last.event == "info" && last.changedFields == Self.fields, "\(last.json)")
            }
            watched.process.signal(SIGTERM)
            let result = watched.finish(within: .seconds(5))
            try demand(try diagnoses(result.errors).count == (isNull ? 1 : 0), "diagnoses: \(result.errors)")
            if !isAnswer(cell) { try demand(last.json["links"] == Self.links, "\(last.json["links"])") }
        }
    }

    @Test("A call that always fails or never returns delays neither the status nor the events after it")
    func never() throws {
        for fault in [
            "fail cmap_initialize_map 1 CS_ERR_LIBRARY forever key=stats",
            "fail cmap_get 1 CS_ERR_TRY_AGAIN forever key=stats.srp.mcast_retx", "hang cmap_initialize_map 1 key=stats",
            "hang cmap_get 1 key=\(Self.link).connected", "hang cmap_track_add 1 key=stats.schedmiss.0.timestamp",
        ] {
            let start = ContinuousClock.now
            let watched = try Watched(
                Self.cluster + "\(fault)\ntimeline\nwait 100\nexpected 4\n",
                ["--json", "--links", "-f", "--refresh", "0", "--count", "2", "--timeout", "8"])
            let result = watched.finish()
            let events = try events(result.lines)
            try #require(events.map(\.event) == ["status", "expected_votes"], "\(fault): \(result.errors)")
            try check(events[0])
            try check(events[1], expected: 4)
            #expect(events.allSatisfy { $0.json["links"] == .null }, "\(fault)")
            #expect(try diagnoses(result.errors).count == 1, "\(fault): \(result.errors)")
            #expect(ContinuousClock.now - start < .seconds(4), "\(fault)")
        }
        // A check must not be OK without the links.
        let check = try Watched(
            Self.cluster + "hang cmap_initialize_map 1 key=stats", ["--check", "--links"]
        ).finish()
        #expect(
            check.status == 3 && check.output.contains("the state of the links and of totem is not known"),
            "\(check.output)")
    }

    @Test("A call that never returns is reported after 10 s, and delays no event of votequorum")
    func silence() throws {
        let watched = try Watched(
            Self.cluster + """
                timeline
                await
                hang cmap_get 1 key=\(Self.link).connected
                key \(Self.link).connected uint8 0
                await
                expected 4
                """, ["--json", "--links", "-f", "--refresh", "0", "--count", "3", "--timeout", "60"])
        var events: [EventLine] = []
        for _ in 1...2 {
            events.append(try #require(try watched.process.nextEvent(within: .seconds(30))))
            watched.allowStep()
        }
        let result = watched.finish()
        events += try EventLine.parse(result.lines)
        try #require(events.map(\.event) == ["status", "unresponsive", "expected_votes"], "\(result.errors)")
        #expect(events[1].isQuorate == nil && (events[1].json["silent_ms"].number ?? 0) >= 10_000)
        #expect(events[2].isQuorate == true)
    }

    @Test("Invalid values give valid lines, and a flood of nodelists gives one evidence event for each")
    func hostile() throws {
        let count = 400
        let watched = try Watched(
            Self.cluster + """
                key \(Self.link).latency_ave string slow
                key stats.srp.mcast_retx float 1
                timeline
                wait 100
                key \(Self.link).down_count uint32 4294967295
                key stats.srp.operational_token_lost uint64 18446744073709551615
                key stats.schedmiss.0.delay float nan
                key stats.schedmiss.0.timestamp uint64 18446744073709551615
                key stats.schedmiss.1.delay float 1e30
                key stats.schedmiss.1.timestamp uint64 0
                wait 300
                flood \(count) alternate
                wait 2500
                key \(Self.link).down_count uint32 0
                key stats.srp.operational_token_lost uint64 0
                nodelist next all
                quorum auto all
                """, ["--json", "--links", "-f", "--refresh", "20ms", "--timeout", "60"])
        var nodelists: [JSON] = []
        var last: EventLine?
        while let event = try watched.process.nextEvent(within: .seconds(5)) {
            last = event
            if event.event == "nodelist" { nodelists.append(event.json["ring_id"]) }
            // The evidence for a scheduling miss belongs to no nodelist.
            guard event.event == "evidence", nodelists.first == event.json["ring_id"] else { continue }
            nodelists.removeFirst()
            if event.json["token_losses"] == .null { break }
        }
        #expect(nodelists.isEmpty, "\(nodelists.count) without evidence")
        #expect(last?.json["token_losses"] == .null && last?.json["links_down"] == .null)
        watched.process.signal(SIGTERM)
        #expect(watched.finish(within: .seconds(5)).termination == .signaled(SIGTERM))
    }
}
