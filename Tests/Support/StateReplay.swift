// SPDX-License-Identifier: MIT

/// A reader of one watcher's lines that keeps a state of its own: from the first state on, it applies the `changes` of
/// each line. The result must always equal the state in the line.
public struct StateReplay: Sendable {
    private static let fields = [
        "cluster_name", "local_node_id", "quorate", "ring_id", "votes", "flags", "qdevice", "nodes",
    ]

    private var state: [String: JSON]?

    /// A reader that has read no line yet.
    public init() {}

    /// Checks the next line.
    ///
    /// - Parameter line: The object in the line.
    /// - Returns: The problem, or nil.
    public mutating func problem(with line: JSON) -> String? {
        switch line["event"].string ?? "" {
        case "nodelist":
            state?["ring_id"] = line["ring_id"]
            state?["quorate"] = line["quorate"]
            return nil
        case "disconnected", "unsettled", "unresponsive":
            state?["quorate"] = .null
            return nil
        case "dropped":
            // Changes that were dropped cannot be applied.
            state = nil
            return nil
        default: break
        }
        let told = Self.fields.reduce(into: [:]) { $0[$1] = line[$1] }
        defer { state = told }
        guard var replayed = state else { return nil }
        for change in line["changes"].elements {
            if let problem = Self.apply(change, to: &replayed) { return problem }
        }
        guard replayed != told else { return nil }
        let field = Self.fields.first { replayed[$0] != told[$0] } ?? ""
        return "its changes give another \(field): \(replayed[field] ?? .null), not \(told[field] ?? .null)"
    }

    private static func apply(_ change: JSON, to state: inout [String: JSON]) -> String? {
        guard let field = change["field"].string else { return "a change without a field" }
        let path = field.split(separator: ".").map(String.init)
        let from = change["from"]
        let to = change["to"]
        func differs(_ old: JSON) -> String? { old == from ? nil : "\(field) was \(old), not \(from)" }
        switch (path[0], path.count) {
        case ("nodes", 2...):
            var nodes = state["nodes"]?.elements ?? []
            guard let id = Int64(path[1]) else { return "no node \(path[1])" }
            let index = nodes.firstIndex { ($0["id"].number ?? -1) >= id } ?? nodes.count
            let isThere = index < nodes.count && nodes[index]["id"] == .number(id)
            if path.count == 2 {
                if let problem = differs(isThere ? nodes[index] : .null) { return problem }
                if isThere { nodes.remove(at: index) }
                if to != .null { nodes.insert(to, at: index) }
            } else {
                guard isThere else { return "there was no node \(id)" }
                if let problem = differs(nodes[index][path[2]]) { return problem }
                var node = nodes[index].members
                node[path[2]] = to
                nodes[index] = .object(node)
            }
            state["nodes"] = .array(nodes)
        case (_, 2):
            var part = state[path[0]]?.members ?? [:]
            if let problem = differs(part[path[1]] ?? .null) { return problem }
            part[path[1]] = to
            state[path[0]] = .object(part)
        default:
            if let problem = differs(state[field] ?? .null) { return problem }
            state[field] = to
        }
        return nil
    }
}
