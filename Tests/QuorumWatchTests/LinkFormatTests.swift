// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("Links and evidence as text")
struct LinkFormatTests {
    private static let node2 = NodeReference(id: 2, name: "node2")
    private static let node3 = NodeReference(id: 3, name: "node3")

    private func words(_ body: Event.Body) -> String {
        EventText(Event(time: Timestamp(microseconds: 0), body: body)).line.plain
    }

    @Test(
        "have a phrase for each change of a link",
        arguments: [
            (false, 1, "link 1 to node3 is down"), (false, 3, "link 1 to node3 is down (it went down 3 times)"),
            (true, 0, "link 1 to node3 is connected again"),
            (true, 1, "link 1 to node3 went down, and is connected again"),
            (true, 2, "link 1 to node3 went down 2 times, and is connected again"),
        ] as [(Bool, UInt64, String)])
    func link(isConnected: Bool, downs: UInt64, text: String) {
        #expect(
            words(.link(.init(node: Self.node3, number: 1, isConnected: isConnected, downs: downs))) == text)
    }

    @Test("have a phrase for each part of the evidence")
    func evidence() {
        var report = EvidenceReport(
            ring: RingID(node: 1, sequence: 0x22), tokenLosses: 1, consensusTimeouts: 0, retransmits: 0,
            memberships: 1,
            linksDown: [
                .init(node: Self.node3, number: 0, before: 1400), .init(node: Self.node3, number: 1, before: 1390),
            ],
            schedulingMisses: [SchedulingMiss(time: Timestamp(microseconds: 0), delay: 3160)])
        #expect(
            words(.evidence(report)) == """
                evidence for membership 1.22: token lost; links 0 and 1 to node3 went down 1.4 s before; corosync was not \
                scheduled for 3.2 s
                """)
        report.tokenLosses = 2
        report.consensusTimeouts = 2
        report.retransmits = 1
        report.memberships = 3
        report.linksDown?.insert(.init(node: Self.node2, number: 1, before: 200), at: 0)
        report.schedulingMisses = []
        #expect(
            words(.evidence(report)) == """
                evidence for membership 1.22: token lost 2 times; membership consensus timed out 2 times; link 1 to node2 \
                and links 0 and 1 to node3 went down, the first 1.4 s before; 1 message retransmitted; 3 memberships formed
                """)
        report.linksDown = [Self.node2, Self.node3].flatMap {
            [.init(node: $0, number: 0), .init(node: $0, number: 1)]
        }
        #expect(words(.evidence(report)).contains("; links 0 and 1 to node2 and node3 went down;"))
        report.linksDown = [.init(node: Self.node3, number: 0, before: -300)]
        #expect(words(.evidence(report)).contains("; link 0 to node3 went down 0.3 s after;"))
        let other = EvidenceReport(
            ring: nil, tokenLosses: 0, consensusTimeouts: 0, retransmits: 0, memberships: 1, linksDown: [],
            mtuChanges: [.init(node: Self.node3, number: 0, from: 1446, to: 450)], rejoined: [Self.node2, Self.node3],
            configVersions: [.init(node: Self.node2, version: 3)], schedulingMisses: [])
        #expect(
            words(.evidence(other)) == """
                evidence: no token lost; MTU of link 0 to node3 1446 -> 450 bytes; node2 and node3 left and joined again in \
                between; node2 has configuration version 3, not this node's
                """)
        let nothing = EvidenceReport(
            ring: nil, tokenLosses: 0, consensusTimeouts: 0, retransmits: 0, memberships: 1, linksDown: [],
            schedulingMisses: [])
        #expect(words(.evidence(nothing)) == "evidence: no token lost")
        let cleared = EvidenceReport(
            ring: nil, tokenLosses: nil, consensusTimeouts: 0, retransmits: 0, memberships: 1, linksDown: [],
            schedulingMisses: [])
        #expect(words(.evidence(cleared)) == "evidence: not all counters are known")
    }

    @Test("are a table in the status")
    func page() throws {
        var state = ClusterState()
        state.links = [
            Link(id: LinkID(node: 2, number: 0), isConnected: true, latency: 1234, mtu: 1446),
            Link(id: LinkID(node: 3, number: 0), isConnected: true),
            Link(id: LinkID(node: 3, number: 1), isConnected: false, latency: 99),
        ]
        state.nodes = [Node(id: 3, name: "node3", isLocal: false, addresses: [])]
        #expect(!StatusText(state: state).lines.contains { $0.plain.contains("LATENCY") })
        let page = StatusText(state: state, showsLinks: true).lines.map(\.plain).joined(separator: "\n")
        #expect(
            page.hasSuffix(
                """

                    LINK  TO     STATE      AVERAGE LATENCY   MTU
                       0  2      connected         1.234 ms  1446
                       0  node3  connected                -     -
                       1  node3  down                     -     -
                """), "\(page)")
    }

    @Test("have every value in JSON")
    func json() {
        func line(_ body: Event.Body) -> String {
            String(
                decoding: JSONFormat.line(for: Event(time: Timestamp(microseconds: 0), body: body), changes: []),
                as: UTF8.self)
        }
        #expect(
            line(.link(.init(node: Self.node3, number: 1, isConnected: false, downs: 2))).hasSuffix(
                #""quorate":null,"node":{"id":3,"name":"node3"},"link":1,"connected":false,"downs":2}"# + "\n"))
        let report = EvidenceReport(
            ring: nil, tokenLosses: 1, consensusTimeouts: nil, retransmits: 0, memberships: 2,
            linksDown: [.init(node: Self.node3, number: 0, before: 1400)],
            mtuChanges: [.init(node: Self.node3, number: 0, from: 1446, to: 450)], rejoined: [Self.node2],
            configVersions: [.init(node: Self.node2, version: 3)],
            schedulingMisses: [SchedulingMiss(time: Timestamp(microseconds: 1_000), delay: 3160)])
        let end = #"""
            "ring_id":null,"token_losses":1,"consensus_timeouts":null,"retransmits":0,"memberships":2,\#
            "links_down":[{"node_id":3,"link":0,"before_ms":1400}],\#
            "mtu_changes":[{"node_id":3,"link":0,"from":1446,"to":450}],"rejoined":[{"id":2,"name":"node2"}],\#
            "config_versions":[{"id":2,"name":"node2","config_version":3}],\#
            "scheduling_misses":[{"time":"1970-01-01T00:00:00.001000Z","delay_ms":3160}]}

            """#
        #expect(line(.evidence(report)).hasSuffix(end))
        var state = ClusterState()
        state.links = [Link(id: LinkID(node: 3, number: 1), isConnected: false, isEnabled: nil)]
        #expect(
            line(.status(state)).contains(
                #""links":[{"node_id":3,"link":1,"connected":false,"enabled":null,"latency_us":null,"mtu":null}],"nodes""#
            ))
    }

    @Test("have a phrase for each change of a state")
    func change() {
        var state = ClusterState()
        state.nodes = [Node(id: 3, name: "node3", isLocal: false, addresses: [])]
        let link = Link(id: LinkID(node: 3, number: 1), isConnected: true)
        func phrases(_ field: Link.Field?, _ from: FieldValue, _ to: FieldValue) -> [String] {
            ChangeText(state).phrases(for: [Change(field: .link(link.id, field), from: from, to: to)])
        }
        func phrases(_ from: FieldValue, _ to: FieldValue) -> [String] {
            ChangeText(state).phrases(for: [Change(field: .state(.links), from: from, to: to)])
        }
        #expect(phrases(.connected, .bool(true), .bool(false)) == ["link 1 to node3 is down"])
        #expect(phrases(.enabled, .bool(true), .bool(false)) == ["link 1 to node3 is not enabled"])
        #expect(phrases(.mtu, .number(1446), .number(450)) == ["MTU of link 1 to node3 1446 -> 450"])
        #expect(phrases(nil, .null, .link(link)) == ["link 1 configured to node3"])
        #expect(phrases(nil, .link(link), .null) == ["link 1 no longer configured to node3"])
        #expect(phrases(.null, .links([link])) == ["links: 1 of 1 connected"])
        #expect(phrases(.links([link]), .null) == ["links not known"])
    }

    @Test("have priority warning in the journal if a link failed or a token was lost")
    func priority() {
        func priority(_ body: Event.Body) -> Priority { Event(time: Timestamp(microseconds: 0), body: body).priority }
        #expect(priority(.link(.init(node: Self.node3, number: 1, isConnected: false, downs: 1))) == .warning)
        #expect(priority(.link(.init(node: Self.node3, number: 1, isConnected: true, downs: 0))) == .information)
        var report = EvidenceReport(
            ring: nil, tokenLosses: 0, consensusTimeouts: 0, retransmits: 0, memberships: 1, linksDown: [],
            schedulingMisses: [])
        #expect(priority(.evidence(report)) == .information)
        report.tokenLosses = 1
        #expect(priority(.evidence(report)) == .warning)
    }

    @Test("are metrics")
    func metrics() {
        var state = ClusterState()
        state.nodes = [Node(id: 3, name: "node3", isLocal: false, addresses: [])]
        state.links = [Link(id: LinkID(node: 3, number: 1), isConnected: true, latency: 1250, downs: 4)]
        state.counters = TotemCounters(tokenLosses: 5, retransmits: 6)
        let text = String(decoding: PrometheusFormat.exposition(of: state), as: UTF8.self)
        for line in [
            #"vqwatch_link_connected{node_id="3",node="node3",link="1"} 1"#,
            #"vqwatch_link_latency_seconds{node_id="3",node="node3",link="1"} 0.001250"#,
            #"vqwatch_link_downs_total{node_id="3",node="node3",link="1"} 4"#,
            "vqwatch_token_losses_total 5", "vqwatch_retransmits_total 6",
        ] { #expect(text.contains("\n\(line)\n"), "\(line)") }
        #expect(!text.contains("scheduling_miss"))
    }
}
