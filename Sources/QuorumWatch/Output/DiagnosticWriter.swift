// SPDX-License-Identifier: MIT

internal import Glibc

/// Writes diagnostics to standard error in a separate thread, so that a full pipe blocks no other thread. The thread is
/// started for the first diagnostic.
///
/// While a page is on the terminal, diagnostics are shown there. They are written as well unless standard error is a
/// terminal.
final class DiagnosticWriter: Sendable {
    private let outbox: Outbox<String>
    private let hasThread = Guarded(false)
    private let page: LatestValue<LiveModel>?

    /// A writer without diagnostics. Throws when no descriptor is available.
    init(page: LatestValue<LiveModel>? = nil) throws(SystemError) {
        self.page = page
        outbox = try Outbox(limits: .init(count: 1000, bytes: 1 << 20)) { $0.utf8.count }
    }

    /// A descriptor that is readable once all diagnostics are written, after ``close()``.
    var finishedDescriptor: CInt { outbox.finishedDescriptor }

    /// Queues the line `vqwatch: TEXT`. `isShown`: whether the page shows it already.
    func write(_ text: String, isShown: Bool = false) {
        let isOnPage = page?.update { isShown ? false : $0.record(diagnostic: text, time: .now) } ?? false
        if isOnPage, isatty(STDERR_FILENO) == 1 { return }
        outbox.put(text)
        let needsThread = hasThread.withLock { hasThread in
            defer { hasThread = true }
            return !hasThread
        }
        guard needsThread else { return }
        do throws(SystemError) {
            try startThread("standard error") { self.run() }
        } catch {
            // No thread is available: write what can be written without blocking.
            hasThread.withLock { $0 = false }
            while canWriteNow(to: STDERR_FILENO), let next = outbox.nextWithoutWaiting() { Self.write(next) }
        }
    }

    /// Writes no more diagnostics than those that wait.
    func close() {
        outbox.close()
        if hasThread.withLock({ !$0 }) { outbox.finish() }
    }

    private func run() {
        while true {
            let next = outbox.next()
            if case .end = next { return outbox.finish() }
            Self.write(next)
        }
    }

    private static func write(_ next: Outbox<String>.Next) {
        switch next {
        case .element(let text): _ = writeAll("vqwatch: \(text)\n".utf8, to: STDERR_FILENO)
        case .dropped(let count, _):
            let text = "\(count) diagnostics are missing here: standard error was read too slowly"
            _ = writeAll("vqwatch: \(text)\n".utf8, to: STDERR_FILENO)
        case .end: break
        }
    }
}
