// SPDX-License-Identifier: MIT

import Corosync

func tracking() throws {
    let quorum = try VoteQuorum()
    func take(_ mode: DispatchMode) -> () throws -> String {
        {
            var taken: [String] = []
            try quorum.dispatch(mode) { taken.append(text($0)) }
            return taken.joined(separator: "; ")
        }
    }
    attempt("before tracking", take(.oneNonblocking))
    attempt("stop before start") {
        try quorum.stopTracking(); return "stopped"
    }
    attempt("track nothing") {
        try quorum.startTracking([]); return "started"
    }
    try quorum.startTracking(.current)
    attempt("all of current", take(.all))
    attempt("nothing left", take(.oneNonblocking))
    attempt("all of nothing", take(.all))
    try quorum.startTracking(.changesOnly)
    attempt("changes only", take(.oneNonblocking))
    attempt("start again") {
        try quorum.startTracking(.changes); return "started"
    }
    attempt("one of two", take(.one))
    attempt("the other", take(.oneNonblocking))
    attempt("stop") {
        try quorum.stopTracking(); return "stopped"
    }
    attempt("descriptor") { quorum.fileDescriptor > 2 ? "open" : "wrong" }
    // Within a callback, requests and even another dispatch are possible.
    try quorum.startTracking(.current)
    attempt("in a callback") {
        var found = "nothing"
        try quorum.dispatch(.one) { _ throws(CorosyncError) in
            let votes = try quorum.info().totalVotes
            try quorum.dispatch(.all) { found = "\(votes) votes, then \(text($0))" }
        }
        return found
    }
}

func votes() throws {
    let quorum = try VoteQuorum()
    func show(_ node: NodeID? = nil) throws -> String {
        let info = try quorum.info(of: node)
        return "node \(info.id) \(info.state) \(info.votes) of \(info.totalVotes), expected \(info.expectedVotes) "
            + "\(info.highestExpected), quorum \(info.quorum), \(info.flags)"
    }
    attempt("this node") { try show() }
    attempt("node 2") { try show(2) }
    attempt("node 9") { try show(9) }
    attempt("expect 5") {
        try quorum.setExpectedVotes(5); return "set"
    }
    attempt("expect 1") {
        try quorum.setExpectedVotes(1); return "set"
    }
    attempt("quorum device") { try show(.quorumDevice) }
    attempt("votes of the quorum device") {
        try quorum.setVotes(1, of: .quorumDevice); return "set"
    }
    attempt("votes of 9") {
        try quorum.setVotes(1, of: 9); return "set"
    }
}

func device() throws {
    let quorum = try VoteQuorum()
    var ring = RingID(node: 0, sequence: 0)
    try quorum.startTracking(.current)
    try quorum.dispatch(.all) { if case .nodelist(let present, _) = $0 { ring = present } }
    func show(_ name: String, _ change: () throws -> Void) {
        attempt(name) {
            try change()
            let info = try quorum.info()
            return "\(info.quorumDeviceName) \(info.flags.subtracting(.quorate))"
        }
    }
    show("poll before") { try quorum.pollQuorumDevice("a", castsVote: true, in: ring) }
    show("unregister before") { try quorum.unregisterQuorumDevice("a") }
    show("rename before") { try quorum.renameQuorumDevice("a", to: "b") }
    show("master wins before") { try quorum.setMasterWins(true, quorumDevice: "a") }
    show("register without a name") { try quorum.registerQuorumDevice("") }
    show("register a name with a NUL") { try quorum.registerQuorumDevice("a\0b") }
    show("register") { try quorum.registerQuorumDevice("a") }
    show("register again") { try quorum.registerQuorumDevice("a") }
    show("register another") { try quorum.registerQuorumDevice("b") }
    show("poll") { try quorum.pollQuorumDevice("a", castsVote: false, in: ring) }
    show("poll with the vote") { try quorum.pollQuorumDevice("a", castsVote: true, in: ring) }
    show("poll another") { try quorum.pollQuorumDevice("b", castsVote: true, in: ring) }
    show("poll for an old ring") {
        try quorum.pollQuorumDevice("a", castsVote: true, in: RingID(node: ring.node, sequence: ring.sequence - 4))
    }
    show("master wins") { try quorum.setMasterWins(true, quorumDevice: "a") }
    show("master does not win") { try quorum.setMasterWins(false, quorumDevice: "a") }
    show("master wins of another") { try quorum.setMasterWins(true, quorumDevice: "b") }
    show("rename another") { try quorum.renameQuorumDevice("c", to: "b") }
    show("rename") {
        try quorum.renameQuorumDevice("a", to: "b")
        // The name changes once the cluster has agreed on it.
        while try quorum.info().quorumDeviceName == "a" {}
    }
    show("unregister") {
        try quorum.unregisterQuorumDevice("b")
        while try quorum.info().quorumDeviceName == "b" {}
    }
}
