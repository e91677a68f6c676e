// SPDX-License-Identifier: MIT

/// A reader of one watcher's lines that keeps a state of its own: from the first state on, it applies the `changes` of
/// each line. The result must always equal the state in the line.
public struct StateReplay: Sendable {
    private static let fields = [
        "cluster_name", "local_node_id", "local_node_name", "quorate", "ring_id", "votes", "flags", "qdevice", "links",
        "nodes", "problems",
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
            // Whether the cluster is quorate is decided after this.
            state?["ring_id"] = line["ring_id"]
            return nil
        case "link":
            let links = state?["links"]?.elements ?? []
            if let index = links.firstIndex(where: { $0["node_id"] == line["node"]["id"] && $0["link"] == line["link"] }
            ) {
                state?["links"] = .array(links.replacing(at: index, "connected", with: line["connected"]))
            }
            return nil
        case "evidence": return nil
        case "disconnected", "unsettled", "unresponsive":
            state?["quorate"] = .null
            return nil
        case "dropped":
            // Changes that were dropped cannot be applied.
            state = nil
            return nil
        default: break
        }
        var told = Self.fields.reduce(into: [:]) { $0[$1] = line[$1] }
        // A latency is measured all the time, and is no change.
        if let links = told["links"]?.elements, told["links"] != .null {
            told["links"] = .array(links.indices.reduce(links) { $0.replacing(at: $1, "latency_us", with: .null) })
        }
        // Changes have only the codes of problems, each once.
        let codes = told["problems"]?.elements.map { $0["code"] } ?? []
        told["problems"] = .array(codes.reduce(into: []) { if $0.last != $1 { $0.append($1) } })
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
        let node = ["nodes", "links"].contains(path[0]) && path.count > 1 ? Int64(path[1]).map(JSON.number) : nil
        guard change["node_id"] == node ?? .null else { return "\(field) with node_id \(change["node_id"])" }
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
        case ("links", 3...):
            var links = state["links"]?.elements ?? []
            guard let node = Int64(path[1]), let number = Int64(path[2]) else { return "no link \(field)" }
            let order = (node, number)
            let index =
                links.firstIndex { ($0["node_id"].number ?? -1, $0["link"].number ?? -1) >= order } ?? links.count
            let isThere =
                index < links.count && links[index]["node_id"] == .number(node)
                && links[index]["link"] == .number(number)
            if path.count == 3 {
                if isThere != (from != .null) { return "\(field) was \(isThere ? "" : "not ")there" }
                if isThere { links.remove(at: index) }
                if to != .null {
                    links = Array(links[..<index] + [to] + links[index...]).replacing(
                        at: index, "latency_us", with: .null)
                }
            } else {
                guard isThere else { return "there was no \(field)" }
                if let problem = differs(links[index][path[3]]) { return problem }
                links = links.replacing(at: index, path[3], with: to)
            }
            state["links"] = .array(links)
        case ("links", 1):
            state["links"] =
                to.elements.isEmpty
                ? to
                : .array(to.elements.indices.reduce(to.elements) { $0.replacing(at: $1, "latency_us", with: .null) })
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

extension [JSON] {
    /// The list with another value of a member of one object.
    fileprivate func replacing(at index: Int, _ key: String, with value: JSON) -> [JSON] {
        var members = self[index].members
        members[key] = value
        var list = self
        list[index] = .object(members)
        return list
    }
}
