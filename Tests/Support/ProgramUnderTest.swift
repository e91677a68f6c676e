// SPDX-License-Identifier: MIT

internal import Glibc

/// The program under test: the release program that `make build` leaves, which is what users get, or the one that
/// `VQWATCH_PROGRAM` names.
///
/// Ends the tests if the program is missing or older than its sources.
public let vqwatch: String = {
    if let path = getenv("VQWATCH_PROGRAM") { return String(cString: path) }
    let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let path = "\(root)/.build/release/vqwatch"
    guard let built = modificationTime(of: path) else { refuse("\(path) is not there") }
    let sources = ["\(root)/Sources", "\(root)/Package.swift"].compactMap(newestFile(in:)).max { $0.time < $1.time }
    if let sources, sources.time > built { refuse("\(sources.path) is newer than \(path)") }
    return path
}()

/// The four values of `--dispatch`.
public let dispatchModes = ["all", "one", "blocking", "one-nonblocking"]

private func refuse(_ reason: String) -> Never {
    _ = writeAll(Array("cannot test the program: \(reason); run: make build\n".utf8), to: 2)
    exit(1)
}

/// The newest file in a folder, and when it was changed.
private func newestFile(in path: String) -> (path: String, time: Int)? {
    let names = namesInFolder(path)
    guard names.isEmpty else { return names.compactMap { newestFile(in: "\(path)/\($0)") }.max { $0.time < $1.time } }
    return modificationTime(of: path).map { (path, $0) }
}

/// When a file was changed, in nanoseconds since 1970.
private func modificationTime(of path: String) -> Int? {
    var information = stat()
    guard stat(path, &information) == 0 else { return nil }
    return information.st_mtim.tv_sec * 1_000_000_000 + information.st_mtim.tv_nsec
}
