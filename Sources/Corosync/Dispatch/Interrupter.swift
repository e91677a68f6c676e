// SPDX-License-Identifier: MIT

internal import Glibc
internal import Synchronization

/// Ends a connection from any thread (``VoteQuorum/interrupter``, ``ConfigurationMap/interrupter``).
///
/// It may be kept and used for longer than the connection exists: once the connection is closed, ``interrupt()`` does
/// nothing, even if the descriptor's number is in use again.
public final class Interrupter: Sendable {
    /// The descriptor of the connection for as long as it is open. The lock is held while the descriptor is shut down,
    /// so that the connection cannot close it meanwhile.
    private let descriptor: Mutex<CInt?>

    init(_ descriptor: CInt) { self.descriptor = Mutex(descriptor) }

    /// Ends the connection, if it is open, as if corosync had hung up (shutdown(2)).
    ///
    /// A dispatch that waits throws `CS_ERR_LIBRARY` at once, a request that waits for an answer within about two
    /// seconds, and every later call at once. Nothing else ends such a wait: the library waits again after a signal.
    ///
    /// It does not wait for corosync. It may be called from several threads, and more than once, but not from a signal
    /// handler.
    public func interrupt() {
        descriptor.withLock { if let descriptor = $0 { shutDown(descriptor) } }
    }

    /// Records that the connection is about to close its descriptor.
    func connectionWillClose() { descriptor.withLock { $0 = nil } }
}

/// Makes the library take the connection with this descriptor for lost.
func shutDown(_ descriptor: CInt) { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }
