// SPDX-License-Identifier: MIT

// For pthread_attr_t, whose header corosync's headers include before Glibc does.
internal import CCorosync
internal import Glibc

/// Starts a detached thread (pthread_create(3)) that takes none of the program's signals, except those that its own
/// faults raise. Returns an error number, 0 when the thread runs.
///
/// Its stack has room for the 1 MiB that a dispatch function of corosync puts on it; only what is used of it takes
/// memory.
package func startThread(_ body: @escaping @Sendable () -> Void) -> CInt {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, 4 << 20)
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))

    // A new thread inherits the signal mask.
    var all = sigset_t()
    sigfillset(&all)
    for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&all, fault) }
    var mask = sigset_t()
    pthread_sigmask(SIG_SETMASK, &all, &mask)
    defer { pthread_sigmask(SIG_SETMASK, &mask, nil) }

    let context = Unmanaged.passRetained(ThreadBody(body))
    var thread = pthread_t()
    let error = pthread_create(
        &thread, &attributes,
        { context in
            Unmanaged<ThreadBody>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        }, context.toOpaque())
    if error != 0 { context.release() }
    return error
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
