// SPDX-License-Identifier: MIT

import Corosync
import Testing

@Suite("Values of the library")
struct ValueTests {
    @Test("Node IDs are literals, numbers in text, and compared by number")
    func nodeIDs() {
        #expect(NodeID(2) == 2)
        #expect(NodeID("4294967295") == NodeID(.max))
        #expect(NodeID("-1") == nil && NodeID("4294967296") == nil && NodeID("") == nil)
        #expect(([10, 9, 1] as [NodeID]).sorted().map(\.description) == ["1", "9", "10"])
    }

    @Test(
        "Ring IDs are written as corosync writes them, and read again",
        arguments: [
            RingID(node: 1, sequence: 0x22), RingID(node: 0, sequence: 0), RingID(node: NodeID(.max), sequence: .max),
        ])
    func ringIDs(_ ring: RingID) {
        #expect(RingID(ring.description) == ring)
    }

    @Test(
        "Ring IDs are read from nothing else", arguments: ["", "1", "1.", ".1", "1.2.3", "g.1", "1.10000000000000000"])
    func noRingIDs(_ text: String) {
        #expect(RingID(text) == nil)
    }

    @Test("Ring IDs are compared by sequence first")
    func compareRings() {
        let rings = [RingID(node: 2, sequence: 4), RingID(node: 1, sequence: 8), RingID(node: 3, sequence: 4)]
        #expect(rings.sorted() == [rings[0], rings[2], rings[1]])
    }

    @Test("Option sets name the bits that have a name, and keep the others")
    func describeOptions() {
        #expect("\(NodeInfo.Flags())" == "[]")
        #expect("\(NodeInfo.Flags([.quorate, .waitForAll]))" == "[.quorate, .waitForAll]")
        #expect("\(NodeInfo.Flags(rawValue: 0x8000_0802))" == "[.quorate, 0x800, 0x80000000]")
        #expect("\(VoteQuorum.TrackFlags([.changes, .init(rawValue: 8)]))" == "[.changes, 0x8]")
        #expect(
            "\(ConfigurationMap.TrackKinds([.add, .prefix, .init(rawValue: .min)]))" == "[.add, .prefix, 0x80000000]")
    }

    @Test("Value types have corosync-cmapctl's names, and numbers without a name are kept")
    func nameTypes() {
        #expect(ConfigurationMap.ValueType.uint32.description == "u32")
        #expect(ConfigurationMap.ValueType(rawValue: 99).description == "type_99")
    }

    @Test("Values of the configuration map are converted to their own type only")
    func convertValues() {
        let value = ConfigurationMap.Value(UInt32(7))
        #expect(value.converted(to: UInt32.self) == 7)
        #expect(value.converted(to: Int32.self) == nil)
        #expect(ConfigurationMap.Value("a").bytes == [97, 0])
        #expect(ConfigurationMap.Value(type: .uint32, bytes: [1, 2]).converted(to: UInt32.self) == nil)
        #expect(ConfigurationMap.Value(type: .double, bytes: [1, 2]).converted(to: Double.self) == nil)
    }

    private enum Level: UInt8, ConfigurationMapValue { case low = 1, high }

    @Test("Values of the configuration map are converted to an enumeration through its raw value")
    func convertRawValues() {
        #expect(ConfigurationMap.Value(Level.high) == ConfigurationMap.Value(UInt8(2)))
        #expect(ConfigurationMap.Value(UInt8(2)).converted(to: Level.self) == .high)
        #expect(ConfigurationMap.Value(UInt8(77)).converted(to: Level.self) == nil)
    }

    @Test("Keys and changes of the configuration map can be made from their parts")
    func makeChanges() {
        let change = ConfigurationMap.Change(
            track: .init(rawValue: 1), kind: .modified, key: "totem.token", oldValue: nil, newValue: .init("a"))
        #expect(change.newValue?.converted(to: String.self) == "a")
        #expect(ConfigurationMap.Key(name: "a", type: .string, size: 2).size == 2)
    }
}
