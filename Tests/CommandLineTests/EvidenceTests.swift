// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// The evidence for changes of real clusters has the cause of each change, and nothing that corosync did not log.
@Suite("The evidence", .serialized)
struct EvidenceTests {
    /// The lines that corosync on node 1 logged, all of them or those of an action.
    private struct Log {
        let lines: [Substring]

        init(of sandbox: Sandbox, after start: Int = 0) throws {
            lines = try sandbox.log(of: 1).split(separator: "\n").dropFirst(start).map { $0 }
        }

        var tokenLosses: Int { lines.count { $0.contains("A processor failed, forming new configuration") } }

        /// How long corosync was not scheduled, in milliseconds.
        var misses: [Int64] {
            lines.compactMap { line in
                line.firstMatch(of: #/was not scheduled \(@\d+\) for (\d+\.\d+) ms/#).flatMap { match in
                    Double(match.1).map { Int64($0.rounded()) }
                }
            }
        }

        var linksDown: Set<String> {
            Set(lines.compactMap { $0.firstMatch(of: #/host: (\d+) link: (\d+) is down/#).map { "\($0.1).\($0.2)" } })
        }
    }

    /// The sum of several evidence events.
    private struct Evidence {
        var tokenLosses: Int64 = 0
        var consensusTimeouts: Int64 = 0
        var misses: [Int64] = []
        var linksDown: Set<String> = []

        mutating func add(_ line: EventLine) {
            tokenLosses += line.json["token_losses"].number ?? 0
            consensusTimeouts += line.json["consensus_timeouts"].number ?? 0
            misses += line.json["scheduling_misses"].elements.compactMap { $0["delay_ms"].number }
            for link in line.json["links_down"].elements {
                linksDown.insert("\(link["node_id"].number ?? -1).\(link["link"].number ?? -1)")
            }
        }
    }

    /// A cluster, and a follower on node 1.
    private struct Watched {
        /// How many lines of the log were compared, and the links that failed after the last evidence.
        private final class Compared {
            var lines = 0
            var late: Set<String> = []
        }

        let sandbox: Sandbox
        let follower: ChildProcess
        private let compared = Compared()

        init(_ sandbox: Sandbox, _ options: [String] = []) throws {
            self.sandbox = sandbox
            let lines = try Log(of: sandbox).lines.count
            follower = try sandbox.follow(["-l", "--refresh", "0"] + options)
            compared.lines = lines
        }

        // Leaves what was logged until now out of the comparison.
        func skipLog() throws { compared.lines = try Log(of: sandbox).lines.count }

        // Performs an action, and returns the evidence until no more events come, and what corosync logged. `end` tells
        // whether an event is the last for which there is a long timeout.
        func evidence(
            of happening: String, _ act: () throws -> Void, until end: (EventLine) -> Bool = { _ in true },
            at location: SourceLocation = #_sourceLocation
        ) throws -> (Evidence, Log) {
            try act()
            var evidence = Evidence()
            var awaited: [String] = []
            var hasEnded = false
            var log: Log
            let deadline = ContinuousClock.now + .seconds(120)
            repeat {
                // Every nodelist must have its evidence before the short timeout applies.
                while ContinuousClock.now < deadline,
                    let event = try follower.nextEvent(within: .seconds(hasEnded && awaited.isEmpty ? 3 : 30))
                {
                    hasEnded = hasEnded || end(event)
                    if event.event == "link", event.json["connected"] == false, hasEnded, awaited.isEmpty {
                        compared.late.insert(
                            "\(event.json["node"]["id"].number ?? -1).\(event.json["link"].number ?? -1)")
                    }
                    let ring = event.json["ring_id"].string ?? ""
                    if event.event == "nodelist" { awaited.append(ring) }
                    guard event.event == "evidence" else { continue }
                    evidence.add(event)
                    if !awaited.isEmpty {
                        #expect(
                            awaited.removeFirst() == ring, "\(happening): one for each nodelist",
                            sourceLocation: location)
                    }
                }
                log = try Log(of: sandbox, after: compared.lines)
                // The evidence for the last lines of the log may still come.
            } while hasEnded && awaited.isEmpty && ContinuousClock.now < deadline
                && (Int(evidence.tokenLosses) != log.tokenLosses || evidence.misses != log.misses)
            compared.lines += log.lines.count
            #expect(hasEnded && awaited.isEmpty, "\(happening): \(awaited)", sourceLocation: location)
            // On a busy machine there may be more changes than those of the test. The log contains all of them.
            #expect(Int(evidence.tokenLosses) == log.tokenLosses, "\(happening)", sourceLocation: location)
            #expect(evidence.misses == log.misses, "\(happening)", sourceLocation: location)
            return (evidence, log)
        }

        // The same, and checks that these links failed, and that corosync logged the failures of all that did.
        func expect(
            _ happening: String, tokenLost: Bool?, linksDown: Set<String>, isScheduled: Bool = true,
            _ act: () throws -> Void,
            until end: (EventLine) -> Bool = { $0.event == "evidence" }, at location: SourceLocation = #_sourceLocation
        ) throws {
            let early = compared.late
            compared.late = []
            let (evidence, log) = try evidence(of: happening, act, until: end, at: location)
            if let tokenLost {
                // If another node notices first that the token is lost, only the timeout for the consensus is counted here.
                let isExpected =
                    tokenLost
                    ? evidence.tokenLosses > 0 || evidence.consensusTimeouts > 0
                    : evidence.tokenLosses == 0 || log.tokenLosses > 0
                #expect(isExpected, "\(happening)", sourceLocation: location)
            }
            // A link that fails late has an event of its own, and is in the next evidence.
            let failed = evidence.linksDown.union(compared.late)
            #expect(failed.isSuperset(of: linksDown), "\(happening): \(evidence)", sourceLocation: location)
            let logged = log.linksDown.union(early)
            #expect(evidence.linksDown.isSubset(of: logged), "\(happening): \(evidence)", sourceLocation: location)
            if !isScheduled {
                #expect(evidence.misses.contains { $0 > 2000 }, "\(happening)", sourceLocation: location)
            }
        }
    }

    private static let toNode3: Set = ["3.0", "3.1"]
    private static let toAll: Set = ["2.0", "2.1", "3.0", "3.1"]

    private func joins(_ node: Int64) -> (EventLine) -> Bool {
        { $0.event == "quorum" && $0.node(node)["state"] == "member" }
    }

    @Test("differs between a killed daemon, a clean stop, and a daemon that hangs on this or another node")
    func daemons() throws {
        let sandbox = try Sandbox(links: 2)
        let watched = try Watched(sandbox)
        try watched.expect("a killed daemon", tokenLost: true, linksDown: Self.toNode3) { try sandbox.kill(3) }
        try watched.expect("a start", tokenLost: false, linksDown: []) {
            try sandbox.start(3)
        } until: {
            joins(3)($0)
        }
        try watched.expect("a clean stop", tokenLost: false, linksDown: Self.toNode3) { try sandbox.stop(3) }
        try watched.expect("another start", tokenLost: false, linksDown: []) {
            try sandbox.start(3)
        } until: {
            joins(3)($0)
        }
        try watched.expect("another node that hangs", tokenLost: true, linksDown: Self.toNode3) {
            try sandbox.freeze(3)
            sleep(3)
            try sandbox.thaw(3)
        } until: {
            joins(3)($0)
        }
        // The other nodes can make it leave the ring before it notices that the token was lost.
        try watched.expect("this node hangs", tokenLost: nil, linksDown: [], isScheduled: false) {
            try sandbox.freeze(1)
            sleep(3)
            try sandbox.thaw(1)
        }
        // A new corosync starts with new counters.
        try sandbox.kill(1)
        try sandbox.start(1)
        #expect(try watched.follower.nextEvent { $0.event == "status" } != nil)
        try sandbox.wait(node: 1, members: [1, 2, 3])
        #expect(try eventually(within: .seconds(60)) { try watched.follower.nextEvent(within: .seconds(5)) == nil })
        try watched.skipLog()
        try watched.expect("a daemon killed after that", tokenLost: true, linksDown: Self.toNode3) {
            try sandbox.kill(3)
        }
    }

    @Test("has the failed links of a cut cable, of cables cut one after the other, of a one-way loss and of this node")
    func networks() throws {
        let sandbox = try Sandbox(links: 2)
        let watched = try Watched(sandbox)
        func heal(_ act: () throws -> Void) throws {
            _ = try watched.evidence(of: "healing", act, until: joins(3))
            try sandbox.wait(node: 1, members: [1, 2, 3])
        }
        try watched.expect("a cut cable", tokenLost: true, linksDown: Self.toNode3) { try sandbox.cut(3) }
        try heal { try sandbox.heal(3) }
        try watched.expect("one link after the other", tokenLost: true, linksDown: Self.toNode3) {
            try sandbox.cut(3, link: 1)
            #expect(try watched.follower.nextEvent { $0.event == "link" } != nil)
            try sandbox.cut(3, link: 0)
        }
        try heal { try sandbox.heal(3) }
        try watched.expect("both links of this node", tokenLost: true, linksDown: Self.toAll) { try sandbox.cut(1) }
        try heal { try sandbox.heal(1) }
        // The packets of node 1 still arrive at node 3. Corosync may form one ring after another until they are answered.
        try watched.expect("a firewall", tokenLost: true, linksDown: Self.toNode3) {
            let start = try Log(of: sandbox).lines.count
            try sandbox.block(from: 3, to: 1)
            let isNoticed = try eventually(within: .seconds(60), every: .milliseconds(100)) {
                let log = try Log(of: sandbox, after: start)
                return log.linksDown.isSuperset(of: Self.toNode3)
                    && log.lines.contains { $0.contains("A new membership") }
            }
            try #require(isNoticed)
            try sandbox.unblock(from: 3, to: 1)
        } until: {
            joins(3)($0)
        }
    }

    @Test("has the lost token of a link that loses half of its packets, and the link if corosync notices that it fails")
    func losses() throws {
        let sandbox = try Sandbox(nodes: 2)
        let watched = try Watched(sandbox)
        let (evidence, log) = try watched.evidence(of: "losses") {
            try sandbox.degrade(2, percent: 50)
            try sandbox.wait(node: 1, members: [1])
            try sandbox.restore(2)
        } until: {
            joins(2)($0)
        }
        #expect(evidence.tokenLosses > 0 || evidence.consensusTimeouts > 0, "\(evidence)")
        #expect(evidence.linksDown.isSubset(of: log.linksDown), "\(evidence)")
    }

    @Test("has the times in which corosync was not scheduled, also without a membership change")
    func starvation() throws {
        let sandbox = try Sandbox(nodes: 2, totem: "token: 2000")
        let watched = try Watched(sandbox)
        let (evidence, _) = try watched.evidence(of: "starvation") {
            // A miss is a gap of more than 1.6 s between two checks that are 0.67 s apart, so that not every pause causes
            // one. The token is lost after 2 s.
            func misses() throws -> String {
                try watched.sandbox.run(on: 1, ["grep", "-c", "not scheduled", Self.log]).output
            }
            let before = try misses()
            for _ in 0..<20 where try misses() == before {
                try sandbox.freeze(1)
                usleep(1_250_000)
                try sandbox.thaw(1)
                usleep(1_000_000)
            }
        } until: {
            $0.event == "evidence" && $0.json["scheduling_misses"] != .array([])
        }
        #expect(evidence.misses.contains { $0 > 1600 })
    }

    private static let log = "/var/log/corosync/corosync.log"

    @Test("is that of the new ring after corosync was frozen for so long that a reading was due meanwhile")
    func longFreeze() throws {
        let sandbox = try Sandbox()
        let follower = try sandbox.follow()
        let lines = try Log(of: sandbox).lines.count
        try sandbox.freeze(1)
        sleep(12)
        try sandbox.thaw(1)
        var nodelists: [String?] = []
        var (losses, logged): (Int64, Int) = (0, 0)
        var misses: [Int64] = []
        while misses.isEmpty {
            let event = try #require(try follower.nextEvent { ["nodelist", "evidence"].contains($0.event) })
            let ring = event.json["ring_id"].string
            if event.event == "nodelist" {
                nodelists.append(ring)
            } else {
                #expect(nodelists.contains(ring))
                losses += event.json["token_losses"].number ?? 0
                logged = try Log(of: sandbox, after: lines).tokenLosses
                misses = event.json["scheduling_misses"].elements.compactMap { $0["delay_ms"].number }
            }
        }
        // The other nodes can make it leave the ring before it notices that the token was lost.
        #expect(Int(losses) == logged)
        #expect(misses.contains { $0 > 10_000 }, "\(misses)")
    }

    @Test("has null for counters that were cleared")
    func cleared() throws {
        // The only node that is left loses the token, and waits for a consensus, itself.
        let sandbox = try Sandbox(nodes: 2)
        let watched = try Watched(sandbox)
        try watched.expect("a killed daemon", tokenLost: true, linksDown: ["2.0"]) { try sandbox.kill(2) }
        let clear = try sandbox.run(on: 1, ["corosync-cmapctl", "-m", "stats", "-s", "stats.clear.all", "u8", "1"])
        #expect(clear.status == 0, "\(clear.errors)")
        try sandbox.start(2)
        let evidence = try #require(try watched.follower.nextEvent { $0.event == "evidence" })
        #expect(evidence.json["token_losses"] == .null && evidence.json["consensus_timeouts"] == .null)
        #expect(evidence.json["links_down"] == .null)
    }
}
