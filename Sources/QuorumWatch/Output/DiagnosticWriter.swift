// SPDX-License-Identifier: MIT

internal import DequeModule
internal import Glibc

/// Writes diagnostics to standard error, in a thread of its own that is started with the first: a standard error that is
/// full blocks nothing else.
final class DiagnosticWriter: Sendable {
    private struct State: Sendable {
        var lines: Deque<String> = []
        var dropped = 0
        var hasThread = false
    }

    /// How many lines wait at most; past that the oldest are dropped, and one line says how many.
    private static let capacity = 1000

    private let state = Guarded(State())
    private let idle: Flag

    /// A writer that has written nothing. Throws when there is no descriptor to be had.
    init() throws(SystemError) {
        idle = try Flag()
        idle.raise()
    }

    /// Readable while everything is written.
    var idleDescriptor: CInt { idle.descriptor }

    /// Queues `vqwatch: TEXT` as a line.
    func write(_ text: String) {
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
            // Without a thread, what standard error takes at once is written.
            state.withLock { $0.hasThread = false }
            while canWriteNow(to: STDERR_FILENO), let line = state.withLock({ next(&$0) }) { Self.write(line) }
        }
    }

    private func run() {
        while true {
            if let line = state.wait(for: { self.next(&$0) }) { Self.write(line) }
        }
    }

    /// Takes the next line; with none, everything before is written.
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
