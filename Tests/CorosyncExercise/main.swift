// SPDX-License-Identifier: MIT

// Uses the Corosync library on a node, as any program would, and prints what it finds. The tests of the library run it
// inside a sandbox, where their own process cannot be.

import Glibc

let parts: [String: () throws -> Void] = [
    "tracking": tracking, "votes": votes, "device": device, "blocked": blocked, "throwing": throwing,
    "throwing-blocked": throwingBlocked, "interrupted": interrupted, "closed": closed, "races": races,
    "map": map, "writing": writing, "changes": changes, "throwing-changes": throwingChanges,
    "statistics": statistics, "limits": limits, "lists": lists,
]
guard let part = parts[CommandLine.arguments.last ?? ""] else {
    print("usage: corosync-exercise \(parts.keys.sorted().joined(separator: "|"))")
    exit(64)
}
do {
    try part()
} catch {
    print("failed: \(error)")
    exit(1)
}
