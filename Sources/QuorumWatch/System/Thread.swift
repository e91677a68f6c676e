// SPDX-License-Identifier: MIT

internal import Corosync

/// Starts a detached thread of the library. Throws when the system allows no more threads.
func startThread(_ name: StaticString, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    let error = Corosync.startThread(body)
    guard error == 0 else { throw SystemError(call: "the \(name) thread", number: error) }
}
