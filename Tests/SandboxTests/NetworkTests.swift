// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// The statistics of knet on one node about one link to another node, from the statistics map.
private struct LinkStatistics {
    private let values: [Substring: Int]

    init(on node: Int, to peer: Int, link: Int, of sandbox: Sandbox) throws {
        let prefix = "stats.knet.node\(peer).link\(link)."
        let lines = try sandbox.run(on: node, ["corosync-cmapctl", "-m", "stats", prefix]).lines
        values = lines.reduce(into: [:]) { values, line in
            let words = line.dropFirst(prefix.count).split(separator: " ")
            if let name = words.first, let value = words.last.flatMap({ Int($0) }) { values[name] = value }
        }
    }

    var isConnected: Bool { values["connected"] == 1 }
    var pingsSent: Int { values["tx_ping_packets"] ?? 0 }
    var pingsReceived: Int { values["rx_ping_packets"] ?? 0 }
    var pongsReceived: Int { values["rx_pong_packets"] ?? 0 }
}

/// Each test starts a real cluster.
@Suite("The network of a sandbox", .serialized)
struct NetworkTests {
    @Test("When one link is cut, knet loses only that link")
    func cut() throws {
        let sandbox = try Sandbox(links: 2)
        /// The links to other nodes that node 1 has lost; 3.1 is link 1 to node 3.
        func lost() throws -> [String] {
            try [(2, 0), (2, 1), (3, 0), (3, 1)].filter { peer, link in
                try !LinkStatistics(on: 1, to: peer, link: link, of: sandbox).isConnected
            }.map { "\($0).\($1)" }
        }
        func timesNode3Joined() throws -> String {
            try sandbox.run(on: 1, ["corosync-cmapctl", "-g", "runtime.members.3.join_count"]).output
        }
        #expect(try eventually(within: .seconds(20)) { try lost() == [] })
        let joined = try timesNode3Joined()
        try sandbox.cut(3, link: 1)
        #expect(try eventually(within: .seconds(10)) { try lost() == ["3.1"] })
        try sandbox.wait(node: 1, members: [1, 2, 3])
        #expect(try timesNode3Joined() == joined)

        try sandbox.cut(3, link: 0)
        try sandbox.wait(node: 1, members: [1, 2])
        try sandbox.heal(3)
        try sandbox.wait(node: 1, members: [1, 2, 3])
        #expect(try eventually(within: .seconds(10)) { try lost() == [] })

        try sandbox.cut(3)
        try sandbox.wait(node: 3, members: [3])
        try sandbox.heal(3)
        try sandbox.wait(node: 3, members: [1, 2, 3])
        try sandbox.partition([1, 2], [3])
        try sandbox.wait(node: 3, members: [3])
        try sandbox.join()
        try sandbox.wait(node: 3, members: [1, 2, 3])
    }

    @Test("A degraded link loses some of its packets")
    func degrade() throws {
        let sandbox = try Sandbox(nodes: 2, links: 2)
        let pings = 24
        /// The pings of node 1 on link 0 and on link 1, and how many of them are not answered. A busy node answers late,
        /// hence this waits until at most one answer is missing on the links that lose nothing.
        func unanswered(losingNothing links: ClosedRange<Int>) throws -> (lost: [Int], sent: [Int]) {
            func statistics() throws -> [LinkStatistics] {
                try (0...1).map { try LinkStatistics(on: 1, to: 2, link: $0, of: sandbox) }
            }
            let before = try statistics()
            var (lost, sent) = ([0, 0], [0, 0])
            let areCounted = try eventually(within: .seconds(60), every: .milliseconds(200)) {
                let after = try statistics()
                for link in 0...1 {
                    sent[link] = after[link].pingsSent - before[link].pingsSent
                    lost[link] = sent[link] - (after[link].pongsReceived - before[link].pongsReceived)
                }
                return sent.allSatisfy { $0 >= pings } && links.allSatisfy { lost[$0] <= 1 }
            }
            #expect(areCounted, "\(lost) of \(sent)")
            return (lost, sent)
        }
        try sandbox.degrade(2, percent: 40, link: 1)
        // A ping and its answer both arrive with a probability of 0.36, so all are lost in one of 40000 runs.
        let (lost, sent) = try unanswered(losingNothing: 0...0)
        #expect(lost[1] > 2 && lost[1] < sent[1])
        try sandbox.restore(2)
        _ = try unanswered(losingNothing: 0...1)
        try sandbox.wait(node: 1, members: [1, 2])
    }

    @Test("When one direction between two nodes is blocked, the other one works")
    func block() throws {
        let sandbox = try Sandbox()
        func link(on node: Int, to peer: Int) throws -> LinkStatistics {
            try LinkStatistics(on: node, to: peer, link: 0, of: sandbox)
        }
        try sandbox.block(from: 1, to: 2)
        // Without answers, both sides lose the link.
        for node in 1...2 {
            #expect(try eventually(within: .seconds(10)) { try !link(on: node, to: 3 - node).isConnected })
        }
        let (sender, receiver) = (try link(on: 1, to: 2), try link(on: 2, to: 1))
        #expect(
            try eventually(within: .seconds(10)) {
                try link(on: 1, to: 2).pingsReceived >= sender.pingsReceived + 5
                    && link(on: 1, to: 2).pingsSent >= sender.pingsSent + 5
            })
        #expect(try link(on: 2, to: 1).pingsReceived == receiver.pingsReceived)
        for node in 1...2 { #expect(try eventually(within: .seconds(20)) { try link(on: node, to: 3).isConnected }) }

        try sandbox.unblock(from: 1, to: 2)
        for node in 1...3 { try sandbox.wait(node: node, members: [1, 2, 3]) }
    }

    @Test("An encrypted cluster does not admit a node with another key")
    func encryption() throws {
        let sandbox = try Sandbox(encrypted: true)
        let map = try sandbox.run(on: 1, ["corosync-cmapctl", "totem.crypto"]).output
        #expect(map.contains("aes256") && map.contains("sha256"))
        try sandbox.stop(3)
        let authkey = "/etc/corosync/authkey"
        let change = try sandbox.run(
            on: 3, ["bash", "-c", "cp \(authkey) /run/ && head -c 256 /dev/urandom >\(authkey)"])
        #expect(change.status == 0, "\(change.errors)")
        try sandbox.start(3)
        #expect(try eventually(within: .seconds(10)) { try sandbox.log(of: 3).contains("Unable to decrypt packet") })
        try sandbox.wait(node: 3, members: [3])
        try sandbox.wait(node: 1, members: [1, 2])

        try sandbox.stop(3)
        #expect(try sandbox.run(on: 3, ["cp", "/run/authkey", authkey]).status == 0)
        try sandbox.start(3)
        try sandbox.wait(node: 3, members: [1, 2, 3])
    }
}
