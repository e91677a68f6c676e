// SPDX-License-Identifier: MIT

internal import CCorosync
internal import DequeModule

/// Calls the handlers of one connection's dispatches, and keeps what cannot be handed to one that has thrown.
///
/// `CS_DISPATCH_ALL` goes on to take notifications off corosync after a handler has thrown, since a callback cannot
/// tell the library to stop. They are kept for the next dispatch.
final class Delivery<Notification> {
    private var kept: Deque<Notification> = []

    /// Drops what is kept and no longer wanted.
    func discard(where isUnwanted: (Notification) -> Bool) { kept.removeAll(where: isUnwanted) }

    /// Hands over what is kept, and then what the library takes off corosync.
    ///
    /// `library` calls the library's dispatch function, with the sink as the context of the handle. It returns the
    /// function that was called last, and its result.
    func dispatch<Failure: Error>(
        _ mode: DispatchMode, _ operation: CorosyncError.Operation, interrupter: Interrupter,
        to handler: (Notification) throws(Failure) -> Void,
        through library: (UnsafePointer<Sink<Notification>>) -> (CorosyncError.Operation, cs_error_t)
    ) throws(DispatchError<Failure>) {
        do throws(CorosyncError) { try interrupter.checkOpen(operation) } catch { throw .corosync(error) }
        var failure: Failure?
        var room = mode.takesOne ? 1 : Int.max
        var last: (operation: CorosyncError.Operation, result: cs_error_t)?
        withoutActuallyEscaping(handler) { handler in
            func handOverKept() {
                while failure == nil, room > 0, let notification = kept.popFirst() {
                    room -= 1
                    do throws(Failure) { try handler(notification) } catch { failure = error }
                }
            }
            handOverKept()
            guard failure == nil, room > 0 else { return }
            let sink = Sink<Notification> { [self] notification in
                kept.append(notification)
                handOverKept()
                // Nothing else makes CS_DISPATCH_BLOCKING return.
                if failure != nil, mode == .blocking { interrupter.interrupt() }
            }
            last = withUnsafePointer(to: sink, library)
            // What a dispatch within this handler has left.
            handOverKept()
        }
        if let failure { throw .handler(failure) }
        if let last, last.result != CS_OK { throw .corosync(interrupter.error(last.result, last.operation)) }
    }
}

/// The link from a callback of the library to the dispatch that is under way.
///
/// Callbacks fire only inside a dispatch function and on its thread, so a sink needs to live no longer than that call.
struct Sink<Notification> {
    let receive: (Notification) -> Void
}
