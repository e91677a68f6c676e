// SPDX-License-Identifier: MIT

import Corosync
import Glibc
import Synchronization

/// Follows until the connection is lost.
func followed() async throws {
    do {
        for try await element in VoteQuorum.notifications() {
            guard case .received(let notification) = element else { return say("dropped") }
            say(text(notification))
        }
        say("ended")
    } catch {
        say("ended: \(text(error))")
    }
}

/// Reads nothing until far more notifications came than are queued.
func dropped() async throws {
    // Every start of the tracking queues two notifications, so that the first makes 2000 of them.
    let taken = Counter()
    let notifications = VoteQuorum.notifications(limit: 10) { _, quorum throws(CorosyncError) in
        let number = taken.increment()
        if number == 1 { for _ in 0..<1000 { try? quorum.startTracking(.changes) } }
        return number
    }
    var iterator = notifications.makeAsyncIterator()
    guard case .received(1) = try await iterator.next() else { return say("not the first") }
    while taken.value < 2002 { await Task.yield() }
    guard case .dropped(let count) = try await iterator.next() else { return say("nothing dropped") }
    var numbers: [Int] = []
    for _ in 0..<10 {
        if case .received(let number) = try await iterator.next() { numbers.append(number) }
    }
    say("dropped \(count), then \(numbers.map(String.init).joined(separator: " "))")
}

/// Cancels a task that waits, and lets an iterator go.
func cancelled() async throws {
    let (reports, reporter) = AsyncStream<String>.makeStream()
    let task = Task {
        do {
            for try await _ in VoteQuorum.notifications(.changes) { reporter.yield("received") }
            reporter.yield(Task.isCancelled ? "ended by the cancellation" : "ended")
        } catch {
            reporter.yield("ended: \(text(error))")
        }
        reporter.finish()
    }
    var count = 0
    for await report in reports {
        say(report)
        count += 1
        if count == 2 { task.cancel() }
    }
    do {
        var iterator = VoteQuorum.notifications().makeAsyncIterator()
        _ = try await iterator.next()
    }
    // The connections are closed by their threads, soon after.
    while links(in: "/proc/self/map_files", to: "/dev/shm/qb") > 0 { await Task.yield() }
    say("no connection left")
}

/// Follows when the system has no memory for the stack of a thread.
func noThread() async throws {
    // The runtime's own threads come first.
    await Task.detached {}.value
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    limit.rlim_cur = rlim_t((number(0, of: "/proc/self/statm") ?? 0) * Int(getpagesize()) + 2 << 20)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    do {
        for try await _ in VoteQuorum.notifications() { say("received") }
    } catch {
        say("ended: \(error)")
    }
}

private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func increment() -> Int { count.add(1, ordering: .sequentiallyConsistent).newValue }
}

/// Cancels a task that waits for a corosync that hangs.
func cancelledWhileHung() async throws {
    let sockets = { links(in: "/proc/self/fd", to: "socket:") }
    let before = sockets()
    let task = Task {
        for try await _ in VoteQuorum.notifications() { say("received") }
    }
    // The connection is being made.
    while sockets() == before { await Task.yield() }
    task.cancel()
    try await task.value
    say("cancelled")
}

/// Follows and cancels again and again while corosync hangs.
func restartedWhileHung() async throws {
    func followAndCancel() async throws {
        let isIterating = Counter()
        let task = Task {
            _ = isIterating.increment()
            for try await _ in VoteQuorum.notifications() { say("received") }
        }
        while isIterating.value == 0 { await Task.yield() }
        for _ in 0..<100 { await Task.yield() }
        task.cancel()
        try await task.value
    }
    let cancelled = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        let sockets = { links(in: "/proc/self/fd", to: "socket:") }
        let before = sockets()
        for try await _ in ConfigurationMap.changes(of: ["test.": [.add, .prefix]]) { say("received") }
        // A thread would connect now.
        for _ in 0..<1000 where sockets() == before { await Task.yield() }
        return sockets() - before
    }
    say("sockets of a cancelled task: \(try await cancelled.value)")

    // The threads of the runtime come first.
    for _ in 0..<5 { try await followAndCancel() }
    let before = countOfThreads()
    for _ in 0..<50 { try await followAndCancel() }
    say("threads: \(countOfThreads() - before < 5 ? "few" : "\(countOfThreads() - before) more")")
}

private func countOfThreads() -> Int {
    guard let folder = opendir("/proc/self/task") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
}

/// Follows the changes of a map, of which the test makes some.
func changed() async throws {
    let changes = ConfigurationMap.changes(
        of: ["test.": [.add, .modify, .delete, .prefix]], every: .milliseconds(50)
    ) { change, map throws(ConfigurationMap.ReadError) in
        guard let change else { return "nothing" }
        return "\(change.kind) \(change.key), now \(try map.get(change.key, as: UInt32.self).map(String.init) ?? "nil")"
    }
    var last = ""
    for try await element in changes {
        guard case .received(let line) = element, line != last else { continue }
        last = line
        say(line)
        if line.hasPrefix("deleted") { return }
    }
}

/// Follows votes by nothing but readings at an interval.
func silent() async throws {
    let votes = VoteQuorum.notifications(every: .milliseconds(50)) { notification, quorum throws(CorosyncError) in
        notification == nil ? try quorum.info().totalVotes : 0
    }
    for try await element in votes {
        guard case .received(let total) = element else { continue }
        if total == 2 { try VoteQuorum().setVotes(2, of: 1) }
        if total == 3 { return say("read again: 3") }
    }
}

/// Reads with a closure that throws.
func refusedReading() async {
    do {
        let notifications = VoteQuorum.notifications { _, _ throws(Refused) -> Int in
            throw Refused(notification: "read")
        }
        for try await _ in notifications { say("received") }
        say("ended")
    } catch .read(let error) {
        say("ended: refused \(error.notification)")
    } catch {
        say("ended: \(error)")
    }
}

/// Traps in a thread of the library.
func trapped() async throws {
    for signal in [SIGILL, SIGTRAP] {
        Glibc.signal(signal) { _ in
            _ = write(1, "the trap is handled\n", 20)
            _exit(0)
        }
    }
    let notifications = VoteQuorum.notifications { notification, _ throws(Never) -> Int in
        fatalError("\(notification as Any)")
    }
    for try await _ in notifications { say("received") }
}
