// SPDX-License-Identifier: MIT

import Corosync
import Glibc

/// Reads what is larger than anything that corosync stores.
func limits() throws {
    let map = try ConfigurationMap()
    attempt("largest") { "\(try map.value(of: "a.largest")?.bytes.count ?? 0)" }
    attempt("too large") { "\(try map.value(of: "a.larger")?.bytes.count ?? 0)" }
    attempt("type of too large") { try map.get("a.larger", as: String.self) ?? "nil" }
    attempt("sizes") {
        var sizes: [String] = []
        try map.forEachKey(withPrefix: "a.") { key, value throws(CorosyncError) in
            sizes.append("\(key.name) \(key.size) \(value?.bytes.count ?? 0)")
        }
        return sizes.joined(separator: ", ")
    }
    _ = try map.startTracking("b.", for: [.add, .modify, .prefix])
    let quorum = try VoteQuorum()
    try quorum.startTracking(.changes)
    // The snapshot, and the notification that the change comes after.
    for _ in 0..<3 { try quorum.dispatch(.one) { _ in } }
    attempt("change") {
        var change: ConfigurationMap.Change?
        while change == nil { try map.dispatch(.one) { change = $0 } }
        return "\(change!.kind) \(change!.oldValue?.bytes.count ?? 0) \(change!.newValue?.bytes.count ?? 0)"
    }
}

/// Takes lists of nodes until the connection is lost.
func lists() throws {
    let quorum = try VoteQuorum()
    try quorum.startTracking(.changes)
    attempt("lists") {
        try quorum.dispatch(.blocking) { notification in
            switch notification {
            case .nodelist(_, let members): say("nodelist of \(members.count)")
            case .quorum(_, let nodes): say("quorum of \(nodes.count)")
            case .expectedVotes: break
            }
        }
        return "returned"
    }
}
