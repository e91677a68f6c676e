// SPDX-License-Identifier: MIT

import Corosync
import Glibc
import Synchronization

/// Follows until the connection is lost.
func followed() async throws {
    do {
        for try await element in VoteQuorum.Notifications() {
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
    let notifications = VoteQuorum.Notifications(limit: 10) { notification, quorum throws(CorosyncError) in
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
            for try await _ in VoteQuorum.Notifications(.changes) { reporter.yield("received") }
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
        var iterator = VoteQuorum.Notifications().makeAsyncIterator()
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
        for try await _ in VoteQuorum.Notifications() { say("received") }
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
        for try await _ in VoteQuorum.Notifications() { say("received") }
    }
    // The connection is being made.
    while sockets() == before { await Task.yield() }
    task.cancel()
    try await task.value
    say("cancelled")
}
