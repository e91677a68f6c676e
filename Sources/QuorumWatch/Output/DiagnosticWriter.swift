// SPDX-License-Identifier: MIT

internal import DequeModule
internal import Glibc

/// Writes diagnostics to standard error in a separate thread, so that a full pipe blocks no other thread. The thread is
/// started for the first diagnostic.
///
/// While a page is on the terminal, diagnostics are shown there. They are written as well unless standard error is a
/// terminal.
final class DiagnosticWriter: Sendable {
    private struct State: Sendable {
        var lines: Deque<String> = []
        var dropped = 0
        var hasThread = false
    }

    /// The maximum number of queued lines. If there are more, the oldest are dropped, and a line reports how many.
    private static let capacity = 1000

    private let state = Guarded(State())
    private let idle: Flag
    private let page: LatestValue<LiveModel>?

    /// A writer without diagnostics. Throws when no descriptor is available.
    init(page: LatestValue<LiveModel>? = nil) throws(SystemError) {
        self.page = page
        idle = try Flag()
        idle.raise()
    }

    /// A descriptor that is readable while no line is queued or being written.
    var idleDescriptor: CInt { idle.descriptor }

    /// Queues the line `vqwatch: TEXT`. `isShown`: whether the page shows it already.
    func write(_ text: String, isShown: Bool = false) {
        let isOnPage = page?.update { isShown ? false : $0.record(diagnostic: text, time: .now) } ?? false
        if isOnPage, isatty(STDERR_FILENO) == 1 { return }
        let needsThread = state.withLock { state in
            if state.lines.count == Self.capacity {
                state.lines.removeFirst()
                state.dropped += 1
            }
            state.lines.append(text)
            idle.lower()
            defer { state.hasThread = true }
            return !state.hasThread
        }
        guard needsThread else { return }
        do throws(SystemError) {
            try startThread("standard error") { self.run() }
        } catch {
            // No thread is available: write the lines that can be written without blocking.
            state.withLock { $0.hasThread = false }
            while canWriteNow(to: STDERR_FILENO), let line = state.withLock({ next(&$0) }) { Self.write(line) }
        }
    }

    private func run() {
        while true {
            if let line = state.wait(for: { self.next(&$0) }) { Self.write(line) }
        }
    }

    /// Removes and returns the next line. If there is none, all lines before it have been written.
    private func next(_ state: inout State) -> String? {
        guard !state.lines.isEmpty else {
            idle.raise()
            return nil
        }
        guard state.dropped > 0 else { return state.lines.removeFirst() }
        defer { state.dropped = 0 }
        return "\(state.dropped) diagnostics are missing here: standard error was read too slowly"
    }

    private static func write(_ text: String) { _ = writeAll("vqwatch: \(text)\n".utf8, to: STDERR_FILENO) }
}
