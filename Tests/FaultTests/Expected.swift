// SPDX-License-Identifier: MIT

import TestSupport

/// The names of the stand-in's three nodes, as far as vqwatch can read them.
enum Names: Hashable, Sendable {
    case known
    /// The map cannot be read.
    case unknown
    /// Node 2 has no name.
    case oneMissing
    /// The map has no nodes.
    case noNodes
    /// Node 2 has a new name.
    case renamed
}

/// Checks a line that carries the state against the stand-in's three nodes.
func check(
    _ event: EventLine, expected: Int64 = 3, names: Names = .known, votesOfNode2AreKnown: Bool = true
) throws(TestFailure) {
    let quorum = expected / 2 + 1
    let votes: JSON = .object([
        "total": 3, "expected": .number(expected), "highest_expected": .number(expected), "quorum": .number(quorum),
        "margin": .number(3 - quorum),
    ])
    func hold(_ path: String, _ found: JSON, _ wanted: JSON) throws(TestFailure) {
        try demand(found == wanted, "\(path) of \(event.event) is \(found), not \(wanted)")
    }
    try hold("votes", event.json["votes"], votes)
    try hold("quorate", event.json["quorate"], .bool(3 >= quorum))
    try hold("flags", event.json["flags"], 3 >= quorum ? ["Quorate"] : [])
    try hold("ring_id", event.json["ring_id"], "1.22")
    try hold("local_node_id", event.json["local_node_id"], 1)
    try hold("cluster_name", event.json["cluster_name"], names == .unknown ? nil : "standin")
    try demand(event.json["nodes"].elements.count == 3, "not three nodes: \(event.json["nodes"])")
    // The links of the stand-in never fail here.
    func isLinked(_ id: Int64) -> Bool {
        event.json["links"].elements.contains { $0["node_id"] == .number(id) && $0["connected"] == true }
    }
    for id: Int64 in 1...3 {
        let name: JSON =
            switch names {
            case .known: .string("node\(id)")
            case .unknown, .noNodes: nil
            case .oneMissing: id == 2 ? nil : .string("node\(id)")
            case .renamed: .string(id == 2 ? "renamed" : "node\(id)")
            }
        let isKnown = votesOfNode2AreKnown || id != 2
        let node = event.node(id)
        let isNamed = names != .unknown && names != .noNodes
        let wanted: [(String, JSON)] = [
            ("name", name), ("state", "member"), ("configured", isNamed ? true : nil), ("votes", isKnown ? 1 : nil),
            ("expected_votes", isKnown ? .number(expected) : nil), ("local", .bool(id == 1)),
            ("addresses", isNamed ? .array([.string("10.0.0.\(id)")]) : []), ("qdevice", nil),
            ("reachable", isLinked(id) ? true : nil),
        ]
        for (key, value) in wanted { try hold("\(key) of node \(id)", node[key], value) }
    }
}

/// Checks that the changes of every line lead to its state, and that the time never goes back.
func checkHistory(of lines: [EventLine]) throws(TestFailure) {
    var replay = StateReplay()
    var time = ""
    for line in lines {
        let problem = replay.problem(with: line.json)
        try demand(problem == nil, "\(problem ?? ""): \(line.json)")
        let now = line.json["time"].string ?? ""
        try demand(now >= time, "the time goes back from \(time): \(line.json)")
        time = now
    }
}

/// The diagnoses on standard error, one a line: `vqwatch: what failed: why (CODE from FUNCTION); what to do`.
func diagnoses(_ errors: String) throws(TestFailure) -> [String] {
    let lines = errors.split(separator: "\n").map(String.init)
    for line in lines {
        try demand(line.hasPrefix("vqwatch: ") && line.contains("; "), "not a diagnosis: \(line)")
    }
    return lines
}

/// Parses every line.
func events(_ lines: [String]) throws -> [EventLine] { try EventLine.parse(lines) }
