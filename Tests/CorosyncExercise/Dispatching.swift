// SPDX-License-Identifier: MIT

import Corosync

struct Refused: Error {
    let notification: String
}

func throwing() throws {
    let quorum = try VoteQuorum()
    /// Dispatches with a handler that refuses a notification.
    func dispatch(_ mode: DispatchMode, refusing refused: Int) -> String {
        var taken: [String] = []
        func words() -> String { taken.joined(separator: " ") }
        do throws(DispatchError<Refused>) {
            try quorum.dispatch(mode) { notification throws(Refused) in
                taken.append(String(text(notification).prefix { $0 != " " }))
                if taken.count == refused { throw Refused(notification: taken[refused - 1]) }
            }
            return "\(words()), no error"
        } catch {
            return "\(words()), \(text(error))"
        }
    }
    // A nodelist and a quorum notification each.
    for _ in 0..<2 { try? quorum.startTracking(.changes) }
    say("one: \(dispatch(.one, refusing: 1))")
    say("one nonblocking: \(dispatch(.oneNonblocking, refusing: 1))")
    say("all: \(dispatch(.all, refusing: 1))")
    say("nothing lost: \(dispatch(.all, refusing: 0))")
    for _ in 0..<2 { try? quorum.startTracking(.changes) }
    say("all of four: \(dispatch(.all, refusing: 1))")
    try? quorum.startTracking(.changes)
    say("refused again: \(dispatch(.all, refusing: 2))")
    say("one of them: \(dispatch(.one, refusing: 0))")
    say("one of the new: \(dispatch(.oneNonblocking, refusing: 0))")
    say("the last: \(dispatch(.all, refusing: 0))")
    say("no more: \(dispatch(.oneNonblocking, refusing: 0))")
    for _ in 0..<2 { try? quorum.startTracking(.changes) }
    attempt("within a handler") {
        var taken: [String] = []
        try quorum.dispatch(.all) { notification in
            taken.append(String(text(notification).prefix { $0 != " " }))
            if taken.count == 1 { taken.append("(\(dispatch(.all, refusing: 1)))") }
        }
        return taken.joined(separator: " ")
    }
    try? quorum.startTracking(.changes)
    attempt("error of the library") {
        try quorum.dispatch(.all) { _ throws(CorosyncError) in _ = try quorum.info(of: 9) }
        return "none"
    }
    attempt("still connected") { "\(try quorum.info().id)" }
}

func throwingBlocked() throws {
    let quorum = try VoteQuorum()
    try quorum.startTracking(.changes)
    attempt("blocking") {
        try quorum.dispatch(.blocking) { notification throws(Refused) in
            throw Refused(notification: text(notification))
        }
        return "returned"
    }
    attempt("afterwards") {
        try quorum.dispatch(.all) { _ in }; return "dispatched"
    }
    attempt("a request") { "\(try quorum.info().id)" }
}

func blocked() throws {
    let quorum = try VoteQuorum()
    try quorum.startTracking(.changes)
    var count = 0
    attempt("blocking") {
        try quorum.dispatch(.blocking) { notification in
            say(text(notification))
            count += 1
            if count == 4 { quorum.interrupter.interrupt() }
        }
        return "returned"
    }
}
