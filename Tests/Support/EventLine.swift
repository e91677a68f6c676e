// SPDX-License-Identifier: MIT

internal import Synchronization

/// One valid JSON line of vqwatch.
public struct EventLine: Hashable, Sendable {
    /// The whole object.
    public let json: JSON

    /// A line that does not conform to vqwatch-events(5).
    public struct Malformed: Error, CustomStringConvertible {
        /// The problem and the line.
        public let description: String
    }

    private static let common: Set = [
        "time", "timestamp", "event", "cluster_name", "local_node_id", "local_node_name", "quorate",
    ]
    private static let state: Set = ["ring_id", "votes", "flags", "qdevice", "links", "nodes", "problems", "changes"]
    private static let keys: [String: Set<String>] = [
        "status": state, "quorum": state, "expected_votes": state, "info": state,
        "nodelist": ["ring_id", "members", "joined", "left"], "disconnected": ["error"],
        "unsettled": ["ring_id", "reason", "elapsed_ms"], "unresponsive": ["silent_ms"], "dropped": ["count"],
        "prediction": ["if_down", "prediction"], "check": ["status", "votes", "problems"],
        "link": ["node", "link", "connected", "downs"],
        "evidence": [
            "ring_id", "token_losses", "consensus_timeouts", "retransmits", "memberships", "links_down",
            "mtu_changes", "rejoined", "config_versions", "scheduling_misses",
        ],
    ]
    private static let parts: [String: Set<String>] = [
        "votes": ["total", "expected", "highest_expected", "quorum", "margin"],
        "qdevice": ["name", "model", "registered", "votes", "alive", "cast_vote", "master_wins"],
        "nodes": [
            "id", "name", "state", "configured", "votes", "expected_votes", "local", "addresses", "qdevice",
            "reachable",
            "config_version", "quorate_if_down",
        ],
        "problems": ["code", "severity", "nodes", "text"], "changes": ["field", "node_id", "from", "to"],
        "members": ["id", "name"], "joined": ["id", "name"],
        "left": ["id", "name"], "error": ["code", "message"], "if_down": ["id", "name"], "node": ["id", "name"],
        "prediction": [
            "quorate", "votes", "members", "rule", "depends_on_qdevice", "waits_for_all_afterwards", "waits_for_votes",
        ],
        "links": ["node_id", "link", "connected", "enabled", "latency_us", "mtu"],
        "links_down": ["node_id", "link", "before_ms"], "mtu_changes": ["node_id", "link", "from", "to"],
        "rejoined": ["id", "name"], "config_versions": ["id", "name", "config_version"],
        "scheduling_misses": ["time", "delay_ms"],
    ]

    /// Parses a line, and checks that it has exactly the keys of its kind and is valid by the schema.
    ///
    /// - Parameter line: The line without its newline.
    /// - Throws: ``Malformed``.
    public init(_ line: String) throws(Malformed) {
        do throws(JSON.ParseError) {
            json = try JSON(parsing: line)
        } catch {
            throw Malformed(description: error.description)
        }
        guard let kind = json["event"].string, let keys = Self.keys[kind] else {
            throw Malformed(description: "no known event: \(line)")
        }
        func check(_ object: JSON, has keys: Set<String>, _ where: String) throws(Malformed) {
            let found = Set(object.members.keys)
            guard found == keys else {
                throw Malformed(description: "\(`where`) differs in \(found.symmetricDifference(keys)): \(line)")
            }
        }
        try check(json, has: Self.common.union(keys), kind)
        for (key, keys) in Self.parts {
            guard let part = json.members[key], part != .null else { continue }
            for object in part.elements { try check(object, has: keys, key) }
            if case .object = part { try check(part, has: keys, key) }
        }
        if let problem = SchemaValidator.shared.problem(with: line) {
            throw Malformed(description: "not valid by the schema: \(problem): \(line)")
        }
        let ids = json["nodes"].elements.map { $0["id"].number ?? -1 }
        guard ids == Set(ids).sorted() else { throw Malformed(description: "nodes are not in order: \(line)") }
    }

    /// The kind of event.
    public var event: String { json["event"].string ?? "" }
    /// Whether the cluster is quorate; nil if that is not known.
    public var isQuorate: Bool? { json["quorate"].bool }
    /// The paths of the fields that changed.
    public var changedFields: [String] { json["changes"].elements.compactMap { $0["field"].string } }

    /// The object of a node.
    ///
    /// - Parameter id: The node's ID.
    /// - Returns: The object, or null.
    public func node(_ id: Int64) -> JSON {
        json["nodes"].elements.first { $0["id"] == .number(id) } ?? .null
    }

    /// Parses the lines of one output, and checks that their times never go back.
    ///
    /// - Parameter lines: The lines without their newlines, in order.
    /// - Returns: The events.
    /// - Throws: ``Malformed``.
    public static func parse(_ lines: some Sequence<some StringProtocol>) throws(Malformed) -> [EventLine] {
        var events: [EventLine] = []
        for line in lines {
            let event = try EventLine(String(line))
            try event.check(follows: events.last)
            events.append(event)
        }
        return events
    }

    /// Throws if the event before this one has a later time.
    fileprivate func check(follows last: EventLine?) throws(Malformed) {
        // In RFC 3339 and UTC, the later time is the greater string.
        guard let before = last?.json["time"].string, let time = json["time"].string, time < before else { return }
        throw Malformed(description: "the time goes back from \(before): \(json)")
    }

    /// The line without its times, which differ from run to run.
    public var timeless: JSON {
        var members = json.members
        (members["time"], members["timestamp"]) = (nil, nil)
        return .object(members)
    }
}

extension ChildProcess {
    /// Reads an event from a process that prints JSON lines.
    ///
    /// - Parameters:
    ///   - limit: How long to wait for it.
    ///   - isWanted: Whether an event matches; the events before it are skipped.
    /// - Returns: The event, or nil if none arrived in time or the output has ended.
    /// - Throws: ``EventLine/Malformed``.
    public func nextEvent(
        within limit: Duration = .seconds(20), where isWanted: (EventLine) -> Bool = { _ in true }
    ) throws(EventLine.Malformed) -> EventLine? {
        let deadline = ContinuousClock.now + limit
        while let line = nextLine(within: max(.zero, deadline - .now)) {
            let event = try EventLine(line)
            try event.check(follows: lastEvent.withLock { $0 })
            lastEvent.withLock { $0 = event }
            if isWanted(event) { return event }
        }
        return nil
    }
}
