// SPDX-License-Identifier: MIT

internal import CCorosync
internal import Synchronization

/// Serialises the calls to a C library that create or destroy handles.
///
/// The handle databases of libqb (qb/qbhdb.h) are shared by all connections of a process, and are not thread-safe: without
/// the lock, two threads that connect at the same time can get the same entry, or none. While a call waits for a corosync
/// that does not answer, these calls of other threads wait too.
enum HandleLock {
    private static let cmapLock = Mutex(())
    private static let votequorumLock = Mutex(())

    /// Makes a call to libcmap.
    static func cmap(_ call: () -> cs_error_t) -> cs_error_t { cmapLock.withLock { _ in call() } }

    /// Makes a call to libvotequorum.
    static func votequorum(_ call: () -> cs_error_t) -> cs_error_t { votequorumLock.withLock { _ in call() } }
}
