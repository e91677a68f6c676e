// SPDX-License-Identifier: MIT

import Corosync

/// Makes every request with names that the C library takes for another one, or never frees the connection for.
func names() throws {
    let long = String(repeating: "k", count: 256)
    let cut = "totem.cluster_name\0.other"
    do {
        let map = try ConfigurationMap()
        func refusals(_ name: String) -> String {
            func code(_ request: () throws -> Void) -> String {
                do { try request() } catch { return text(error) }
                return "made"
            }
            return [
                code { _ = try map.value(of: name) }, code { try map.set(name, to: UInt8(1)) },
                code { try map.delete(name) }, code { try map.increment(name) }, code { try map.decrement(name) },
                code { _ = try map.keys(withPrefix: name) },
                code { try map.forEachKey(withPrefix: name) { _, _ throws(CorosyncError) in } },
                code { _ = try map.startTracking(name, for: .modify) },
            ].joined(separator: ", ")
        }
        say("long: \(refusals(long))")
        say("cut: \(refusals(cut))")
    }
    say("connections left: \(links(in: "/proc/self/map_files", to: "/dev/shm/qb"))")
}

func stoppedTracking() throws {
    let map = try ConfigurationMap()
    let first = try map.startTracking("test.a", for: .add)
    _ = try map.startTracking("test.b", for: .add)
    func keys(_ mode: DispatchMode) throws -> String {
        var keys: [String] = []
        try map.dispatch(mode) { keys.append($0.key) }
        return keys.joined(separator: " ")
    }
    try map.set("test.a", to: UInt8(1))
    try map.set("test.b", to: UInt8(1))
    try map.stopTracking(first)
    attempt("one") { try keys(.one) }

    let again = try map.startTracking("test.c", for: [.add, .modify])
    for number in 1...2 { try map.set("test.c", to: UInt8(number)) }
    attempt("refused") {
        try map.dispatch(.all) { change throws(Refused) in throw Refused(notification: change.key) }
        return "none"
    }
    try map.stopTracking(again)
    attempt("kept") { try keys(.all) }
    attempt("only a prefix") {
        _ = try map.startTracking("test.", for: .prefix); return "tracked"
    }
}
