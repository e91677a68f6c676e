// SPDX-License-Identifier: MIT

import Corosync
import Glibc

/// Prints what `body` returns, or the error that it throws.
func attempt(_ name: String, _ body: () throws -> String) {
    do {
        say("\(name): \(try body())")
    } catch {
        say("\(name): \(text(error))")
    }
}

func say(_ line: String) {
    print(line)
    fflush(nil)
}

func text(_ error: any Error) -> String {
    switch error {
    case let error as CorosyncError: "\(error.code) from \(error.operation.rawValue)"
    case ConfigurationMap.ReadError.corosync(let error): text(error)
    case NotificationsError<Never>.corosync(let error): text(error)
    case DispatchError<Refused>.corosync(let error): text(error)
    case DispatchError<Refused>.handler(let error): "refused \(error.notification)"
    default: "\(error)"
    }
}

func text(_ notification: VoteQuorum.Notification) -> String {
    switch notification {
    case .nodelist(let ring, let members): "nodelist \(ring) \(members)"
    case .quorum(let quorate, let nodes):
        "quorum \(quorate) \(nodes.sorted { $0.id < $1.id }.map { "\($0.id)=\($0.state)" })"
    case .expectedVotes(let votes): "expected \(votes)"
    }
}

/// A number of a file that the kernel makes, counted from 0; nil when there is none.
func number(_ position: Int, of path: String) -> Int? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var line = [UInt8](repeating: 0, count: 1024)
    let count = fread(&line, 1, line.count, file)
    let words = String(decoding: line[..<count], as: UTF8.self).split { $0.isWhitespace }
    return position < words.count ? Int(words[position]) : nil
}

/// How many links in a folder lead to a path that begins with `prefix`.
func links(in folder: String, to prefix: String) -> Int {
    guard let stream = opendir(folder) else { return 0 }
    defer { closedir(stream) }
    var count = 0
    var target = [UInt8](repeating: 0, count: 4096)
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let length = target.withUnsafeMutableBytes { target in
            readlink("\(folder)/\(name)", target.baseAddress!.assumingMemoryBound(to: CChar.self), target.count)
        }
        if length > 0, String(decoding: target[..<length], as: UTF8.self).hasPrefix(prefix) { count += 1 }
    }
    return count
}

/// Runs `body` in a thread with room for a dispatch.
func inThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Body { let run: @Sendable () -> Void; init(_ run: @escaping @Sendable () -> Void) { self.run = run } }
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { context in
            Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        }, Unmanaged.passRetained(Body(body)).toOpaque())
    return thread
}
