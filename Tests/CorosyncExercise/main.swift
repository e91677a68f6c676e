// SPDX-License-Identifier: MIT

// Uses the Corosync library on a node, as any program would, and prints what it finds. The tests of the library run it
// inside a sandbox, where their own process cannot be.

import Glibc

let parts: [String: () throws -> Void] = [
    "tracking": tracking, "votes": votes, "device": device, "blocked": blocked, "throwing": throwing,
    "throwing-blocked": throwingBlocked, "interrupted": interrupted, "closed": closed, "races": races,
    "connecting": connecting, "given-up": givenUp, "given-up-while-hung": givenUpWhileHung,
    "names": names, "stopped-tracking": stoppedTracking,
    "map": map, "writing": writing, "changes": changes, "throwing-changes": throwingChanges,
    "statistics": statistics, "limits": limits, "lists": lists,
]
let asynchronousParts: [String: () async throws -> Void] = [
    "followed": followed, "dropped": dropped, "cancelled": cancelled, "no-thread": noThread,
    "cancelled-while-hung": cancelledWhileHung, "restarted-while-hung": restartedWhileHung,
    "changed": changed, "silent": silent, "refused-reading": refusedReading, "trapped": trapped,
]
do {
    let name = CommandLine.arguments.last ?? ""
    if let part = parts[name] {
        try part()
    } else if let part = asynchronousParts[name] {
        try await part()
    } else {
        let names = Array(parts.keys) + asynchronousParts.keys
        print("usage: corosync-exercise \(names.sorted().joined(separator: "|"))")
        exit(64)
    }
} catch {
    print("failed: \(error)")
    exit(1)
}
