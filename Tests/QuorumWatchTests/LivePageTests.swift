// SPDX-License-Identifier: MIT

import Corosync
import Glibc
import TestSupport
import Testing

@testable import QuorumWatch

/// A watch of a simulated cluster, and its page.
struct Watched {
    var cluster = Cluster()
    private(set) var model: LiveModel
    /// Seconds since the watch began.
    var seconds: UInt64 = 0

    private static let start = Timestamp(microseconds: 1_763_804_614_507_311)

    init(_ configuration: Configuration = .named([1, 2, 3]), width: Int = 80, height: Int = 24) {
        model = LiveModel(
            facts: LiveFacts(at: Instant(nanoseconds: 0)), size: TerminalSize(width: width, height: height))
        cluster.reducer = Reducer(predictsIfDown: true)
        cluster.states = [:]
        for node in configuration.nodes {
            cluster.states[node.id.rawValue] = .member
            cluster.votes[node.id.rawValue] = 1
        }
        cluster.expected = UInt32(configuration.nodes.count)
        take(.configuration(configuration))
    }

    /// A watch of a cluster in which every node is a member.
    static func complete(_ nodes: Int = 3, width: Int = 80, height: Int = 24) -> Watched {
        var watched = Watched(.named((1...UInt32(nodes)).map { $0 }), width: width, height: height)
        watched.recalculate()
        return watched
    }

    private var now: Instant { Instant(nanoseconds: seconds * 1_000_000_000) }
    private var time: Timestamp { Timestamp(microseconds: Self.start.microseconds + Int64(seconds) * 1_000_000) }

    mutating func take(_ input: Reducer.Input) {
        let events = cluster.reduce(input, at: time.microseconds)
        _ = model.record(events, cluster.reducer, at: now)
    }

    mutating func nodelist() {
        let members = cluster.states.filter { $0.value == .member }.keys.sorted()
        take(
            .nodelist(
                ring: RingID(node: NodeID(1), sequence: 0x10 + seconds), members: members.map(NodeID.init(_:))))
    }

    /// A whole recalculation of votequorum.
    mutating func recalculate(quorate: Bool = true) {
        nodelist()
        cluster.isQuorate = quorate
        take(.quorum(quorate: quorate, nodes: cluster.listed, cluster.reading))
    }

    mutating func lose(_ ids: UInt32..., quorate: Bool = true) {
        for id in ids { cluster.states[id] = .dead }
        recalculate(quorate: quorate)
    }

    mutating func press(_ keys: String) {
        var parser = LiveKeyParser()
        for key in parser.keys(in: keys.utf8) { model.press(key) }
    }

    mutating func note(_ diagnostic: String) { _ = model.record(diagnostic: diagnostic, time: time) }

    mutating func wait(because reason: String) {
        _ = model.recordWaiting(because: reason)
    }

    mutating func resize(_ width: Int, _ height: Int) {
        _ = model.resize(to: TerminalSize(width: width, height: height))
    }

    func page(isPlain: Bool = false) -> LivePage { LivePage(model, at: now, time: time, isPlain: isPlain) }

    /// The page; its scroll position is stored, as the display does.
    mutating func drawn() -> LivePage {
        let page = page()
        model.scroll = page.scroll
        return page
    }

    /// The time until a duration on the page changes, in seconds.
    var nextChange: Double? {
        page().nextChange.map { (Double($0.nanoseconds) - Double(now.nanoseconds)) / 1_000_000_000 }
    }
}

@Suite("The page of --live")
struct LivePageTests {
    init() {
        setenv("TZ", "UTC", 1)
        tzset()
    }

    /// States and sizes whose pages are recorded, each in a file of `Pages`. `VQWATCH_RECORD=1` records them again.
    static let examples: [(name: String, page: @Sendable () -> LivePage)] = [
        ("starting", { Watched().page() }),
        ("two-nodes", { twoNodes().page() }),
        ("quorum-lost", { quorumLost().page() }),
        ("quorum-lost-40x8", { resized(quorumLost(), 40, 8).page() }),
        ("quorum-lost-wide", { resized(quorumLost(), 132, 12).page() }),
        ("waiting-for-all", { waitingForAll().page() }),
        ("days", { days().page() }),
        ("quorum-device", { device().page() }),
        ("link-down", { linkDown().page() }),
        ("link-down-40x8", { resized(linkDown(), 40, 8).page() }),
        ("recalculating", { recalculating().page() }),
        ("unsettled", { unsettled().page() }),
        ("corosync-gone", { gone().page() }),
        ("corosync-gone-40x8", { resized(gone(), 40, 8).page() }),
        ("silent", { silent().page() }),
        ("back-again", { back().page() }),
        ("partition-of-24", { partition().page() }),
        ("forty-nodes", { forty().page() }),
        ("forty-nodes-100x50", { resized(forty(), 100, 50).page() }),
        ("forty-nodes-40x8", { resized(forty(), 40, 8).page() }),
        ("keys", { pressed("?", quorumLost()).page() }),
        ("keys-40x8", { pressed("?", resized(quorumLost(), 40, 8)).page() }),
        ("scrolled", { pressed("kkk", many()).page() }),
        ("scrolled-to-the-oldest", { pressed("g", many()).page() }),
        ("strange-names", { strange().page() }),
        ("plain-characters", { strange().page(isPlain: true) }),
        ("tiny", { resized(quorumLost(), 12, 3).page() }),
    ]

    @Test("looks as recorded", arguments: examples.map(\.name))
    func looks(_ name: String) throws {
        let example = try #require(Self.examples.first { $0.name == name })
        let page = example.page()
        let text = page.lines.map { "\($0.plain)\n" }.joined()
        let folder = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Pages"
        if getenv("VQWATCH_RECORD") != nil {
            let file = try #require(fopen("\(folder)/\(name).txt", "w"))
            defer { fclose(file) }
            fputs(text, file)
        }
        #expect(text == textOfFile("\(folder)/\(name).txt"), "\n\(text)")
    }

    @Test("is never larger than the terminal, however small", arguments: examples.map(\.name))
    func fits(_ name: String) throws {
        let example = try #require(Self.examples.first { $0.name == name })
        var model = LiveModel(facts: example.page().facts, size: TerminalSize(width: 1, height: 1))
        for (width, height) in [
            (1, 1), (2, 1), (1, 2), (3, 3), (12, 4), (39, 7), (40, 8), (41, 9), (80, 3), (300, 100),
        ] {
            _ = model.resize(to: TerminalSize(width: width, height: height))
            for isPlain in [false, true] {
                for _ in 0..<2 {
                    let page = LivePage(
                        model, at: Instant(nanoseconds: 0), time: Timestamp(microseconds: 0), isPlain: isPlain)
                    let widest = page.lines.map(\.columns).max() ?? 0
                    #expect(page.lines.count == height && widest <= width, "\(width) × \(height)")
                    if isPlain { #expect(page.lines.allSatisfy { $0.plain.utf8.allSatisfy { $0 < 0x80 } }) }
                    model.press(.help)
                }
            }
        }
    }

    @Test("shows the verdict in colour, with a warning while it is not known or votequorum recalculates")
    func colors() {
        func style(_ text: String, in watched: Watched) -> TextStyle? {
            watched.page().lines[0].parts.first { $0.text.contains(text) }?.style
        }
        #expect(style("QUORATE", in: .complete()) == .good)
        #expect(style("NOT QUORATE", in: Self.quorumLost()) == .bad)
        #expect(style("QUORUM UNKNOWN", in: Self.gone()) == .warning)
        #expect(style("RECALCULATING", in: Self.recalculating()) == .warning)
        let rows = Self.quorumLost().page().lines
        #expect(rows.first { $0.plain.contains("node2  lost") }?.parts.first?.style == .warning)
    }

    @Test("has a line for each problem that the other lines do not express, as many as there is room for")
    func problems() {
        var state = ClusterState()
        state.problems =
            [Problem(code: .notQuorate, text: "not quorate")]
            + (1...5).map { Problem(code: .configVersion, text: "problem \($0)\n") }
        func lines(height: Int) -> [String] {
            LivePageTests.resized(.complete(), 80, height).page().problems(of: state).map(\.plain)
        }
        #expect(lines(height: 40) == (1...5).map { "problem \($0)\\u{a}" })
        #expect(lines(height: 24) == (1...3).map { "problem \($0)\\u{a}" } + ["2 more problems"])
        #expect(lines(height: 10) == ["5 problems"])
        #expect(lines(height: 9) == [])
    }

    @Test("shows a duration as a lower bound when the state began before the watch")
    func since() {
        func title(_ watched: Watched) -> String { watched.page().lines[0].plain }
        var watched = Watched.complete()
        watched.seconds = 59
        #expect(title(watched) == "lab: QUORATE")
        watched.seconds = 60
        #expect(title(watched) == "lab: QUORATE for ≥ 1 min")
        watched.seconds = 100
        watched.lose(2, 3, quorate: false)
        watched.seconds = 107
        #expect(title(watched) == "lab: NOT QUORATE for 7 s")
        watched.seconds = 100 + 3 * 86400 + 4 * 3600 + 59 * 60
        #expect(title(watched) == "lab: NOT QUORATE for 3 d 4 h")
        watched.take(.disconnected(.lost))
        watched.seconds += 5
        #expect(title(watched) == "lab: QUORUM UNKNOWN for 5 s")
        watched.cluster.states = [1: .member, 2: .member, 3: .member]
        watched.recalculate()
        #expect(title(watched) == "lab: QUORATE")
    }

    @Test("changes by itself every second only while it shows seconds, else with the next minute or hour")
    func nextChange() {
        var watched = Watched.complete()
        #expect(watched.nextChange == 60)
        watched.seconds = 90
        #expect(watched.nextChange == 30)
        watched.lose(3)
        #expect(watched.nextChange == 1)
        watched.seconds += 59
        #expect(watched.nextChange == 1)
        watched.seconds += 1
        #expect(watched.nextChange == 30)
        watched.seconds = 4 * 86400
        #expect(watched.nextChange == 90)
    }

    @Test(
        "keeps the same events in view after scrolling back, and stops scrolling at the oldest"
    )
    func scrolls() {
        var watched = Self.many()
        let newest = watched.drawn().lines
        watched.press("kkk")
        let back = watched.drawn()
        #expect(back.scroll == 3 && back.lines != newest)
        func events(_ page: LivePage) -> [StyledText] {
            page.lines.filter { $0.plain.contains("changed: expected votes") }
        }
        watched.take(watched.cluster.expect(77))
        #expect(events(watched.drawn()) == events(back))
        #expect(watched.drawn().scroll == 4)
        watched.press(String(repeating: "k", count: 500))
        let oldest = watched.drawn()
        watched.press("j")
        #expect(events(watched.drawn()) != events(oldest))
        watched.press("G")
        #expect(watched.drawn().scroll == 0)
        #expect(watched.drawn().lines.contains { $0.plain.contains("of 77 votes") })
    }

    @Test("keeps a limited number of events")
    func isBounded() {
        var watched = Watched.complete()
        for votes in 0..<3000 { watched.take(watched.cluster.expect(UInt32(votes))) }
        #expect(watched.model.facts.entries.count == LiveFacts.limits.count)
        #expect(watched.drawn().lines.contains { $0.plain.contains("of 2999 votes") })
    }

    @Test("shows a recalculation, and no missing connection, if the first state or a silence ends with one")
    func recalculates() {
        var watched = Watched()
        func shows(_ text: String) -> Bool { watched.drawn().lines.contains { $0.plain.contains(text) } }
        watched.nodelist()
        watched.take(
            .quorum(
                quorate: true, nodes: watched.cluster.listed, watched.cluster.reading, .recalculating))
        #expect(shows("votequorum has not finished its recalculation for 0 s"))
        watched.recalculate()
        #expect(shows("3 of 3 votes"))

        watched.take(.unresponsive(silent: .seconds(10)))
        #expect(shows("corosync has not answered for 10 s"))
        watched.nodelist()
        watched.seconds = 5
        watched.nodelist()
        #expect(shows("votequorum has not finished its recalculation for 5 s"))
        watched.recalculate()
        #expect(shows("3 of 3 votes"))
    }

    @Test("shows only the selected kinds of events, and always the state")
    func kinds() {
        var facts = LiveFacts(kinds: [.quorum], at: Instant(nanoseconds: 0))
        var cluster = Cluster()
        for input in [
            .configuration(.named([1, 2, 3])), .nodelist(ring: RingID(node: NodeID(1), sequence: 1), members: []),
        ]
            as [Reducer.Input]
        {
            _ = facts.record(cluster.reduce(input), cluster.reducer, at: Instant(nanoseconds: 0))
        }
        _ = facts.record(cluster.quorum(true), cluster.reducer, at: Instant(nanoseconds: 0))
        #expect(facts.state?.quorate == true && facts.entries.isEmpty)
        _ = facts.record(cluster.quorum(false), cluster.reducer, at: Instant(nanoseconds: 0))
        #expect(facts.entries.count == 1)
    }
}

// MARK: - What has happened

extension LivePageTests {
    static func resized(_ watched: Watched, _ width: Int, _ height: Int) -> Watched {
        var watched = watched
        watched.resize(width, height)
        return watched
    }

    static func pressed(_ keys: String, _ watched: Watched) -> Watched {
        var watched = watched
        watched.press(keys)
        return watched
    }

    private static func linkDown() -> Watched {
        func statistics(isConnected: Bool) -> Reducer.Input {
            let ids = [2, 3].flatMap { node in [0, 1].map { LinkID(node: node, number: $0) } }
            let links = ids.map { id in
                let isDown = !isConnected && id == ids[3]
                return Link(id: id, isConnected: !isDown, downs: isDown ? 1 : 0)
            }
            return .statistics(Statistics(links: links))
        }
        var watched = Watched.complete()
        watched.take(statistics(isConnected: true))
        watched.seconds = 60
        watched.take(statistics(isConnected: false))
        return watched
    }

    static func twoNodes() -> Watched {
        var watched = Watched(.named([1, 2]))
        watched.cluster.deviceFlags = [.twoNode, .waitForAll]
        watched.recalculate()
        watched.seconds = 700
        return watched
    }

    static func quorumLost() -> Watched {
        var watched = Watched.complete()
        watched.seconds = 75
        watched.lose(3)
        watched.seconds = 81
        watched.lose(2, quorate: false)
        watched.seconds = 93
        return watched
    }

    static func waitingForAll() -> Watched {
        var watched = Watched(.named(Array(1...7)))
        watched.cluster.deviceFlags = .waitForAll
        watched.cluster.states = [1: .member, 2: .member, 3: .member, 4: .member]
        watched.recalculate(quorate: false)
        return watched
    }

    static func days() -> Watched {
        var watched = Watched.complete()
        watched.seconds = 3 * 3600
        watched.lose(3)
        watched.seconds += 30
        watched.cluster.states[3] = .member
        watched.recalculate()
        watched.seconds += 3 * 86400 + 4 * 3600
        watched.take(watched.cluster.expect(5))
        return watched
    }

    static func device() -> Watched {
        var configuration = Configuration.named([1, 2])
        configuration.device = ConfiguredDevice(model: "net", votes: 1)
        var watched = Watched(configuration, height: 16)
        watched.cluster.deviceFlags = [.quorumDeviceRegistered, .quorumDeviceAlive, .quorumDeviceCastVote]
        watched.recalculate()
        watched.seconds = 10
        watched.cluster.deviceFlags = [.quorumDeviceRegistered]
        watched.take(.reading(watched.cluster.reading))
        return watched
    }

    static func recalculating() -> Watched {
        var watched = Watched.complete()
        watched.seconds = 100
        watched.cluster.states[2] = .dead
        watched.nodelist()
        watched.seconds = 103
        return watched
    }

    static func unsettled() -> Watched {
        var watched = recalculating()
        watched.seconds = 136
        watched.take(.deadline)
        watched.seconds = 140
        return watched
    }

    static func gone() -> Watched {
        var watched = quorumLost()
        watched.take(.disconnected(.lost))
        watched.wait(
            because: "cannot connect to corosync: corosync is not running (CS_ERR_LIBRARY from "
                + "votequorum_initialize); start corosync, and see that its quorum provider is "
                + "corosync_votequorum")
        watched.seconds += 5
        return watched
    }

    static func silent() -> Watched {
        var watched = Watched.complete(width: 40, height: 8)
        watched.seconds = 100
        watched.take(.unresponsive(silent: .seconds(10)))
        watched.seconds = 111
        return watched
    }

    static func back() -> Watched {
        var watched = gone()
        watched.cluster.states = [1: .member, 2: .member, 3: .member]
        watched.recalculate()
        watched.seconds += 20
        return watched
    }

    static func partition() -> Watched {
        var watched = Watched.complete(24, width: 100, height: 30)
        watched.seconds = 3600
        for id in UInt32(13)...24 { watched.cluster.states[id] = .dead }
        watched.recalculate(quorate: false)
        watched.seconds += 3
        return watched
    }

    static func forty() -> Watched {
        var watched = Watched.complete(40)
        watched.seconds = 86400
        watched.lose(17, 38)
        watched.seconds += 42
        return watched
    }

    static func many() -> Watched {
        var watched = Watched.complete(height: 16)
        for votes in 1...20 {
            watched.seconds += 1
            watched.take(watched.cluster.expect(UInt32(votes)))
        }
        return watched
    }

    static func strange() -> Watched {
        var configuration = Configuration.named([1, 2, 3, 4])
        configuration.clusterName = "Zürich \u{1f600}"
        configuration.nodes[0].name = "東京-1"
        configuration.nodes[1].name = "e\u{301}a\u{1b}[2Jb\u{202e}"
        configuration.nodes[2].name = String(repeating: "京", count: 100)
        configuration.nodes[3].name = "\u{fe0f}\u{20e3}x"
        var watched = Watched(configuration)
        watched.recalculate()
        watched.seconds = 120
        watched.lose(2)
        watched.note("a \u{1b}[31mdiagnostic\nof \u{9b}2J two lines")
        return watched
    }
}
