// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("Text for the journal")
struct JournalFormatTests {
    private func line(_ event: Event, changes: [Change] = []) -> String {
        let formatter = EventFormatter(format: .journal(color: false))
        return String(decoding: formatter.bytes(for: event, changes: changes) ?? [], as: UTF8.self)
    }

    @Test("begins with the priority: info while well, warning with a problem, critical without quorum")
    func priorities() {
        var cluster = Cluster.settled()
        cluster.states[3] = .dead
        let left = cluster.nodelist(2, [1, 2])[0]
        #expect(line(left) == "<6>membership 1.2: node1, node2; left: node3\n")
        var event = cluster.quorum(true)[0]
        #expect(line(event).hasPrefix("<4>quorum: quorate, 2 of 3 votes"))
        for (codes, priority) in [([], 6), ([.configuration], 4)] as [([Problem.Code], Int)] {
            var state = event.state!
            state.problems = codes.map { Problem(code: $0, text: "") }
            event.body = .quorum(state)
            #expect(line(event).hasPrefix("<\(priority)>quorum: quorate, 2 of 3 votes"))
        }
        cluster.states[2] = .dead
        #expect(
            line(cluster.quorum(false)[0], changes: cluster.changes).hasPrefix("<2>quorum: NOT QUORATE, 1 of 3 votes"))
        cluster.states = [1: .member, 2: .member, 3: .member]
        #expect(line(cluster.quorum(true)[0], changes: cluster.changes).hasPrefix("<6>quorum: QUORATE, 3 of 3 votes"))
    }

    @Test("has priority error when corosync is gone or does not answer, and warning for dropped events")
    func trouble() {
        var cluster = Cluster.settled()
        let silent = cluster.reduce(.unresponsive(silent: .seconds(12)))[0]
        #expect(
            line(silent)
                == "<3>no answer: corosync has not answered for 12 s; see whether its process is stopped or kept from running\n"
        )
        var event = cluster.reduce(.disconnected(.lost))[0]
        #expect(line(event) == "<3>connection lost: corosync has ended or closed the connection (CS_ERR_LIBRARY)\n")
        event.body = .dropped(count: 2)
        #expect(line(event).hasPrefix("<4>missing: 2 events"))
    }

    @Test("has priority warning when the votes are unknown")
    func unknown() {
        var cluster = Cluster.settled()
        // A reading shows inquorate a moment after the notification of quorate.
        cluster.isQuorate = false
        let event = cluster.reduce(.quorum(quorate: true, nodes: cluster.listed, cluster.reading))[0]
        #expect(line(event).hasPrefix("<4>quorum: quorate, votes not known"))
    }

    @Test("has the priority on every line of the page, and no empty line")
    func page() throws {
        let state = try #require(Cluster.settled().reducer.knownState)
        let status = Event(time: Timestamp(microseconds: 0), quorate: true, body: .status(state))
        let formatter = EventFormatter(format: .journal(color: false), printsPage: true)
        let page = String(decoding: formatter.bytes(for: status, changes: []) ?? [], as: UTF8.self)
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count == 11 && lines.allSatisfy { $0.hasPrefix("<6>") && $0.count > 3 })
        #expect(lines.first == "<6>Cluster lab: QUORATE")
    }
}
