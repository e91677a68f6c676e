// SPDX-License-Identifier: MIT

internal import Corosync
internal import DequeModule

/// The page of `--live` as lines of text, for a terminal of any size. Pure.
///
/// From top to bottom: the verdict, the votes, the nodes, the latest events, and the connection with the keys. Parts
/// that do not fit are left out, the verdict and the votes last.
struct LivePage {
    /// The lines: as many as the terminal has, and none wider.
    private(set) var lines: [StyledText] = []
    /// How many entries are newer than the last one on the page, limited to what can be scrolled.
    private(set) var scroll: Int
    /// When a duration on the page changes next.
    var nextChange: Instant? { durations.nextChange }

    let facts: LiveFacts
    let size: TerminalSize
    let time: Timestamp
    let glyphs: Glyphs
    var durations: Durations

    /// The page at a moment of the monotonic clock, and the same moment of the wall clock.
    init(_ model: LiveModel, at now: Instant, time: Timestamp, isPlain: Bool = false) {
        facts = model.facts
        size = model.size
        scroll = model.scroll
        self.time = time
        glyphs = Glyphs(isPlain: isPlain)
        durations = Durations(now: now, glyphs: glyphs)
        let head = head()
        let footHeight = size.height > 2 ? 1 : 0
        let room = max(0, size.height - head.count - footHeight)
        let body = model.showsKeys ? keys() : body(room: room)
        lines = head + body.prefix(room)
        lines += Array(repeating: "", count: max(0, size.height - footHeight - lines.count))
        lines = lines.prefix(size.height - footHeight) + [foot()]
        lines = lines.prefix(size.height).map { $0.cut(to: size.width, mark: glyphs.text("…")) }
    }

    /// Whether there is room for blank lines and less important facts.
    private var isSpacious: Bool { size.height >= 16 }

    // MARK: Head

    private mutating func head() -> [StyledText] {
        var head = [title()]
        if let state = facts.state {
            // What is known is of before the recalculation.
            head += facts.recalculation == nil ? votes(of: state) + problems(of: state) : recalculation(of: state)
        } else {
            head += trouble()
        }
        return head + (isSpacious ? [""] : [])
    }

    private mutating func title() -> StyledText {
        let decision = facts.state?.decision ?? Verdict(votes: Votes())
        var verdict = decision.styled
        if facts.state != nil, let recalculation = facts.recalculation {
            verdict = StyledText("RECALCULATING", .warning) + StyledText(" (was \(decision.word))")
            verdict +=
                durations.text(since: .init(instant: recalculation.since, isExact: true)).map { " for \($0)" } ?? ""
        } else if let since = durations.text(since: facts.verdictSince) {
            verdict += " for \(since)"
        }
        guard let name = facts.clusterName else { return verdict }
        // A long name must not displace the verdict.
        let room = max(8, size.width - verdict.columns - 2)
        return StyledText(glyphs.text(escaped(name)).cut(to: room, mark: glyphs.text("…")) + ": ") + verdict
    }

    private func votes(of state: ClusterState) -> [StyledText] {
        // The problems name the nodes that wait_for_all waits for.
        let isWaiting = state.decision.waitsForAll && state.votes.margin ?? -1 >= 0
        // The bar is left out rather than the names of nodes that would help.
        let line = StyledText(glyphs.text(isSpacious && !isWaiting ? state.summary : state.decision.summary))
        var lines: [StyledText]
        if let bar = bar(of: state, room: size.width - line.columns - 1) {
            lines = [bar + " " + line]
        } else {
            lines = Array(line.wrapped(to: size.width, indent: 2).prefix(isSpacious ? 3 : 1))
        }
        if let device = state.deviceText, size.height >= 10 {
            let isWorking = state.device?.state?.isWorking ?? false
            lines.append(StyledText(glyphs.text("quorum device \(device)"), isWorking ? nil : .warning))
        }
        let flags = state.flags.map { $0.clusterFlagNames.filter { $0 != "Quorate" } } ?? []
        if !flags.isEmpty, isSpacious { lines.append(StyledText("flags \(flags.joined(separator: " "))")) }
        return lines
    }

    private func recalculation(of state: ClusterState) -> [StyledText] {
        let membership = state.ring.map { " of membership \($0)" } ?? ""
        return [StyledText("votequorum counts the votes\(membership)")]
    }

    /// The problems that the lines above do not express, as many as there is room for.
    func problems(of state: ClusterState) -> [StyledText] {
        let problems = state.problems.filter { ![.notQuorate, .unsettled].contains($0.code) }
        let room = size.height < 10 ? 0 : isSpacious ? size.height / 6 : 1
        let shown = problems.count > room ? problems.prefix(max(0, room - 1)) : problems[...]
        let rest = problems.count - shown.count
        let more = count(rest, shown.isEmpty ? "problem" : "more problem")
        return shown.map { StyledText(glyphs.text(escaped($0.text, limit: 1000)), $0.severity.style) }
            + (rest > 0 && room > 0 ? [StyledText(more, .warning)] : [])
    }

    /// The reason why no state is known.
    private mutating func trouble() -> [StyledText] {
        func length(_ start: Instant) -> String {
            durations.text(since: .init(instant: start, isExact: true)) ?? ""
        }
        let reason =
            switch facts.connection {
            case .starting, .connected: "connecting to corosync"
            case .missing(let reason): reason
            case .silent(let start): "corosync has not answered for \(length(start))"
            case .unsettled(let reason, let start): reason.text(of: nil, for: length(start))
            }
        let lines = StyledText(glyphs.text(reason), .warning).wrapped(to: size.width, indent: 2)
        return Array(lines.prefix(isSpacious ? 4 : 2))
    }

    // MARK: Body

    private mutating func body(room: Int) -> [StyledText] {
        guard room > 0 else { return [] }
        let gap = isSpacious && facts.state != nil ? 1 : 0
        let mostNodes = room - gap - (room >= 12 ? 5 : room >= 8 ? 2 : 1)
        var body = facts.state.map { nodes(of: $0, room: mostNodes) } ?? []
        body += Array(repeating: "", count: gap)
        return body + events(room: room - body.count)
    }

    /// The latest entries that fit, the newest last.
    private mutating func events(room: Int) -> [StyledText] {
        let entries = facts.entries
        scroll = min(scroll, max(0, entries.count - 1))
        guard room > 0, !entries.isEmpty else { return [] }
        var shown: [StyledText] = []
        var first = entries.count - scroll
        while first > 0 {
            let older = lines(of: entries[first - 1])
            guard shown.count + older.count <= room || shown.isEmpty else { break }
            shown = older + shown
            first -= 1
        }
        // At the oldest entry, scrolling stops while the area is full.
        while first == 0, scroll > 0 {
            let newer = lines(of: entries[entries.count - scroll])
            guard shown.count + newer.count <= room else { break }
            shown += newer
            scroll -= 1
        }
        return Array(shown.prefix(room))
    }

    private func lines(of entry: LiveFacts.Entry) -> [StyledText] {
        let text: StyledText
        switch entry {
        case .event(let item):
            text = StyledText(stamp(item.event.time), .faint) + EventText(item.event, item.changes).line
        case .diagnostic(let words, let time):
            text = StyledText(stamp(time), .faint) + StyledText(escaped(words, limit: 1000), .warning)
        }
        return glyphs.text(text).wrapped(to: size.width, indent: 9)
    }

    /// The time of day, or the date if it is not today.
    private func stamp(_ time: Timestamp) -> String {
        let (then, now) = (time.local, self.time.local)
        return (then.prefix(10) == now.prefix(10) ? then.dropFirst(11).prefix(8) : then.dropFirst(5).prefix(5) + "   ")
            + " "
    }

    private func keys() -> [StyledText] {
        var lines: [StyledText] = [
            "q, Ctrl-C        quit",
            "j, k, ↑, ↓       scroll the events",
            "PgUp, PgDn       scroll by half a page",
            "g, G, Home, End  the oldest, the newest",
            "Ctrl-Z           suspend; fg resumes",
            "Ctrl-L           draw the page again",
            "?                show or hide the keys",
        ]
        if size.height >= 14 {
            lines += [
                "", "*                this node", "│                the quorum, in the bar of votes",
                "≥                at least this long",
            ]
        }
        return lines.map { glyphs.text($0) }
    }

    // MARK: Foot

    private func foot() -> StyledText {
        var words: [String] = scroll > 0 ? ["\(scroll) newer below"] : []
        switch facts.connection {
        case .connected, .unsettled: words.append("connected")
        case .starting: words.append("connecting")
        case .missing: words.append("no connection")
        case .silent: words.append("no answer")
        }
        if let ring = facts.state?.ring { words.append("membership \(ring)") }
        let left = words.joined(separator: ", ")
        let keys = ["q quit  j k scroll  ? keys", "q quit  ? keys", "? keys"].first {
            left.columns + 2 + $0.columns <= size.width
        }
        return StyledText(keys.map { left.padded(to: size.width - $0.columns) + $0 } ?? left, .faint)
    }
}
