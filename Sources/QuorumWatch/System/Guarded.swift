// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// A value that is protected by a mutex, with a condition variable to wait for changes.
///
/// Not the Mutex of Synchronization: the thread sanitizer takes two threads that contend for one for a data race.
final class Guarded<Value: Sendable>: @unchecked Sendable {
    private var value: Value
    // POSIX requires a fixed address for a mutex and a condition variable.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting = 0

    init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Reads or changes the value, and wakes the waiters.
    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { unlock() }
        return body(&value)
    }

    /// Reads or changes the value, and wakes the waiters if `body` returns true.
    func wakingIfNeeded(_ body: (inout Value) -> Bool) {
        pthread_mutex_lock(mutex)
        if body(&value) { unlock() } else { pthread_mutex_unlock(mutex) }
    }

    /// Waits until `body` returns a result, and returns it; nil after the deadline.
    func wait<Result>(until deadline: Instant? = nil, for body: (inout Value) -> Result?) -> Result? {
        pthread_mutex_lock(mutex)
        defer { unlock() }
        while true {
            if let result = body(&value) { return result }
            waiting += 1
            defer { waiting -= 1 }
            guard let deadline else {
                pthread_cond_wait(changed, mutex)
                continue
            }
            var time = deadline.timespec
            if pthread_cond_timedwait(changed, mutex, &time) == ETIMEDOUT { return body(&value) }
        }
    }

    /// Unlocks first, so that a waiter does not wake up only to wait for the mutex.
    private func unlock() {
        let hasWaiters = waiting > 0
        pthread_mutex_unlock(mutex)
        if hasWaiters { pthread_cond_broadcast(changed) }
    }
}
