// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// `--follow` on real clusters.
@Suite("Following", .serialized)
struct FollowTests {
    @Test("gives the same events in every dispatch mode, as JSON and as text")
    func followsInEveryMode() throws {
        let sandbox = try Sandbox(nodes: 3)
        let followers = try dispatchModes.map { mode in
            let mayRefresh = mode == "all" || mode == "one-nonblocking"
            // Links and evidence are told of by the clock, not by votequorum.
            let kinds = ["--events", "status,nodelist,quorum,expected_votes,info,disconnected"]
            return try sandbox.follow(["--dispatch", mode] + kinds + (mayRefresh ? ["--refresh", "0"] : []))
        }
        let text = try sandbox.spawn(on: 1, [vqwatch, "-f", "--color", "always"])

        /// The fields that are the same for all followers; the votes are null for a follower that reads them too late.
        func common(_ event: EventLine) -> [JSON] {
            let nodes = event.json["nodes"].elements.flatMap { [$0["id"], $0["name"], $0["state"]] }
            return [event.json["event"], event.json["quorate"], event.json["ring_id"], event.json["members"]] + nodes
        }

        /// Every follower prints these events, and the last one matches. Every follower may have other rings in between:
        /// a ring can take more than one attempt, and a busy machine forms additional rings.
        func expect(
            _ events: [String], _ what: Comment, at location: SourceLocation = #_sourceLocation,
            last isWanted: (EventLine) -> Bool = { _ in true }
        ) throws {
            var given: [EventLine] = []
            var missing = events[...]
            repeat {
                // Knet finds the MTU of a link some time after it is connected.
                guard let event = try followers[0].nextEvent(where: { events == ["info"] || $0.event != "info" })
                else { throw TestFailure("\(what): no such event") }
                let isAllowed = (events + ["nodelist", "quorum"]).contains(event.event)
                #expect(isAllowed, "\(what): \(event.json)", sourceLocation: location)
                if event.event == missing.first { missing.removeFirst() }
                given.append(event)
            } while !missing.isEmpty || given.last?.event != events.last || !isWanted(given.last!)
            for follower in followers.dropFirst() {
                for event in given {
                    let same = try follower.nextEvent { event.event == "info" || $0.event != "info" }
                    #expect(same.map(common) == common(event), what, sourceLocation: location)
                }
            }
        }

        try sandbox.cut(3)
        try expect(["nodelist", "quorum"], "cut") { $0.node(3)["state"] == "dead" && $0.isQuorate == true }
        try sandbox.heal(3)
        try expect(["nodelist", "quorum"], "heal") { $0.changedFields.contains("nodes.3.state") }
        try sandbox.stop(3)
        try expect(["nodelist", "quorum"], "clean stop") { $0.json["votes"]["margin"] == 0 }
        try sandbox.start(3)
        try expect(["nodelist", "quorum"], "start") { $0.node(3)["state"] == "member" }
        try sandbox.kill(2)
        try expect(["nodelist", "quorum"], "SIGKILL") { $0.node(2)["state"] == "dead" }
        try sandbox.start(2)
        try expect(["nodelist", "quorum"], "start again") { $0.json["votes"]["total"] == 3 }
        try sandbox.partition([1], [2, 3])
        try expect(["nodelist", "quorum"], "alone") { $0.isQuorate == false && $0.changedFields.contains("quorate") }
        try sandbox.join()
        try expect(["nodelist", "quorum"], "together") { $0.isQuorate == true && $0.changedFields.contains("quorate") }
        try sandbox.setExpectedVotes(5)
        try expect(["expected_votes"], "expected votes") { $0.json["votes"]["expected"] == 5 }
        try sandbox.setExpectedVotes(3)
        try expect(["expected_votes"], "expected votes back") { $0.json["votes"]["quorum"] == 2 }
        try sandbox.editConfiguration { $0.replacing("name: node3", by: "name: renamed") }
        try sandbox.reload()
        try expect(["info"], "a reload renames a node") {
            $0.changedFields == ["nodes.3.name"] && $0.node(3)["name"] == "renamed"
        }
        // A new ring with the same members: node 2 is back before the others miss it.
        try sandbox.kill(2)
        try sandbox.start(2)
        try expect(["nodelist", "quorum"], "a new ring")
        try sandbox.wait(node: 1, members: [1, 2, 3])
        // The last event of every follower so far.
        try sandbox.setExpectedVotes(4)
        try sandbox.setExpectedVotes(3)
        for follower in followers {
            _ = try #require(
                try follower.nextEvent { $0.event == "expected_votes" && $0.json["votes"]["expected"] == 3 })
        }

        try sandbox.kill(1)
        try expect(["disconnected"], "corosync is killed under the watcher") {
            $0.isQuorate == nil && $0.json["error"]["code"] == "CS_ERR_LIBRARY" && $0.json["local_node_name"] == "node1"
        }
        try sandbox.start(1)
        try sandbox.wait(node: 1, members: [1, 2, 3])
        for follower in followers {
            var event = try #require(try follower.nextEvent())
            #expect(event.event == "status", "corosync is started under the watcher")
            // The first status may already have all nodes.
            while event.isQuorate != true || event.json["votes"]["total"] != 3 {
                event = try #require(try follower.nextEvent())
            }
            // A corosync that is busy while it starts is reported as well.
            let reasons = follower.errors.split(separator: "\n").filter { !$0.hasSuffix("; trying again") }
            #expect(reasons.count == 1, "one diagnosis: \(follower.errors)")
        }

        for follower in followers {
            follower.signal(SIGTERM)
            #expect(follower.wait(within: .aMoment) == .signaled(SIGTERM))
        }
        text.signal(SIGINT)
        let lines = text.finish(within: .aMoment)
        #expect(lines.termination == .signaled(SIGINT))
        #expect(lines.lines.contains { $0.contains(" quorum: \u{1b}[1;31mNOT QUORATE\u{1b}[0m, 1 of 3 votes") })
        #expect(lines.lines.contains { $0.contains(" quorum: \u{1b}[1;32mQUORATE\u{1b}[0m, 3 of 3 votes") })
        #expect(lines.lines.contains { $0.contains(" changed: name of node 3 node3 -> renamed; ") })
        let kinds = lines.lines.compactMap { $0.split(separator: " ").dropFirst().first }
            .filter { ["status:", "membership", "quorum:"].contains($0) }
        // A ring can take more than one attempt.
        let changes = kinds.indices.filter { $0 == 0 || kinds[$0] != kinds[$0 - 1] }.map { kinds[$0] }
        #expect(changes.starts(with: ["status:", "membership", "quorum:", "membership", "quorum:"]))
    }

    @Test("reports changes of votes without a notification within the refresh interval")
    func findsSilentChanges() throws {
        // Without additional rings on a busy machine.
        let sandbox = try Sandbox(nodes: 3, totem: "token: 5000")
        for mode in ["all", "one-nonblocking"] {
            let follower = try sandbox.follow(["--dispatch", mode, "--refresh", "300ms"])
            try sandbox.setVotes(2, of: 3)
            // A reading during the change can have a part of it.
            func next(votes: Int64, total: Int64) throws -> (event: EventLine, changed: Set<String>) {
                var changed: Set<String> = []
                let event = try #require(
                    try follower.nextEvent(within: .seconds(4)) { event in
                        changed.formUnion(event.changedFields)
                        return event.node(3)["votes"] == .number(votes)
                            && event.json["votes"]["total"] == .number(total)
                    })
                return (event, changed)
            }
            _ = try next(votes: 2, total: 4)
            try sandbox.setVotes(1, of: 3)
            let fewer = try next(votes: 1, total: 3)
            #expect(fewer.event.event == "info")
            #expect(fewer.changed.isSuperset(of: ["nodes.3.votes", "votes.total"]))
            try sandbox.setExpectedVotes(3)
            _ = try #require(try follower.nextEvent { $0.event == "expected_votes" })
        }
    }

    @Test("with --changes-only reports the next change, also in the one-shot modes")
    func printsOnlyChanges() throws {
        let sandbox = try Sandbox(nodes: 3)
        let pending = try sandbox.run(on: 1, [vqwatch, "--json", "--changes-only", "--dispatch", "one-nonblocking"])
        #expect(pending.status == 75 && pending.output == "" && pending.errors == "")

        let none = try sandbox.run(on: 1, [vqwatch, "--changes-only", "--dispatch", "one", "--timeout", "3s"])
        #expect(none.status == 124 && none.output == "" && none.errors == "")

        let next = try sandbox.spawn(on: 1, [vqwatch, "--json", "--changes-only", "--dispatch", "one"])
        let follower = try sandbox.spawn(on: 2, [vqwatch, "--json", "--changes-only", "--follow"])
        try sandbox.waitUntilTracked(on: 1)
        try sandbox.waitUntilTracked(on: 2)
        try sandbox.cut(3)
        let change = next.finish()
        #expect(change.status == 0)
        let line = try EventLine(try #require(change.lines.first))
        #expect(line.event == "nodelist" && change.lines.count == 1)
        #expect(line.json["left"].elements.map { $0["id"] } == [3])
        #expect(line.isQuorate == nil)
        // A link that is found to be down before, and the problem that it causes.
        #expect(
            try follower.nextEvent { !["link", "info"].contains($0.event) }?.event == "nodelist", "no status")
        #expect(
            try follower.nextEvent { $0.event == "quorum" && $0.changedFields.contains("nodes.3.state") } != nil)
    }

    @Test("prints only the kinds in --events, and ends after --count events")
    func filtersAndCounts() throws {
        let sandbox = try Sandbox(nodes: 3)
        let follower = try sandbox.spawn(
            on: 1, [vqwatch, "-fj", "--events", "quorum,expected_votes", "--count", "2"])
        try sandbox.waitUntilTracked(on: 1)
        try sandbox.setExpectedVotes(5)
        try sandbox.cut(3)
        let result = follower.finish()
        #expect(result.status == 0)
        let lines = try EventLine.parse(result.lines)
        #expect(lines.map(\.event) == ["expected_votes", "quorum"])
        #expect(lines.last?.changedFields.contains("ring_id") == true, "no nodelist line reported it")
        #expect(lines.last?.isQuorate == false)

        let timed = try sandbox.run(on: 1, [vqwatch, "-fj", "--events", "status", "-t", "3s"])
        #expect(timed.status == 124 && timed.lines.count == 1)
    }

    @Test("shows a quorum device that registers, votes, stops voting, dies and unregisters")
    func showsAQuorumDevice() throws {
        let sandbox = try Sandbox(nodes: 2, device: "model: net; votes: 1; timeout: 5000; sync_timeout: 5000")
        let follower = try sandbox.follow(["--refresh", "200ms"])
        let device = try sandbox.spawn(
            on: 1, [Sandbox.builtProduct(named: "quorum-device"), "net"], input: .pipe)
        func tell(_ command: String?, _ what: Comment, _ isShown: (JSON) -> Bool) throws {
            if let command { device.write(command + "\n") }
            #expect(device.nextLine(within: .seconds(5)) == "ok", what)
            let event = try follower.nextEvent(within: .seconds(30)) { isShown($0.json["qdevice"]) }
            #expect(event?.event == "info" || event?.event == "quorum", what)
            let status = try sandbox.run(on: 1, [vqwatch, "-j"])
            #expect(isShown(try EventLine(status.lines.first ?? "").json["qdevice"]), what)
        }
        try tell(nil, "registered, which it does by itself") { $0["registered"] == true && $0["alive"] == false }
        try tell("vote", "voting") { $0["alive"] == true && $0["cast_vote"] == true }
        #expect(try sandbox.run(on: 1, [vqwatch]).output.contains("(1 vote, alive, casts its vote)"))
        try tell("novote", "not voting") { $0["alive"] == true && $0["cast_vote"] == false }
        try tell("master-wins 1", "master wins") { $0["master_wins"] == true }
        try tell("silent", "dead") { $0["alive"] == false }
        // It is still configured.
        try tell("unregister", "unregistered") {
            $0["registered"] == false && $0["model"] == "net" && $0["name"] == nil
        }
    }

    @Test(
        "Changed votes are told although the configuration map does not answer, or ends, which is no problem by itself")
    func votesWithoutConfiguration() throws {
        // As when corosync ends, and its connections one after the other.
        for fault in ["fail cmap_get 1 CS_ERR_LIBRARY", "hang cmap_get 1", ""] {
            let standIn = try StandIn("nodes 2\ntimeline\nawait\n\(fault)\nexpected 3\n")
            let watch = try standIn.spawn([vqwatch, "-fj", "--refresh", "0"], errors: .pipe)
            #expect(try watch.nextEvent()?.event == "status")
            standIn.allowStep()
            let changed = try watch.nextEvent(within: .seconds(5))
            let codes = changed?.json["problems"].elements.map { $0["code"] }
            #expect(changed?.event == "expected_votes" && changed?.json["votes"]["expected"] == 3, "\(fault)")
            #expect(codes == ["expected_votes", "votes_missing"], "\(fault): \(codes ?? [])")
            watch.signal(SIGTERM)
            #expect(watch.wait(within: .seconds(10)) != nil && watch.errors == "", "\(fault)")
        }
    }

    @Test("Votes of a reload that begins while the maps are read are compared with the configuration at its end")
    func reloadWhileReading() throws {
        // Each new link makes the thread of the maps read the configuration, and then the links, slowly. The second
        // time it also answers the request that the expected votes made.
        let standIn = try StandIn(
            """
            nodes 2 links=1
            timeline
            await
            delay cmap_get 1 1500 times=2 key=stats.srp.operational_entered
            key nodelist.node.1.ring1_addr string 192.0.2.11
            wait 300
            key nodelist.node.1.ring2_addr string 192.0.2.12
            expected same
            wait 2000
            expected-votes 5
            quorum auto all
            """)
        let watch = try standIn.spawn([vqwatch, "-fj", "--refresh", "0"])
        #expect(try watch.nextEvent()?.event == "status")
        standIn.allowStep()
        func comparesVotes(_ event: EventLine) -> Bool {
            event.json["problems"].elements.contains { $0["code"] == "expected_votes" }
        }
        let changed = try #require(try watch.nextEvent(within: .seconds(20)) { $0.event == "quorum" })
        #expect(changed.json["votes"]["expected"] == 5 && !comparesVotes(changed), "\(changed.json["problems"])")
        #expect(try watch.nextEvent(within: .seconds(10), where: comparesVotes) != nil)
        watch.signal(SIGTERM)
    }

    @Test("Votes whose change is told while corosync ends are unknown, and the event is not lost")
    func votesOfTheDying() throws {
        let standIn = try StandIn("nodes 2\ntimeline\nawait\nfail votequorum_getinfo 1 CS_ERR_LIBRARY\nexpected 3\n")
        let watch = try standIn.spawn([vqwatch, "-fj", "--refresh", "0"])
        #expect(try watch.nextEvent()?.event == "status")
        standIn.allowStep()
        let changed = try watch.nextEvent()
        #expect(changed?.event == "expected_votes" && changed?.json["votes"]["expected"] == 3)
        #expect(changed?.isQuorate == nil && changed?.json["votes"]["total"] == .null)
        #expect(try watch.nextEvent()?.event == "disconnected")
        watch.signal(SIGTERM)
    }

    @Test("The times of events never go back when a notification takes longer to read than a change after it")
    func timesOfTwoThreads() throws {
        // The names are read after the notification came, and before its votes are read.
        let standIn = try StandIn(
            """
            nodes 2
            timeline
            await
            delay cmap_get 1 1500
            delay votequorum_getinfo 1 6000
            expected 5
            wait 100
            key nodelist.node.1.name string renamed
            """)
        let watch = try standIn.spawn([vqwatch, "-fj", "--refresh", "0"])
        #expect(try watch.nextEvent()?.event == "status")
        standIn.allowStep()
        let info = try watch.nextEvent()
        #expect(info?.event == "info" && info?.changedFields.first?.hasSuffix(".name") == true)
        // Reading this line throws if its time is earlier.
        let expectedVotes = try watch.nextEvent()
        #expect(expectedVotes?.event == "expected_votes" && expectedVotes?.json["time"] == info?.json["time"])
        watch.signal(SIGTERM)
    }
}
