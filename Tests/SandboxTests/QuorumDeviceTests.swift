// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// The state of the quorum device on a node, as corosync-quorumtool shows it: A(live), V(oting), M(aster)W(ins), each
/// with a preceding N for "not"; or NR for "not registered".
private func flags(on node: Int, of sandbox: Sandbox) throws -> String {
    let lines = try sandbox.run(on: node, ["corosync-quorumtool", "-s"]).lines
    let row = lines.first { $0.contains("(local)") } ?? ""
    return row.split(separator: " ").dropFirst(2).first.map(String.init) ?? ""
}

/// Waits until the quorum device has this state on a node.
private func eventuallyIs(_ wanted: String, on node: Int, of sandbox: Sandbox) throws -> Bool {
    try eventually(within: .seconds(40)) { try flags(on: node, of: sandbox) == wanted }
}

private func quorumTool(on node: Int, of sandbox: Sandbox) throws -> String {
    try sandbox.run(on: node, ["corosync-quorumtool", "-s"]).output
}

/// Each test starts a real cluster with corosync-qnetd and corosync-qdevice, or with a device that the test controls.
/// `CommandLineTests.QuorumDeviceTests` has the faults of the device.
@Suite("The quorum device of a sandbox", .serialized)
struct QuorumDeviceTests {
    private static let voting = "A,V,NMW"

    @Test("The device votes as soon as the cluster is ready")
    func ready() throws {
        let sandbox = try Sandbox(nodes: 2, qnetd: .ffsplit, device: "net.tie_breaker: highest")
        for node in 1...2 {
            #expect(try flags(on: node, of: sandbox) == Self.voting)
            #expect(try quorumTool(on: node, of: sandbox).contains("Total votes:      3"))
            let status = try sandbox.run(on: node, ["corosync-qdevice-tool", "-s"]).output
            #expect(status.contains("State:\t\t\tConnected"))
            #expect(status.contains("Algorithm:\t\tFifty-Fifty split"))
            #expect(status.contains("Tie-breaker:\t\tNode with highest node ID"))
        }
        // Each half reaches qnetd, and one half gets the vote.
        try sandbox.partition([1], [2])
        for node in 1...2 { try sandbox.wait(node: node, members: [node]) }
        #expect(
            try eventually(within: .seconds(40)) {
                try (1...2).filter { try quorumTool(on: $0, of: sandbox).contains("Quorate:          Yes") }.count == 1
            })
        try sandbox.join()
        try sandbox.wait(node: 1, members: [1, 2])
        #expect(try eventuallyIs(Self.voting, on: 1, of: sandbox))
    }

    @Test("A cluster whose device does not vote does not become ready")
    func notReady() throws {
        let failure = #expect(throws: Sandbox.Failure.self) {
            try Sandbox(nodes: 1, qnetd: .ffsplit, device: "net.host: 10.76.0.99", within: .seconds(10))
        }
        #expect(failure?.description.contains("node 1: its quorum device does not vote") == true)
    }

    @Test("Stopping and starting a node also stops and starts its corosync-qdevice")
    func restart() throws {
        let sandbox = try Sandbox(nodes: 2, qnetd: .ffsplit)
        let qdevice = sandbox.qdevice(on: 2)
        // The message of corosync-qdevice when corosync has ended first.
        let complaint = "Unable to unregister votequorum device"
        try sandbox.stop(2)
        #expect(throws: Sandbox.Failure.self) { try qdevice.processID() }
        try sandbox.start(2)
        #expect(try eventuallyIs(Self.voting, on: 2, of: sandbox))
        #expect(try !qdevice.log().contains(complaint))

        try sandbox.kill(2)
        try sandbox.start(2)
        #expect(try eventuallyIs(Self.voting, on: 2, of: sandbox))
        #expect(try qdevice.log().contains(complaint))
    }

    @Test("The quorum device that a test controls follows its commands")
    func controlledDevice() throws {
        let sandbox = try Sandbox(nodes: 2, device: "model: net; votes: 1; timeout: 1000; sync_timeout: 1000")
        let device = try sandbox.spawn(on: 1, [Sandbox.builtProduct(named: "quorum-device"), "Test"], input: .pipe)
        func tell(_ command: String) -> String? {
            device.write(command + "\n")
            return device.nextLine(within: .seconds(10))
        }
        #expect(device.nextLine(within: .seconds(10)) == "ok", "\(device.errors)")
        #expect(tell("vote") == "ok")
        #expect(try eventually(within: .seconds(5)) { try flags(on: 1, of: sandbox) == "A,V,NMW" })
        #expect(tell("novote") == "ok")
        #expect(try eventually(within: .seconds(5)) { try flags(on: 1, of: sandbox) == "A,NV,NMW" })
        #expect(tell("master-wins 1") == "ok")
        #expect(try eventually(within: .seconds(5)) { try flags(on: 1, of: sandbox) == "A,NV,MW" })
        #expect(tell("silent") == "ok")
        #expect(try eventually(within: .seconds(5)) { try flags(on: 1, of: sandbox) == "NA,NV,MW" })
        #expect(tell("vote") == "ok")
        // The device continues to poll during a change of the ring.
        try sandbox.kill(2)
        try sandbox.wait(node: 1, members: [1])
        #expect(try eventually(within: .seconds(5)) { try flags(on: 1, of: sandbox) == "A,V,MW" })
        #expect(tell("unregister") == "ok")
        #expect(tell("vote") == "CS_ERR_NOT_EXIST")
        #expect(tell("nonsense") == "unknown command")
        #expect(tell("register") == "ok")
        #expect(tell("exit") == "ok")
        #expect(device.wait(within: .seconds(5)) == .exited(0))
    }
}
