// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// A watcher whose standard output and standard error are full, and whose `--exec` command is slow.
struct BlockedWatcher {
    /// Its process ID, as corosync on its node sees it.
    let number: Int
    private let process: ChildProcess
    private let processID: Int32
    private let pipe: FullPipe

    init(on node: Int, of sandbox: Sandbox) throws {
        pipe = try FullPipe()
        let full = ChildProcess.Stream.descriptor(pipe.writingEnd)
        process = try sandbox.spawn(
            on: node, [vqwatch, "-fj", "--refresh", "100ms", "--exec", "sleep", "5"], isVisible: true, output: full,
            errors: full)
        (processID, number) = try visibleChild(of: process)
    }

    /// Ends it by a signal. Returns whether the signal ended it, on a machine that is busy with a soak.
    func end(by signal: Int32) -> Bool {
        kill(processID, signal)
        return process.wait(within: .seconds(10), draining: false) == .signaled(signal)
    }
}

/// The process IDs of a command that was started with `isVisible`: on this side, and as corosync on its node sees it.
func visibleChild(of process: ChildProcess) throws -> (own: Int32, inner: Int) {
    var child: (own: Int32, inner: Int)?
    let isThere = eventually(within: .seconds(10)) {
        child = process.onlyChild.flatMap { id in innerNumber(of: id).map { (id, $0) } }
        return child != nil
    }
    guard isThere, let child else { throw TestFailure("no watcher: \(process.errors)") }
    return child
}
