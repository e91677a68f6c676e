// SPDX-License-Identifier: MIT

/// Everything that determines a page: the facts, the size of the terminal, and the choices of its user. Pure.
struct LiveModel: Sendable {
    private(set) var facts: LiveFacts
    private(set) var size: TerminalSize
    /// How many entries are newer than the last one on the page.
    var scroll = 0
    var showsKeys = false
    /// Whether the page is suspended (Ctrl-Z).
    var isSuspended = false
    /// Counts the requests to draw the whole page again.
    var redraws = 0

    /// Records the events of an input and the state of the reducer after it. Returns whether anything changed.
    mutating func record(_ events: [Event], _ reducer: Reducer, at now: Instant) -> Bool {
        update { $0.record(events, reducer, at: now) }
    }

    /// Records that the watch is waiting for corosync, and why. Returns true.
    mutating func recordWaiting(because reason: String) -> Bool {
        update { $0.recordWaiting(because: reason) }
        return true
    }

    /// Records a diagnostic. Returns true.
    mutating func record(diagnostic text: String, time: Timestamp) -> Bool {
        update { $0.record(diagnostic: text, time: time) }
        return true
    }

    /// Changes the facts. After scrolling back, the same entries stay on the page.
    private mutating func update<Result>(_ change: (inout LiveFacts) -> Result) -> Result {
        let added = facts.added
        defer { if scroll > 0 { scroll += facts.added - added } }
        return change(&facts)
    }

    /// Sets the size of the terminal. Returns whether it changed.
    mutating func resize(to new: TerminalSize) -> Bool {
        defer { size = new }
        return new != size
    }

    /// Applies a key to the page. ``LiveKey/quit`` has no effect here.
    mutating func press(_ key: LiveKey) {
        switch key {
        case .up: scroll += 1
        case .down: scroll = max(0, scroll - 1)
        case .pageUp: scroll += size.height / 2
        case .pageDown: scroll = max(0, scroll - size.height / 2)
        case .oldest: scroll = facts.entries.count
        case .newest: scroll = 0
        case .help: showsKeys.toggle()
        case .redraw: redraws += 1
        case .quit: break
        }
    }
}
