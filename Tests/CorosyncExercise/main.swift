// SPDX-License-Identifier: MIT

// Uses the Corosync library on a node, the way a program of somebody else would, and prints what it finds. The tests
// of the library run it inside a sandbox, where their own process cannot be.

import Corosync
import Glibc

func attempt(_ name: String, _ body: () throws(CorosyncError) -> String) {
    do throws(CorosyncError) {
        say("\(name): \(try body())")
    } catch {
        say("\(name): \(error.code) from \(error.operation.rawValue)")
    }
}

func say(_ line: String) {
    print(line)
    fflush(nil)
}

func text(_ notification: VoteQuorumNotification) -> String {
    switch notification {
    case .nodelist(let ring, let members): "nodelist \(ring) \(members)"
    case .quorum(let quorate, let nodes):
        "quorum \(quorate) \(nodes.sorted { $0.id < $1.id }.map { "\($0.id)=\($0.state)" })"
    case .expectedVotes(let votes): "expected \(votes)"
    }
}

func tracking() throws(CorosyncError) {
    let quorum = try VoteQuorum()
    func take(_ mode: DispatchMode) -> () throws(CorosyncError) -> String {
        { () throws(CorosyncError) in
            var taken: [String] = []
            try quorum.dispatch(mode) { taken.append(text($0)) }
            return taken.joined(separator: "; ")
        }
    }
    attempt("before tracking", take(.oneNonblocking))
    attempt("stop before start") { () throws(CorosyncError) in
        try quorum.trackStop(); return "stopped"
    }
    try quorum.trackStart(.current)
    attempt("all of current", take(.all))
    attempt("nothing left", take(.oneNonblocking))
    attempt("all of nothing", take(.all))
    try quorum.trackStart(.changesOnly)
    attempt("changes only", take(.oneNonblocking))
    attempt("start again") { () throws(CorosyncError) in
        try quorum.trackStart(.changes); return "started"
    }
    attempt("one of two", take(.one))
    attempt("the other", take(.oneNonblocking))
    attempt("stop") { () throws(CorosyncError) in
        try quorum.trackStop(); return "stopped"
    }
    attempt("descriptor") { () throws(CorosyncError) in try quorum.fileDescriptor > 2 ? "open" : "wrong" }
    // Within a callback, requests and even another dispatch are possible.
    try quorum.trackStart(.current)
    attempt("in a callback") { () throws(CorosyncError) in
        var found = "nothing"
        try quorum.dispatch(.one) { _ in
            let votes = (try? quorum.info())?.totalVotes
            try? quorum.dispatch(.all) { found = "\(votes ?? 0) votes, then \(text($0))" }
        }
        return found
    }
}

func votes() throws(CorosyncError) {
    let quorum = try VoteQuorum()
    func show(_ node: NodeID? = nil) throws(CorosyncError) -> String {
        let info = try quorum.info(of: node)
        return "node \(info.id) \(info.state) \(info.votes) of \(info.totalVotes), expected \(info.expectedVotes) "
            + "\(info.highestExpected), quorum \(info.quorum), \(info.flags.clusterFlagNames)"
    }
    attempt("this node", { () throws(CorosyncError) in try show() })
    attempt("node 2", { () throws(CorosyncError) in try show(NodeID(2)) })
    attempt("node 9", { () throws(CorosyncError) in try show(NodeID(9)) })
    attempt("expect 5") { () throws(CorosyncError) in
        try quorum.setExpectedVotes(5); return "set"
    }
    attempt("expect 1") { () throws(CorosyncError) in
        try quorum.setExpectedVotes(1); return "set"
    }
    attempt("votes of 9") { () throws(CorosyncError) in
        try quorum.setVotes(1, of: NodeID(9)); return "set"
    }
}

func map() throws(CorosyncError) {
    let map = try ConfigurationMap()
    attempt("string") { () throws(CorosyncError) in try map.get("totem.cluster_name", as: String.self) ?? "nil" }
    attempt("number") { () throws(CorosyncError) in "\(try map.get("nodelist.node.0.nodeid", as: UInt32.self) ?? 0)" }
    attempt("missing") { () throws(CorosyncError) in try map.get("no.such.key", as: String.self) ?? "nil" }
    attempt("wrong type") { () throws(CorosyncError) in try map.get("nodelist.node.0.nodeid", as: String.self) ?? "nil"
    }
    attempt("long key") { () throws(CorosyncError) in
        try map.get(String(repeating: "k", count: 256), as: String.self) ?? "nil"
    }
    attempt("types") { () throws(CorosyncError) in
        [
            "\(try map.get("test.i8", as: Int8.self) ?? 0)", "\(try map.get("test.u8", as: UInt8.self) ?? 0)",
            "\(try map.get("test.i16", as: Int16.self) ?? 0)", "\(try map.get("test.u16", as: UInt16.self) ?? 0)",
            "\(try map.get("test.i32", as: Int32.self) ?? 0)", "\(try map.get("test.u32", as: UInt32.self) ?? 0)",
            "\(try map.get("test.i64", as: Int64.self) ?? 0)", "\(try map.get("test.u64", as: UInt64.self) ?? 0)",
            "\(try map.get("test.flt", as: Float.self) ?? 0)", "\(try map.get("test.dbl", as: Double.self) ?? 0)",
            try map.get("test.str", as: String.self).map { "\($0.utf8.count) bytes" } ?? "nil",
        ].joined(separator: " ")
    }
    attempt("whole prefix") { () throws(CorosyncError) in
        var keys: [String] = []
        try map.forEachKey(withPrefix: "nodelist.node.1.") {
            keys.append($0.name); return true
        }
        return keys.sorted().joined(separator: " ")
    }
    attempt("left early") { () throws(CorosyncError) in
        var count = 0
        for _ in 0..<2000 {
            try map.forEachKey(withPrefix: "nodelist.") { _ in
                count += 1; return false
            }
        }
        return "\(count)"
    }
    attempt("left by an error") { () throws(CorosyncError) in
        try map.forEachKey(withPrefix: "nodelist.") { _ throws(CorosyncError) in
            throw CorosyncError(code: .busy, operation: .cmapGet)
        }
        return "not left"
    }
    attempt("statistics") { () throws(CorosyncError) in
        let statistics = try ConfigurationMap(.statistics)
        return try statistics.get("stats.ipcs.global.active", as: UInt64.self) == nil ? "nil" : "there"
    }
}

func changes() throws(CorosyncError) {
    let map = try ConfigurationMap()
    let prefix = try map.track("test.", [.add, .modify, .delete, .prefix])
    let key = try map.track("test.one", .delete)
    say("tracking")
    var count = 0
    while count < 4 {
        try map.dispatch(.one) { change in
            count += 1
            func text(_ value: ConfigurationMap.Value?) -> String {
                value?.converted(to: UInt32.self).map { "\($0)" } ?? "-"
            }
            let who = change.track == prefix ? "prefix" : "key"
            say("\(who) \(change.kind.rawValue) \(change.key) \(text(change.oldValue)) \(text(change.newValue))")
        }
    }
    try map.untrack(key)
    attempt("untrack again") { () throws(CorosyncError) in
        try map.untrack(key); return "untracked"
    }
}

func blocked() throws(CorosyncError) {
    let quorum = try VoteQuorum()
    try quorum.trackStart(.changes)
    let descriptor = try quorum.fileDescriptor
    var count = 0
    attempt("blocking") { () throws(CorosyncError) in
        try quorum.dispatch(.blocking) { notification in
            say(text(notification))
            count += 1
            if count == 4 { VoteQuorum.hangUp(descriptor: descriptor) }
        }
        return "returned"
    }
}

let parts: [String: () throws(CorosyncError) -> Void] = [
    "tracking": tracking, "votes": votes, "map": map, "changes": changes, "blocked": blocked,
]
guard CommandLine.arguments.count == 2, let part = parts[CommandLine.arguments[1]] else {
    print("usage: corosync-exercise \(parts.keys.sorted().joined(separator: "|"))")
    exit(64)
}
do {
    try part()
} catch {
    print("failed: \(error)")
    exit(1)
}
