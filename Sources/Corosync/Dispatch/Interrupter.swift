// SPDX-License-Identifier: MIT

internal import CCorosync
internal import Glibc
internal import Synchronization

/// Ends a connection from any thread (``VoteQuorum/interrupter``, ``ConfigurationMap/interrupter``).
///
/// It may be kept and used for longer than the connection exists: once the connection is closed, ``interrupt()`` ends
/// nothing, even if the descriptor's number is in use again.
public final class Interrupter: Sendable {
    private let flag = Atomic(false)
    /// The descriptor of the connection for as long as it is open. The lock is held while the descriptor is shut down,
    /// so that the connection cannot close it meanwhile.
    private let descriptor: Mutex<CInt?>

    init(_ descriptor: CInt) { self.descriptor = Mutex(descriptor) }

    /// Whether ``interrupt()`` was called.
    public var isInterrupted: Bool { flag.load(ordering: .acquiring) }

    /// Ends the connection, if it is open (shutdown(2)).
    ///
    /// A dispatch that waits throws ``CorosyncError/Code/connectionInterrupted`` at once, a request that waits for an
    /// answer within about two seconds, and every later call at once. Nothing else ends such a wait: the library waits
    /// again after a signal. With `qb_ipc_type: socket` in corosync.conf(5) a request that waits is not ended before
    /// corosync answers.
    ///
    /// It does not wait for corosync. It may be called from several threads, and more than once, but not from a signal
    /// handler.
    public func interrupt() {
        flag.store(true, ordering: .releasing)
        descriptor.withLock { if let descriptor = $0 { shutDown(descriptor) } }
    }

    /// Records that the connection is about to close its descriptor.
    func connectionWillClose() { descriptor.withLock { $0 = nil } }

    /// Makes a call to the library on this connection, unless it was interrupted. Every call goes through here or through
    /// the function of the same name without a connection: an imported C function's result may be dropped without a
    /// warning, and a dropped `cs_error_t` is a lie waiting to be printed.
    @inline(__always)
    func check(
        _ operation: CorosyncError.Operation, _ call: @autoclosure () -> cs_error_t
    ) throws(CorosyncError) {
        try checkOpen(operation)
        let result = call()
        guard result == CS_OK else { throw error(result, operation) }
    }

    /// Throws if the connection was interrupted. The library goes on to answer requests then, if they have a socket of
    /// their own (`qb_ipc_type: socket`).
    func checkOpen(_ operation: CorosyncError.Operation) throws(CorosyncError) {
        guard !isInterrupted else { throw CorosyncError(code: .connectionInterrupted, operation: operation) }
    }

    /// The error of a call. The library returns the same after an interruption as after a loss.
    func error(_ result: cs_error_t, _ operation: CorosyncError.Operation) -> CorosyncError {
        result == CS_ERR_LIBRARY && isInterrupted
            ? CorosyncError(code: .connectionInterrupted, operation: operation) : CorosyncError(result, operation)
    }
}

/// Makes the library take the connection with this descriptor for lost.
func shutDown(_ descriptor: CInt) { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }
