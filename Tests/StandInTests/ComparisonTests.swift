// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// The same calls, with the real libraries on a real cluster and with the stand-in, give the same lines.
@Suite("The stand-in, compared with corosync")
struct ComparisonTests {
    /// The cluster of the sandbox, as a script.
    private static let script = """
        nodes 3 links=1
        key nodelist.node.0.ring0_addr string 10.77.0.1
        key nodelist.node.1.ring0_addr string 10.77.0.2
        key nodelist.node.2.ring0_addr string 10.77.0.3
        key stats.ipcs.global.active uint64 1
        timeline
        wait 300
        key stats.ipcs.global.active uint64 2
        """

    /// What is compared: the actions of `standin-probe`, which leave the cluster as it was.
    private static let sessions = [
        "a snapshot": "init track=1 all poll=0 stop finalize",
        "a snapshot, and changes": "init track=2 all poll=0 stop stop finalize",
        "changes only": "init track=4 all poll=0 context finalize",
        "tracking twice": "init track=2 track=2 all stop",
        "modes": "init track=2 poll=0 one nonblocking nonblocking all bad",
        "a shut down descriptor, blocking": "init track=4 shutdown-after=50 blocking all info=0 track=1 finalize",
        "a shut down descriptor, one": "init track=4 shutdown-after=50 one all info=0 stop finalize",
        "a signal, which interrupts nothing": "init track=4 shutdown-after=300 alarm=30 one",
        "a connection finalized in its callback": "init track=2 finalize-in-callback all all",
        "nodes": "init info=0 info=1 info=3 info=9 track=0 stop finalize info=0 all poll=0 finalize",
        "expected votes": "init track=4 expect=2 expect=9 expect=5 one info=0 info=2 expect=6 expect=3 one info=0",
        "votes": """
        init votes=2:3 sleep=200 info=0 info=1 votes=9:1 votes=2:0 votes=2:1 sleep=200 expect=3 sleep=200 info=0
        """,
        "a quorum device": """
        init track=1 all vote=Q register=Q register=R register=Q vote=R vote=Q info=0 master=Q master=R info=0
        rename=R rename=Q sleep=200 unregister=R unregister=Q unregister=New unregister=New sleep=200 info=0
        """,
        "a quorum device without a name": "init register= unregister= rename= vote= master=",
        "values": """
        map=0 set=probe.a:1:80 set=probe.b:2:ff set=probe.c:3:0080 set=probe.d:4:0080 set=probe.e:5:01020304
        set=probe.f:6:01020304 set=probe.g:7:0102030405060708 set=probe.h:8:0102030405060708
        set=probe.i:9:0000c03f set=probe.j:10:000000000000f83f set=probe.k:11:616263 set=probe.l:11:61006263
        set=probe.l:11:6100 set=probe.m:12:610062 iterate=probe. inc=probe.a dec=probe.a inc=probe.b dec=probe.c
        inc=probe.d dec=probe.e inc=probe.f dec=probe.g inc=probe.h inc=probe.i inc=probe.j inc=probe.k inc=probe.m
        inc=probe.n dec=probe.n get=probe.a get=probe.b get=probe.c get=probe.d get=probe.e get=probe.f get=probe.g
        get=probe.h get=probe.i get=probe.j get=probe.k get=probe.l get=probe.m get=probe.n get-byte=probe.a
        get-byte=probe.e get-byte=probe.k delete=probe.a delete=probe.b delete=probe.c delete=probe.d
        delete=probe.e delete=probe.f delete=probe.g delete=probe.h delete=probe.i delete=probe.j delete=probe.k
        delete=probe.l delete=probe.m delete=probe.n iterate=probe.
        """,
        "values of the wrong size": """
        map=0 set=probe.a:1:0102 set=probe.a:6:01 set=probe.a:99:01 set=probe.a:11: set=probe.a:12: get=probe.a
        delete=probe.a map-context map-finalize map-finalize map-all
        """,
        "trackers": """
        map=0 track-prefix=probe. track-key=probe.a set=probe.a:2:01 set=probe.a:2:01 set=probe.a:2:02
        set=probe.ab:11:61 set=probe.a:11:6162 delete=probe.a delete=probe.ab map-poll=0 map-all untrack untrack
        map-nonblocking set=probe.a:2:01 delete=probe.a map-one map-nonblocking map-nonblocking
        """,
        "a tracker of everything": """
        map=0 track-prefix= set=probe.a:2:01 delete=probe.a map-all track-bad=probe. track-changes=probe.
        """,
        "the types of the statistics": """
        map=1 iterate=stats.srp.continuous_gather iterate=stats.srp.operational_entered
        iterate=stats.srp.operational_token_lost iterate=stats.srp.gather_entered
        iterate=stats.srp.consensus_timeouts iterate=stats.srp.mcast_retx iterate=stats.srp.firewall
        get=stats.srp.continuous_gather get=stats.srp.firewall_enabled_or_nic_failure
        iterate=stats.knet.node2.link0.connected iterate=stats.knet.node2.link0.enabled
        iterate=stats.knet.node2.link0.mtu iterate=stats.knet.node2.link0.latency_ave
        iterate=stats.knet.node2.link0.latency_samples iterate=stats.knet.node2.link0.down_count
        iterate=stats.knet.node2.link0.up_count get=stats.knet.node2.link0.connected
        """,
        "writing to the statistics": """
        map=1 set=stats.srp.x:2:01 set=stats.clear.totem:2:01 delete=stats.srp.mcast_retx inc=stats.srp.mcast_retx
        dec=stats.clear.all delete=stats.clear.all track-changes=stats. track-prefix=stats. iterate=probe.
        get=totem.cluster_name
        """,
        "trackers of statistics": """
        map=1 track-key=stats.ipcs.global.active track-prefix=stats.ipcs.global. map-nonblocking map-poll=100 init
        map-poll=5000 map-all
        """,
        "a map that does not exist": "map=5",
        "the configuration": """
        map=0 iterate=nodelist.node. iterate=runtime.members.2.join_count iterate=runtime.members.2.config
        iterate=runtime.members.2.status get=runtime.members.2.status get=runtime.members.2.join_count
        get=quorum.provider get=stats.srp.mcast_retx iterate=stats.
        """,
    ]

    @Test("Every call has the same result, and every callback the same contents")
    func calls() throws {
        let sandbox = try Sandbox()
        let probe = Sandbox.builtProduct(named: "standin-probe")
        for (title, actions) in Self.sessions.sorted(by: { $0.key < $1.key }) {
            let command = [probe] + actions.split { $0 == " " || $0 == "\n" }.map(String.init)
            let real = try sandbox.run(on: 1, command)
            let standIn = try StandIn(Self.script).run(command)
            #expect(real.status == 0 && standIn.status == 0, "\(title): \(real.errors)\(standIn.errors)")
            let lines = real.lines.map(comparable)
            let differences = lines.difference(from: standIn.lines.map(comparable))
            #expect(differences.isEmpty, "\(title):\n\(lines.joined(separator: "\n"))\n\(differences)")
        }
    }

    /// The line without the ring ID, and with the nodes in order: corosync has those of a quorum notification in any.
    private func comparable(_ line: String) -> String {
        var words = line.split(separator: " ")
        if line.hasPrefix("- nodelist ") { words[2] = "RING" }
        if line.hasPrefix("- quorum ") { words[5...].sort() }
        return words.joined(separator: " ")
    }
}
