// SPDX-License-Identifier: MIT

internal import Corosync

/// Events as JSON lines (vqwatch-events(5)).
struct JSONFormat {
    private var json = JSONBuffer()

    /// The line of an event, with the changes since the reader's last state, its newline included.
    mutating func line(for event: Event, changes: [Change]) -> [UInt8] {
        json.removeAll()
        json.object { json in
            json.key("time")
            json.quoted { $0.raw { event.time.appendUTC(to: &$0) } }
            json.key("event")
            json.value(event.kind.rawValue)
            json.key("cluster_name")
            json.value(event.clusterName)
            json.key("local_node_id")
            json.value(event.localNode?.rawValue)
            json.key("quorate")
            json.value(event.quorate)
            json.body(event.body, changes)
        }
        json.newline()
        return json.bytes
    }
}

extension JSONBuffer {
    fileprivate mutating func body(_ body: Event.Body, _ changes: [Change]) {
        switch body {
        case .status(let state), .quorum(let state), .expectedVotes(let state), .info(let state):
            self.state(state)
            key("changes")
            array(changes) { $0.change($1) }
        case .nodelist(let report):
            key("ring_id")
            value(report.ring.description)
            key("members")
            array(report.members) { $0.reference($1) }
            key("joined")
            array(report.joined) { $0.reference($1) }
            key("left")
            array(report.left) { $0.reference($1) }
        case .disconnected(let error):
            key("error")
            object { json in
                json.key("code")
                json.value(error.code.description)
                json.key("message")
                json.value(error.reason)
            }
        case .unsettled(let report):
            key("ring_id")
            value(report.ring?.description)
            key("elapsed_ms")
            value(report.elapsed.milliseconds)
        case .link(let report):
            key("node")
            reference(report.node)
            key("link")
            value(report.number)
            key("connected")
            value(report.isConnected)
            key("downs")
            value(report.downs)
        case .evidence(let report): evidence(report)
        case .unresponsive(let silent):
            key("silent_ms")
            value(silent.milliseconds)
        case .dropped(let count):
            key("count")
            value(count)
        case .prediction(let report):
            key("if_down")
            array(report.ifDown) { $0.reference($1) }
            key("prediction")
            prediction(report)
        }
    }

    private mutating func prediction(_ report: PredictionReport) {
        let prediction = report.prediction
        object { json in
            json.key("quorate")
            json.value(prediction.quorate)
            json.votes(prediction.votes)
            json.key("members")
            json.array(prediction.members) { $0.reference(report.reference($1)) }
            json.key("rule")
            json.value(prediction.rule?.rawValue)
            json.key("depends_on_qdevice")
            json.value(prediction.dependsOnDevice)
            json.key("waits_for_all_afterwards")
            json.value(prediction.waitsForAllAfterwards)
        }
    }

    private mutating func state(_ state: ClusterState) {
        key("ring_id")
        value(state.ring?.description)
        votes(state.votes)
        key("flags")
        value(state.flags?.clusterFlagNames)
        key("qdevice")
        if let device = state.device { self.device(device) } else { null() }
        key("nodes")
        array(state.nodes) { $0.node($1) }
        key("links")
        value(state.links)
    }

    private mutating func value(_ links: [Link]?) {
        guard let links else { return null() }
        array(links) { $0.link($1) }
    }

    private mutating func link(_ link: Link) {
        object { json in
            json.key("node_id")
            json.value(link.id.node.rawValue)
            json.key("link")
            json.value(link.id.number)
            json.key("connected")
            json.value(link.isConnected)
            json.key("enabled")
            json.value(link.isEnabled)
            json.key("latency_us")
            json.value(link.latency)
        }
    }

    private mutating func evidence(_ report: EvidenceReport) {
        key("ring_id")
        value(report.ring?.description)
        key("token_losses")
        value(report.tokenLosses)
        key("consensus_timeouts")
        value(report.consensusTimeouts)
        key("retransmits")
        value(report.retransmits)
        key("memberships")
        value(report.memberships)
        key("links_down")
        if let links = report.linksDown {
            array(links) { json, link in
                json.object { json in
                    json.key("node_id")
                    json.value(link.node.id.rawValue)
                    json.key("link")
                    json.value(link.number)
                }
            }
        } else {
            null()
        }
        key("scheduling_misses")
        array(report.schedulingMisses) { json, miss in
            json.object { json in
                json.key("time")
                json.quoted { $0.raw { miss.time.appendUTC(to: &$0) } }
                json.key("delay_ms")
                json.value(miss.delay)
            }
        }
    }

    private mutating func votes(_ votes: Votes) {
        key("votes")
        object { json in
            json.key("total")
            json.value(votes.total)
            json.key("expected")
            json.value(votes.expected)
            json.key("highest_expected")
            json.value(votes.highestExpected)
            json.key("quorum")
            json.value(votes.quorum)
            json.key("margin")
            json.value(votes.margin)
        }
    }

    private mutating func device(_ device: QuorumDevice) {
        object { json in
            json.key("name")
            json.value(device.name)
            json.key("model")
            json.value(device.model)
            json.key("registered")
            json.value(device.isRegistered)
            json.key("votes")
            json.value(device.votes)
            json.members(of: device.state ?? DeviceState(alive: false, castVote: false, masterWins: false))
        }
    }

    private mutating func members(of state: DeviceState) {
        key("alive")
        value(state.alive)
        key("cast_vote")
        value(state.castVote)
        key("master_wins")
        value(state.masterWins)
    }

    private mutating func value(_ state: DeviceState?) {
        guard let state else { return null() }
        object { $0.members(of: state) }
    }

    private mutating func node(_ node: Node) {
        object { json in
            json.key("id")
            json.value(node.id.rawValue)
            json.key("name")
            json.value(node.name)
            json.key("state")
            json.value(node.stateName)
            json.key("votes")
            json.value(node.votes)
            json.key("expected_votes")
            json.value(node.expectedVotes)
            json.key("local")
            json.value(node.isLocal)
            json.key("addresses")
            json.value(node.addresses)
            json.key("qdevice")
            json.value(node.device)
        }
    }

    private mutating func reference(_ node: NodeReference) {
        object { json in
            json.key("id")
            json.value(node.id.rawValue)
            json.key("name")
            json.value(node.name)
        }
    }

    private mutating func change(_ change: Change) {
        object { json in
            json.key("field")
            json.value(change.field)
            json.key("from")
            json.value(change.from)
            json.key("to")
            json.value(change.to)
        }
    }

    private mutating func value(_ value: Change.Value) {
        switch value {
        case .null: null()
        case .bool(let bool): self.value(bool)
        case .number(let number): self.value(number)
        case .string(let string): self.value(string)
        case .strings(let strings): self.value(strings)
        case .device(let device): self.device(device)
        case .deviceState(let state): self.value(state)
        case .node(let node): self.node(node)
        case .link(let link): self.link(link)
        case .links(let links): self.value(links)
        }
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
