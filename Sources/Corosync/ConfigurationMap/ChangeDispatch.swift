// SPDX-License-Identifier: MIT

internal import CCorosync

extension ConfigurationMap {
    /// Takes changes off corosync and hands each to `handler`, on the caller's thread and in the order in which corosync
    /// sent them (cmap_dispatch(3)).
    ///
    /// When `handler` throws, this throws the same error, with the consequences that the documentation of the dispatch
    /// of ``VoteQuorum`` lists. The library puts 1 MiB on the stack.
    ///
    /// Throws what `handler` throws, `CS_ERR_TRY_AGAIN` with ``DispatchMode/oneNonblocking`` and nothing queued, and
    /// `CS_ERR_LIBRARY` when the connection is lost.
    public func dispatch(
        _ mode: DispatchMode, _ handler: (Change) throws(CorosyncError) -> Void
    ) throws(CorosyncError) {
        do throws(DispatchError<CorosyncError>) {
            try deliver(mode, to: handler)
        } catch {
            throw error.either
        }
    }

    /// Takes changes off corosync and hands each to `handler`, which may throw errors of any type (cmap_dispatch(3)).
    ///
    /// The same as the dispatch whose handler throws `CorosyncError`, with an error that tells one from the other.
    ///
    /// Throws ``DispatchError/handler(_:)`` with what `handler` throws, and ``DispatchError/corosync(_:)`` for an error
    /// of the library.
    public func dispatch<Failure: Error>(
        _ mode: DispatchMode, _ handler: (Change) throws(Failure) -> Void
    ) throws(DispatchError<Failure>) {
        try deliver(mode, to: handler)
    }

    private func deliver<Failure: Error>(
        _ mode: DispatchMode, to handler: (Change) throws(Failure) -> Void
    ) throws(DispatchError<Failure>) {
        try delivery.dispatch(mode, .cmapDispatch, interrupter: interrupter, to: handler) { sink in
            var outer: UnsafeRawPointer?
            let got = cmap_context_get(handle, &outer)
            guard got == CS_OK else { return (.cmapContextGet, got) }
            let set = cmap_context_set(handle, sink)
            guard set == CS_OK else { return (.cmapContextSet, set) }
            var dispatched = CS_OK
            repeat {
                dispatched = cmap_dispatch(handle, mode.cValue)
                // The library has taken a change for which tracking was stopped: this is not the one to take.
            } while dispatched == CS_ERR_BAD_HANDLE && mode.takesOne
            let reset = cmap_context_set(handle, outer)
            return dispatched == CS_OK && reset != CS_OK
                ? (.cmapContextSet, reset) : (.cmapDispatch, dispatched)
        }
    }
}
