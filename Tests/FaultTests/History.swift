// SPDX-License-Identifier: MIT

import TestSupport

/// Applies the changes of each line to a state, as a program that reads the lines would, and compares the result with
/// the state in the line.
struct History {
    /// The last state, by dotted path, with a node under its ID; nil before the first state and after dropped lines.
    private var state: [String: JSON]?
    private var time = ""

    /// Checks the next line.
    mutating func add(_ line: EventLine) throws(Problem) {
        let now = line.json["time"].string ?? ""
        try demand(now >= time, "the time goes back from \(time): \(line.json)")
        time = now
        switch line.event {
        case "dropped": state = nil
        case "disconnected", "unresponsive": state?["quorate"] = .null
        case "nodelist":
            state?["quorate"] = line.json["quorate"]
            state?["ring_id"] = line.json["ring_id"]
        default:
            let given = Self.flat(line)
            if var sum = state {
                for change in line.json["changes"].elements { try Self.apply(change, to: &sum) }
                for path in Set(sum.keys).union(given.keys).sorted() where sum[path] != given[path] {
                    throw Problem(
                        "\(path) is \(String(describing: given[path])) and by the changes "
                            + "\(String(describing: sum[path])): \(line.json)")
                }
            }
            state = given
        }
    }

    private static func apply(_ change: JSON, to state: inout [String: JSON]) throws(Problem) {
        let field = change["field"].string ?? ""
        let isWhole = field == "qdevice" || field.hasPrefix("nodes.") && field.split(separator: ".").count == 2
        if !isWhole {
            let found = state[field] ?? .null
            guard found == change["from"] else { throw Problem("\(field) was \(found), not \(change["from"])") }
            state[field] = change["to"]
            return
        }
        state = state.filter { $0.key != field && !$0.key.hasPrefix(field + ".") }
        state.merge(flat(change["to"], at: field)) { $1 }
        if field == "qdevice", change["to"] == .null { state[field] = .null }
    }

    private static func flat(_ line: EventLine) -> [String: JSON] {
        var result: [String: JSON] = [:]
        for key in ["cluster_name", "local_node_id", "quorate", "ring_id", "flags"] { result[key] = line.json[key] }
        result.merge(flat(line.json["votes"], at: "votes")) { $1 }
        if line.json["qdevice"] == .null { result["qdevice"] = .null }
        result.merge(flat(line.json["qdevice"], at: "qdevice")) { $1 }
        for node in line.json["nodes"].elements {
            result.merge(flat(node, at: "nodes.\(node["id"].number ?? -1)")) { $1 }
        }
        return result
    }

    private static func flat(_ object: JSON, at path: String) -> [String: JSON] {
        Dictionary(uniqueKeysWithValues: object.members.map { ("\(path).\($0.key)", $0.value) })
    }
}
