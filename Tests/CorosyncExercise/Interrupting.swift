// SPDX-License-Identifier: MIT

import Corosync
import Glibc
import Synchronization

/// Blocks in each dispatch that can block, until another thread interrupts it.
func interrupted() throws {
    for mode in [DispatchMode.one, .blocking] {
        let quorum = try VoteQuorum()
        let interrupter = quorum.interrupter
        let thread = inThread { interruptOnceBlocked(interrupter) }
        attempt("votequorum \(mode)") {
            try quorum.dispatch(mode) { _ in }; return "returned"
        }
        pthread_join(thread, nil)
        attempt("votequorum \(mode) again") {
            try quorum.dispatch(mode) { _ in }; return "returned"
        }
        attempt("votequorum \(mode), a request") { "\(try quorum.info().id)" }
    }
    for mode in [DispatchMode.one, .blocking] {
        let map = try ConfigurationMap()
        let interrupter = map.interrupter
        let thread = inThread { interruptOnceBlocked(interrupter) }
        attempt("cmap \(mode)") {
            try map.dispatch(mode) { _ in }; return "returned"
        }
        pthread_join(thread, nil)
    }
}

/// Waits until the main thread sleeps in poll(2), which is where a dispatch blocks.
private func interruptOnceBlocked(_ interrupter: Interrupter) {
    while !mainThreadPolls() { sched_yield() }
    interrupter.interrupt()
}

/// Whether the system call of the main thread is poll(2) or ppoll(2), by the numbers of x86-64 and of arm64.
private func mainThreadPolls() -> Bool {
    #if arch(x86_64)
        let polls = [7, 271]
    #else
        let polls = [73]
    #endif
    return number(0, of: "/proc/self/syscall").map(polls.contains) ?? false
}

/// Interrupts connections that are closed, whose descriptors are in use for something else.
func closed() throws {
    func reuse(_ name: String, _ descriptor: CInt, _ interrupter: Interrupter) {
        var pair: [CInt] = [-1, -1]
        var taken: [CInt] = []
        defer { for descriptor in taken { close(descriptor) } }
        repeat {
            socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair)
            taken += pair
        } while !pair.contains(descriptor) && pair.allSatisfy { $0 < descriptor }
        guard pair.contains(descriptor) else { return say("\(name): descriptor \(descriptor) is not free") }
        interrupter.interrupt()
        let sent = send(pair[0], "x", 1, CInt(MSG_NOSIGNAL))
        var byte: UInt8 = 0
        let received = read(pair[1], &byte, 1)
        say("\(name): \(sent == 1 && received == 1 ? "the other use goes on" : "the other use is shut down")")
    }
    let (quorumDescriptor, quorumInterrupter) = try closedQuorum()
    reuse("votequorum", quorumDescriptor, quorumInterrupter)
    let (mapDescriptor, mapInterrupter) = try closedMap()
    reuse("cmap", mapDescriptor, mapInterrupter)
}

private func closedQuorum() throws -> (CInt, Interrupter) {
    let quorum = try VoteQuorum()
    return (quorum.fileDescriptor, quorum.interrupter)
}

private func closedMap() throws -> (CInt, Interrupter) {
    let map = try ConfigurationMap()
    return (map.fileDescriptor, map.interrupter)
}

/// Interrupts a connection after the other from many threads, before, while and after it is closed.
func races() throws {
    let shared = Shared()
    let threads = (0..<8).map { _ in
        inThread {
            while !shared.isOver.load(ordering: .relaxed) { shared.latest.withLock { $0 }?.interrupt() }
        }
    }
    var pair: [CInt] = [-1, -1]
    var damaged = 0
    var interrupted = 0
    for _ in 0..<100 {
        do {
            let quorum = try VoteQuorum()
            shared.latest.withLock { $0 = quorum.interrupter }
            do { try quorum.dispatch(.blocking) { _ in } } catch { interrupted += 1 }
        } catch { say("failed: \(error)") }
        // The descriptors that the connection had.
        socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair)
        sched_yield()
        if send(pair[0], "x", 1, CInt(MSG_NOSIGNAL)) != 1 { damaged += 1 }
        for descriptor in pair { Glibc.close(descriptor) }
    }
    shared.isOver.store(true, ordering: .relaxed)
    for thread in threads { pthread_join(thread, nil) }
    say("races: \(interrupted) interrupted, \(damaged) damaged")
}

/// Connects, tracks a key and disconnects in many threads at the same time.
func connecting() throws {
    let failures = Mutex<[String]>([])
    let threads = (0..<8).map { number in
        inThread {
            for _ in 0..<20 {
                do {
                    let map = try ConfigurationMap(number % 2 == 0 ? .configuration : .statistics)
                    _ = try map.startTracking("stats.srp.mcast_retx", for: .modify)
                    _ = try VoteQuorum().info()
                } catch let error as CorosyncError where error.isTransient {
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
        }
    }
    for thread in threads { pthread_join(thread, nil) }
    say("failures: \(failures.withLock { $0 })")
}

private final class Shared: Sendable {
    let latest = Mutex<Interrupter?>(nil)
    let isOver = Atomic(false)
}
