// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// Keeps a file for the textfile collector of node_exporter: replaced as a whole, never changed.
struct MetricsFile: Sendable {
    let path: String
    let statistics: LatestValue<WatchStatistics>
    let diagnostics: DiagnosticWriter

    /// What is written at most, so that a flood of changes does not become a flood of files.
    private static let shortestPause = Duration.milliseconds(100)
    /// What is written at least: a file that gets older belongs to a vqwatch that is gone or stuck.
    private static let longestPause = Duration.seconds(30)
    /// The pause after a failure.
    private static let retryPause = Duration.seconds(2)

    /// Writes the first file; returns why that cannot be done, and what to do.
    func begin() -> String? {
        var information = stat()
        // What is there is going to be replaced: better not a folder, a terminal or /dev/null.
        if lstat(path, &information) == 0, information.st_mode & S_IFMT != S_IFREG {
            return "cannot write --metrics-file \(harmless(path, limit: 4096)): it is there and not a regular file; "
                + "choose another name"
        }
        return replace(with: PrometheusFormat.exposition(of: statistics.value)).map(diagnosis)
    }

    /// Writes the file for every change, until the end is said, and then that nothing is known any more.
    func run() {
        var seen = 0
        var latest = statistics.value
        var failure: CInt?
        while true {
            let deadline = Instant.now + (failure == nil ? Self.longestPause : Self.retryPause)
            switch statistics.next(after: &seen, until: deadline) {
            case .value(let newer): latest = newer
            case .none: break
            case .end:
                // The counters go with the one who counts; a file without them is how its end is told from corosync's.
                _ = replace(with: PrometheusFormat.exposition(of: nil))
                return
            }
            let error = replace(with: PrometheusFormat.exposition(of: latest))
            if let error, error != failure { diagnostics.write(diagnosis(error) + "; it is tried again") }
            failure = error
            _ = statistics.waitForEnd(until: .now + Self.shortestPause)
        }
    }

    private func diagnosis(_ error: CInt) -> String {
        "cannot write --metrics-file \(harmless(path, limit: 4096)): \(String(cString: strerror(error))); "
            + "see that its folder exists, has room and may be written to"
    }

    /// Puts a new file in the place of the old one. Returns the error number when it cannot.
    private func replace(with bytes: [UInt8]) -> CInt? {
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        // Not what the collector looks for (*.prom), and hidden.
        var template = Array("\(folder).vqwatch-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { return errno }
        var error = writeAll(bytes, to: file)
        if error == 0, fchmod(file, 0o644) != 0 { error = errno }
        if close(file) != 0, error == 0 { error = errno }
        if error == 0, rename(template, path) != 0 { error = errno }
        guard error != 0 else { return nil }
        unlink(template)
        return error
    }
}
