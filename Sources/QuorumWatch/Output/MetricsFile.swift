// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// Writes a file for the textfile collector of node_exporter. Each update replaces the file atomically.
struct MetricsFile: Sendable {
    let path: String
    let record: LatestValue<WatchRecord>
    let diagnostics: DiagnosticWriter

    /// The minimum time between two writes, so that frequent changes do not cause frequent writes.
    private static let shortestPause = Duration.milliseconds(100)
    /// The maximum time between two writes. A file that is older shows that vqwatch is not running or hangs.
    private static let longestPause = Duration.seconds(30)
    /// The pause before a retry.
    private static let retryPause = Duration.seconds(2)

    /// Writes the first file. If that fails, returns a diagnosis: why, and what to do.
    func begin() -> String? {
        var information = stat()
        // The file is going to be replaced, which must not happen to a folder, a terminal or /dev/null.
        if lstat(path, &information) == 0, information.st_mode & S_IFMT != S_IFREG {
            return "cannot write --metrics-file \(escaped(path, limit: 4096)): it exists and is not a regular file; "
                + "choose another name"
        }
        return replace(with: PrometheusFormat.exposition(of: record.value)).map(diagnosis)
    }

    /// Writes the file for every change until the series ends, and then a last file without a state.
    func run() {
        var seen = 0
        var failure: CInt?
        while true {
            let deadline = Instant.now + (failure == nil ? Self.longestPause : Self.retryPause)
            guard let latest = record.next(after: &seen, until: deadline) else { break }
            let error = replace(with: PrometheusFormat.exposition(of: latest))
            if let error, error != failure { diagnostics.write(diagnosis(error) + "; trying again") }
            failure = error
            _ = record.waitForEnd(until: .now + Self.shortestPause)
        }
        // Without the counters, a reader can tell that vqwatch has ended, not corosync.
        _ = replace(with: PrometheusFormat.exposition(of: nil))
    }

    private func diagnosis(_ error: CInt) -> String {
        "cannot write --metrics-file \(escaped(path, limit: 4096)): \(String(cString: strerror(error))); "
            + "check that its folder exists, is writable and has free space"
    }

    /// Replaces the file. Returns the error number; nil on success.
    private func replace(with bytes: [UInt8]) -> CInt? {
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        // A name that the collector ignores, since it reads *.prom, and a hidden one.
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
