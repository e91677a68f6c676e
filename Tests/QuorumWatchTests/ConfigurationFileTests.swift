// SPDX-License-Identifier: MIT

import Corosync
import Glibc
import Testing

@testable import QuorumWatch

@Suite("A configuration file")
struct ConfigurationFileTests {
    private static let text = """
        # A comment { with: a } brace
        totem {
        \tversion: 2
            cluster_name: lab
            interface {
                linknumber: 0
            }
        }
        nodelist {
          node {
            nodeid: 1
            name: node1
            ring0_addr: 10.0.0.1
          }

          node {
            ring0_addr:10.0.0.2
            nodeid : 02
          }
        }
        quorum{
            provider: corosync_votequorum  \r
            expected_votes: 3
            device {
                model: net
                net {
                    host: fe80::1
                }
                net.tls: off
            }
        }
        """

    /// The map of a corosync that runs with it.
    private static let running: [String: ConfigurationMap.Value] = [
        "nodelist.node.0.nodeid": .init(UInt32(1)), "nodelist.node.0.name": .init("node1"),
        "nodelist.node.0.ring0_addr": .init("10.0.0.1"), "nodelist.node.1.nodeid": .init(UInt32(2)),
        "nodelist.node.1.ring0_addr": .init("10.0.0.2"), "quorum.provider": .init("corosync_votequorum"),
        "quorum.expected_votes": .init(UInt32(3)), "quorum.device.model": .init("net"),
        "quorum.device.net.host": .init("fe80::1"), "quorum.device.net.tls": .init("off"),
        "quorum.cancel_wait_for_all": .init(UInt8(0)),
    ]

    private func difference(
        _ edit: (String) -> String = { $0 }, clusterName: String? = "lab",
        running change: (inout [String: ConfigurationMap.Value]) -> Void = { _ in }
    ) -> String? {
        var running = Self.running
        change(&running)
        let file = ConfigurationFile(parsing: Array(edit(Self.text).utf8))
        return switch file.difference(from: running, clusterName: clusterName) {
        case .settings(let text): text
        case .error(let text): "error: \(text)"
        case nil: nil
        }
    }

    @Test("has an error where corosync would refuse it")
    func errors() throws {
        #expect(
            difference { $0.replacing("expected_votes: 3", with: "expected_votes 3") }?
                .contains(" is neither a section nor a setting") == true)
        #expect(difference { $0 + "\n}\n" }?.hasSuffix(" closes a section that is not open") == true)
        #expect(difference { $0.replacing("quorum{", with: "quorum{ # comment") }?.hasPrefix("error: line ") == true)
        #expect(difference { $0 + "\nlogging {\n" } == "error: section logging is not closed")
        #expect(difference { $0 + "\n} }\n" }?.contains(" is neither ") == true)
        #expect(difference({ $0 + "\n}\n" }, clusterName: "other") == nil)
    }

    @Test("is read as corosync does")
    func parsing() {
        let settings = ConfigurationFile(parsing: Array(Self.text.utf8)).settings
        #expect(
            settings == [
                "totem.version": "2", "totem.cluster_name": "lab", "totem.interface.linknumber": "0",
                "nodelist.node.0.nodeid": "1", "nodelist.node.0.name": "node1",
                "nodelist.node.0.ring0_addr": "10.0.0.1",
                "nodelist.node.1.nodeid": "02", "nodelist.node.1.ring0_addr": "10.0.0.2",
                "quorum.provider": "corosync_votequorum", "quorum.expected_votes": "3", "quorum.device.model": "net",
                "quorum.device.net.host": "fe80::1", "quorum.device.net.tls": "off",
            ])
    }

    @Test(
        "with any errors is read without harm",
        arguments: [
            "", "}", "}}}}: x", "{", "a {\n{\n:\n", "nodelist {\nnode {\n}\n}\n}\nnode {\n", "\u{0}:\u{0}", ":", "a",
        ])
    func broken(_ text: String) {
        _ = ConfigurationFile(parsing: Array(text.utf8))
        _ = ConfigurationFile(parsing: [0xA0, 0xFF] + Array(text.utf8) + [0xA0])
    }

    @Test("that corosync runs with does not differ, nor does one of another cluster")
    func equal() {
        #expect(difference() == nil)
        #expect(
            difference { $0.replacing("cluster_name: lab", with: "cluster_name: lab2").replacing("votes: 3", with: "") }
                == nil)
        #expect(difference({ $0.replacing("votes: 3", with: "votes: 4") }, clusterName: nil) == nil)
    }

    @Test("that names no cluster differs too: it may be empty or damaged")
    func nameless() {
        #expect(difference { _ in "" }?.hasPrefix("node 1 is missing in the file") == true)
        #expect(difference { $0.replacing("cluster_name: lab", with: "") } == nil)
        #expect(difference { _ in "nonsense {" } == "error: section nonsense is not closed")
    }

    @Test("with other settings of the quorum section differs")
    func quorumSection() {
        #expect(
            difference { $0.replacing("expected_votes: 3", with: "expected_votes: 5") }
                == "quorum.expected_votes is 5 in the file and 3 in corosync")
        #expect(difference { $0.replacing("expected_votes: 3", with: "expected_votes: 03") } == nil)
        #expect(
            difference { $0.replacing("expected_votes: 3", with: "two_node: 1") }
                == "quorum.expected_votes is not set in the file and 3 in corosync, "
                + "quorum.two_node is 1 in the file and not set in corosync")
        #expect(
            difference { $0.replacing("fe80::1", with: "fe80::2") }
                == "quorum.device.net.host is fe80::2 in the file and fe80::1 in corosync")
        let all = difference { String($0.split(separator: "quorum{")[0]) }
        #expect(all?.hasSuffix(" more") == true)
    }

    @Test("with another nodelist differs, node by node, whatever their order")
    func nodelist() {
        #expect(
            difference { $0.replacing("name: node1", with: "name: node9") }
                == "name of node 1 is node9 in the file and node1 in corosync")
        #expect(
            difference { $0.replacing("nodeid : 02", with: "nodeid: 4") }
                == "node 2 is missing in the file, node 4 is in the file only")
        let reordered = difference(running: { running in
            for (key, value) in Self.running where key.hasPrefix("nodelist") {
                running[
                    key.contains("node.0.")
                        ? key.replacing("node.0.", with: "node.1.") : key.replacing("node.1.", with: "node.0.")] = value
            }
            running["nodelist.node.0.name"] = nil
        })
        #expect(reordered == nil)
    }

    @Test("without the IDs that corosync derives from the addresses does not differ")
    func derivedIDs() {
        let derived = difference({ $0.replacing("nodeid : 02", with: "") }) {
            $0["nodelist.node.1.nodeid"] = .init(UInt32(173_932_546))
        }
        #expect(derived == nil)
    }

    @Test("with hostile values is described harmlessly")
    func hostile() throws {
        let text = try #require(
            difference { $0.replacing("name: node1", with: "name: \u{1b}[2J\(String(repeating: "x", count: 500))") })
        #expect(!text.contains("\u{1b}") && text.utf8.count < 300)
    }

    @Test("that is a FIFO, a folder, too large or not there is not read, and nothing blocks")
    func reading() throws {
        var template = Array("/tmp/vqwatch-conf-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let path = "\(folder)/corosync.conf"
        defer {
            unlink(path)
            rmdir(folder)
        }
        #expect(ConfigurationFile(readingFrom: path) == nil)
        #expect(ConfigurationFile(readingFrom: folder) == nil)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(ConfigurationFile(readingFrom: path) == nil)
        unlink(path)
        let file = open(path, O_CREAT | O_WRONLY, 0o600)
        defer { close(file) }
        #expect(write(file, "quorum {\nprovider: x\n", 21) == 21)
        #expect(ConfigurationFile(readingFrom: path)?.settings == ["quorum.provider": "x"])
        ftruncate(file, (1 << 20) + 1)
        #expect(ConfigurationFile(readingFrom: path) == nil)
    }
}
