// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// Unusual and missing node names in a real corosync.conf.
@Suite("Names", .serialized)
struct NameTests {
    private func configuration(names: [[UInt8]?]) -> [UInt8] {
        var text = Array(
            """
            totem {
                version: 2
                cluster_name: lab
                transport: knet
                token: 1000
                token_coefficient: 0
            }
            quorum {
                provider: corosync_votequorum
            }
            system {
                sched_rr: no
                move_to_root_cgroup: no
                allow_knet_handle_fallback: yes
            }
            logging {
                to_logfile: yes
                logfile: /var/log/corosync/corosync.log
                to_syslog: no
            }
            nodelist {

            """.utf8)
        for (index, name) in names.enumerated() {
            text += "    node {\n        nodeid: \(index + 1)\n        ring0_addr: 10.77.0.\(index + 1)\n".utf8
            if let name { text += Array("        name: ".utf8) + name + Array("\n".utf8) }
            text += "    }\n".utf8
        }
        return text + "}\n".utf8
    }

    @Test("with control characters, quotes, escapes and invalid UTF-8 are harmless in every format")
    func hostileNames() throws {
        let names: [[UInt8]] = [
            Array("a\u{1b}[31mred\u{1b}[0m\u{7}".utf8), Array("\"quoted\" \\ 'it'".utf8),
            [0x78, 0xFF, 0xFE, 0x79, 0xC3], Array("\u{202e}gnp.exe \u{9b}2J\u{2028}".utf8),
        ]
        let sandbox = try Sandbox(nodes: 4, config: configuration(names: names), waiting: false)
        try sandbox.wait(node: 1, members: [1, 2, 3, 4])
        let json = try sandbox.run(on: 1, [vqwatch, "-j"])
        #expect(json.status == 0 && json.lines.count == 1)
        let line = try EventLine(json.lines[0])
        #expect(line.node(1)["name"] == "a\u{1b}[31mred\u{1b}[0m\u{7}")
        #expect(line.node(2)["name"] == "\"quoted\" \\ 'it'")
        #expect(line.node(3)["name"] == "x\u{fffd}\u{fffd}y\u{fffd}")
        for output in [
            json, try sandbox.run(on: 1, [vqwatch]), try sandbox.run(on: 1, [vqwatch, "-f", "-n", "1"]),
        ] {
            #expect(output.status == 0)
            #expect(output.outputBytes.allSatisfy { $0 == 0x0A || $0 >= 0x20 && $0 != 0x7F })
            let harmful: [Unicode.Scalar] = ["\u{9b}", "\u{202e}", "\u{2028}"]
            #expect(!output.output.unicodeScalars.contains { harmful.contains($0) })
            #expect(String(validating: output.outputBytes, as: UTF8.self) != nil)
        }
    }

    @Test("that are missing are null in JSON, and the ID replaces them in text")
    func noNames() throws {
        let sandbox = try Sandbox(nodes: 2, config: configuration(names: [nil, nil]), waiting: false)
        try sandbox.wait(node: 1, members: [1, 2])
        let line = try EventLine(try #require(try sandbox.run(on: 1, [vqwatch, "-j"]).lines.first))
        #expect(line.node(2)["name"] == .null && line.node(2)["addresses"] == ["10.77.0.2"])
        #expect(try sandbox.run(on: 1, [vqwatch, "-f", "-n", "1"]).output.contains("members: 1, 2;"))
    }

    @Test("that are the ID of another node are refused, and an address decides")
    func ambiguousNames() throws {
        let sandbox = try Sandbox(nodes: 2, config: configuration(names: [Array("2".utf8), nil]), waiting: false)
        try sandbox.wait(node: 1, members: [1, 2])
        let reason = "2 is the ID of one node and the name of node 1; give an address of the node"
        for (option, text) in [(["--if-down", "2"], "--if-down 2"), (["-w", "member=2", "-t", "20s"], "member=2")] {
            let result = try sandbox.run(on: 1, [vqwatch] + option)
            #expect(result.status == 1 && result.output == "" && result.errors == "vqwatch: \(text): \(reason)\n")
        }
        let check = try sandbox.run(on: 1, [vqwatch, "-c", "--allow-absent", "2"])
        #expect(check.status == 3 && check.output == "QUORUM UNKNOWN - --allow-absent 2: \(reason)\n")
        // Corosync is connected, so that no metric can tell of the error.
        let metrics = try sandbox.run(on: 1, [vqwatch, "--format", "prometheus", "--allow-absent", "2"])
        #expect(
            metrics.status == 1 && metrics.output == "" && metrics.errors == "vqwatch: --allow-absent 2: \(reason)\n")
        let unknown = try sandbox.run(on: 1, [vqwatch, "--format", "prometheus", "--allow-absent", "nobody"])
        #expect(unknown.status == 0 && unknown.lines.contains("vqwatch_connected 1"))
        #expect(unknown.errors.hasPrefix("vqwatch: --allow-absent nobody: no node has this name or address"))
        let prediction = try sandbox.run(on: 1, [vqwatch, "-j", "--if-down", "10.77.0.1"])
        #expect(try EventLine(try #require(prediction.lines.first)).json["if_down"].elements.map { $0["id"] } == [1])
        #expect(try sandbox.run(on: 1, [vqwatch, "-q", "-w", "member=10.77.0.2", "-t", "20s"]).status == 0)
    }

    @Test("that are qdevice are refused for --if-down, which would take them for the quorum device")
    func nodeNamedAsDevice() throws {
        let names = [nil, Array("qdevice".utf8)]
        let sandbox = try Sandbox(nodes: 2, config: configuration(names: names), waiting: false)
        try sandbox.wait(node: 1, members: [1, 2])
        let result = try sandbox.run(on: 1, [vqwatch, "-q", "--if-down", "qdevice"])
        let reason = "qdevice is the quorum device and the name of node 2; give the ID of the node"
        #expect(result.status == 1 && result.output == "" && result.errors == "vqwatch: --if-down qdevice: \(reason)\n")
        #expect(try sandbox.run(on: 1, [vqwatch, "-q", "--if-down", "2"]).status == 2)
    }

    /// Corosync 3 does not start without a nodelist and does not let it be deleted, so this uses the stand-in.
    @Test("without a nodelist are null, and the status is printed all the same")
    func noNodelist() throws {
        let cluster = try StandIn("node 1\nnode 2\n")
        let json = try cluster.run([vqwatch, "-j"])
        #expect(json.status == 0 && json.errors == "")
        let line = try EventLine(try #require(json.lines.first))
        #expect(line.json["nodes"].elements.map { $0["name"] } == [.null, .null])
        #expect(line.json["nodes"].elements.map { $0["addresses"] } == [[], []])
        #expect(line.node(1)["local"] == true)
        let text = try cluster.run([vqwatch, "-f", "-n", "1"])
        #expect(text.output.contains("members: 1, 2;"))
    }
}
