// SPDX-License-Identifier: MIT

internal import Corosync

/// Events as JSON lines (vqwatch-events(5)).
enum JSONFormat {
    /// The line of an event, with the changes since the reader's last state, its newline included.
    static func line(for event: Event, changes: [Change]) -> [UInt8] {
        line(event.kind.rawValue, event) { $0.body(event.body, changes) }
    }

    /// The line of a check of the state in an event, its newline included.
    static func checkLine(for event: Event, status: String) -> [UInt8] {
        line("check", event) { json in
            json.member("status", .string(status))
            json.member("votes", .votes(event.state?.votes ?? Votes()))
            json.member("problems", .problems(event.state?.problems ?? []))
        }
    }

    private static func line(_ kind: String, _ event: Event, _ rest: (inout JSONBuffer) -> Void) -> [UInt8] {
        var json = JSONBuffer()
        json.object { json in
            json.member("time", event.time)
            json.member("timestamp") { $0.seconds(event.time) }
            json.member("event", .string(kind))
            json.member("cluster_name", .init(event.clusterName))
            json.member("local_node_id", .init(event.localNode?.rawValue))
            json.member("local_node_name", .init(event.localName))
            // A prediction is not about the present.
            json.member("quorate", event.kind == .prediction ? .null : .init(event.quorate))
            rest(&json)
        }
        return json.line()
    }
}

// MARK: - Kinds

extension JSONBuffer {
    fileprivate mutating func body(_ body: Event.Body, _ changes: [Change]) {
        switch body {
        case .status(let state), .quorum(let state), .expectedVotes(let state), .info(let state):
            // The line begins with the others.
            members(of: state, ClusterState.Field.ofStateAlone)
            member("changes", changes) { json, change in
                json.member("field", .string(change.field.path))
                json.member("node_id", .init(change.field.node?.rawValue))
                json.member("from", change.from)
                json.member("to", change.to)
            }
        case .nodelist(let report):
            member("ring_id", report.ring)
            member("members", report.members)
            member("joined", report.joined)
            member("left", report.left)
        case .disconnected(let error):
            member("error") { json in
                json.object { json in
                    json.member("code", .string(error.code.description))
                    json.member("message", .string(error.reason))
                }
            }
        case .unsettled(let report):
            member("ring_id", report.ring)
            member("reason", .string(report.reason.rawValue))
            member("elapsed_ms", .init(report.elapsed.milliseconds))
        case .link(let report):
            member("node") { $0.object { $0.members(of: report.node) } }
            member("link", .init(report.number))
            member("connected", .bool(report.isConnected))
            member("downs", .init(report.downs))
        case .evidence(let report): evidence(report)
        case .unresponsive(let silent): member("silent_ms", .init(silent.milliseconds))
        case .dropped(let count): member("count", .init(count))
        case .prediction(let report):
            member("if_down", report.ifDown)
            member("prediction") { $0.object { $0.prediction(report) } }
        }
    }

    private mutating func prediction(_ report: PredictionReport) {
        let prediction = report.prediction
        member("quorate", .init(prediction.quorate))
        member("votes", .votes(prediction.votes))
        member("members", prediction.members.map(report.reference))
        member("rule", .init(prediction.rule?.rawValue))
        member("depends_on_qdevice", .init(prediction.dependsOnDevice))
        member("waits_for_all_afterwards", .init(prediction.waitsForAllAfterwards))
        member("waits_for_votes", .init(prediction.waitsForVotes))
    }

    private mutating func evidence(_ report: EvidenceReport) {
        member("ring_id", report.ring)
        member("token_losses", .init(report.tokenLosses))
        member("consensus_timeouts", .init(report.consensusTimeouts))
        member("retransmits", .init(report.retransmits))
        member("memberships", .init(report.memberships))
        member("links_down", report.linksDown) { json, link in
            json.link(link.node, link.number)
            json.member("before_ms", .init(link.before))
        }
        member("mtu_changes", report.mtuChanges) { json, change in
            json.link(change.node, change.number)
            json.member("from", .init(change.from))
            json.member("to", .init(change.to))
        }
        member("rejoined", report.rejoined)
        member("config_versions", report.configVersions) { json, node in
            json.members(of: node.node)
            json.member("config_version", .init(node.version))
        }
        member("scheduling_misses", report.schedulingMisses) { json, miss in
            json.member("time", miss.time)
            json.member("delay_ms", .init(miss.delay))
        }
    }
}

extension ClusterState.Field {
    /// The fields that not every line has.
    fileprivate static let ofStateAlone = allCases.filter {
        ![.clusterName, .localNode, .localName, .quorate].contains($0)
    }
}

// MARK: - Values

extension JSONBuffer {
    fileprivate mutating func member(_ name: String, _ value: FieldValue) {
        key(name)
        self.value(value)
    }

    fileprivate mutating func member(_ name: String, _ write: (inout JSONBuffer) -> Void) {
        key(name)
        write(&self)
    }

    /// A list of objects; nil is null.
    fileprivate mutating func member<Element>(
        _ name: String, _ list: [Element]?, _ members: (inout JSONBuffer, Element) -> Void
    ) {
        key(name)
        guard let list else { return null() }
        array(list) { json, element in json.object { members(&$0, element) } }
    }

    fileprivate mutating func member(_ name: String, _ nodes: [NodeReference]) {
        member(name, nodes) { $0.members(of: $1) }
    }

    fileprivate mutating func member(_ name: String, _ ring: RingID?) { member(name, .init(ring?.description)) }

    fileprivate mutating func member(_ name: String, _ time: Timestamp) {
        key(name)
        value(time)
    }

    fileprivate mutating func members<Part: FieldContainer>(of part: Part, _ fields: [Part.Field] = Part.Field.allCases)
    {
        for field in fields { member(field.rawValue, part.value(of: field)) }
    }

    fileprivate mutating func members(of node: NodeReference) {
        member(Node.Field.id.rawValue, .init(node.id.rawValue))
        member(Node.Field.name.rawValue, .init(node.name))
    }

    private mutating func link(_ node: NodeReference, _ number: Int) {
        member(Link.Field.node.rawValue, .init(node.id.rawValue))
        member(Link.Field.number.rawValue, .init(number))
    }

    private mutating func value(_ value: FieldValue) {
        switch value {
        case .null: null()
        case .bool(let bool): self.value(bool)
        case .number(let number): self.value(number)
        case .string(let string): self.value(string)
        case .strings(let strings): array(strings) { $0.value($1) }
        case .votes(let votes): object { $0.members(of: votes) }
        case .device(let device): object { $0.members(of: device) }
        case .deviceState(let state): object { $0.members(of: state) }
        case .node(let node): object { $0.members(of: node) }
        case .nodes(let nodes): array(nodes) { json, node in json.object { $0.members(of: node) } }
        case .link(let link): object { $0.members(of: link) }
        case .links(let links): array(links) { json, link in json.object { $0.members(of: link) } }
        case .problems(let problems):
            array(problems) { json, problem in
                json.object { json in
                    json.member("code", .string(problem.code.rawValue))
                    json.member("severity", .string(problem.severity.rawValue))
                    json.member("nodes", problem.nodes)
                    json.member("text", .string(problem.text))
                }
            }
        }
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
