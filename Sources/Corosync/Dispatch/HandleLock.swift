// SPDX-License-Identifier: MIT

internal import CCorosync
internal import Synchronization

/// Serialises the calls to a C library that create or destroy handles.
///
/// The handle databases of libqb (qb/qbhdb.h) are shared by all connections of a process, and are not thread-safe: without
/// the lock, two threads that connect at the same time can get the same entry, or none. While a call waits for a corosync
/// that does not answer, these calls of other threads wait too.
///
/// One case is not covered, since it would need a lock around every call: the array of a database moves when it grows
/// (qb_array_grow, with many connections at the same time), while another thread may look up its handle.
final class HandleLock: Sendable {
    static let cmap = HandleLock()
    static let votequorum = HandleLock()

    private let lock = Mutex(())

    /// Makes a call, once no other thread makes one.
    func hold(_ call: () -> cs_error_t) -> cs_error_t { lock.withLock { _ in call() } }

    /// Makes a call unless another thread makes one. Returns whether it was made.
    func holdIfFree(_ call: () -> cs_error_t) -> Bool { lock.withLockIfAvailable { _ in _ = call() } != nil }
}
