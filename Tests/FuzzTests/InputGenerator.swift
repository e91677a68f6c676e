// SPDX-License-Identifier: MIT

internal import Corosync

@testable internal import QuorumWatch

/// Generates notifications, configurations and arguments: mostly usual values, and some unusual ones.
struct InputGenerator {
    private var random: InputReader
    /// The time of the last input.
    private var microseconds: Int64 = 1_763_804_614_507_311

    /// The moment of the last input, which never goes back.
    var moment: Moment {
        Moment(
            time: Timestamp(microseconds: microseconds),
            instant: Instant(nanoseconds: UInt64(microseconds) * 1000))
    }

    /// Generates values from the unread bytes of an input.
    init(_ input: InputReader) { random = input }

    /// Whether all bytes of the input have been read.
    var isAtEnd: Bool { random.isAtEnd }

    /// True once in this number of times, on average.
    mutating func chance(_ times: Int) -> Bool { Int.random(in: 1...times, using: &random) == 1 }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &random)! }

    private mutating func list<Element>(_ most: Int, _ make: (inout InputGenerator) -> Element) -> [Element] {
        let count = Int.random(in: 0...most, using: &random)
        return (0..<count).map { _ in make(&self) }
    }

    // Mostly small numbers, and a few extreme ones.
    private static let numbers = Array(repeating: Array<UInt32>(0...6), count: 7).joined() + [.max, .max - 1, 1 << 31]
    private static let nodes = Array(repeating: Array<UInt32>(1...5), count: 9).joined() + [0, 6, .max, .max - 1]
    private static let states = Array(repeating: Array<UInt32>(1...3), count: 9).joined() + [0, 4, .max]

    mutating func number() -> UInt32 { pick(Self.numbers) }

    mutating func node() -> NodeID { NodeID(pick(Self.nodes)) }

    private mutating func state() -> NodeState { NodeState(rawValue: pick(Self.states)) }

    private mutating func flags() -> NodeInfo.Flags {
        let usual: UInt32? = pick([0, 2, 2, 2, 6, 66, 194, 450, 962, nil])
        return NodeInfo.Flags(rawValue: usual ?? UInt32(truncatingIfNeeded: random.next()))
    }

    private mutating func listed() -> [VoteQuorum.Notification.ListedNode] {
        list(6) { .init(id: $0.node(), state: $0.state()) }
    }

    private mutating func info(_ id: NodeID) -> NodeInfo {
        NodeInfo(
            id: id, state: state(), votes: number(), expectedVotes: number(), highestExpected: number(),
            totalVotes: number(), quorum: number(), flags: flags(), quorumDeviceVotes: number(),
            quorumDeviceName: chance(3) ? string() : "Qdevice")
    }

    private mutating func reading() -> Reading {
        let local = info(chance(20) ? node() : NodeID(1))
        return Reading(local: local, others: list(6) { $0.info($0.node()) })
    }

    private mutating func configuration() -> Configuration {
        var configuration = Configuration(
            clusterName: chance(5) ? nil : string(),
            nodes: Array(
                byNode: list(6) { generator in
                    ConfiguredNode(
                        id: generator.node(), name: generator.chance(4) ? nil : generator.string(),
                        addresses: generator.list(2) { $0.string() }, votes: generator.number())
                }),
            expectedVotes: chance(3) ? number() : nil,
            device: chance(2)
                ? ConfiguredDevice(
                    model: string(), votes: chance(2) ? number() : nil,
                    syncTimeout: chance(4) ? .seconds(Int64(number())) : nil) : nil)
        configuration.version = chance(2) ? UInt64(number()) : nil
        configuration.consensus = chance(4) ? .seconds(Int64(number())) : nil
        for id in list(4, { $0.node() }) {
            configuration.members[id] = TotemMember(
                isJoined: chance(2), joinCount: chance(4) ? nil : number(),
                configVersion: chance(4) ? nil : UInt64(number()))
        }
        return configuration
    }

    private mutating func totem() -> TotemState {
        TotemState(
            continuousGather: chance(8) ? nil : chance(2) ? 0 : number(),
            operationalEntered: chance(8) ? nil : UInt64(number()), isNetworkBlocked: chance(8) ? nil : chance(3))
    }

    private mutating func statistics() -> Statistics {
        let links = Set(list(6) { LinkID(node: $0.node(), number: Int($0.number() % 8)) })
        return Statistics(
            links: chance(8)
                ? nil
                : links.sorted().map { id in
                    Link(
                        id: id, isConnected: chance(2), isEnabled: chance(4) ? nil : chance(2),
                        latency: chance(2) ? number() : nil, mtu: chance(4) ? nil : number(),
                        downs: chance(4) ? nil : number())
                },
            totem: chance(2) ? TotemState() : totem(),
            counters: TotemCounters(
                tokenLosses: chance(4) ? nil : UInt64(number()), consensusTimeouts: UInt64(number()),
                retransmits: UInt64(number()), memberships: UInt64(number())),
            schedulingMisses: list(3) { generator in
                SchedulingMiss(
                    time: Timestamp(microseconds: Int64(generator.number()) * 1000), delay: Int64(generator.number()))
            })
    }

    /// Conditions, mostly on nodes that exist.
    mutating func conditions() -> [Condition] {
        [.quorate, .inquorate, .complete]
            + list(6) { generator in
                let text = generator.chance(2) ? generator.node().description : generator.string()
                return try? Condition(parsing: "\(generator.pick(["member", "absent"]))=\(text)")
            }.compactMap { $0 }
    }

    /// The requirements of a check.
    mutating func requirements() -> Requirements {
        Requirements(
            margin: chance(2) ? Int(number()) : nil,
            absentNodes: chance(2) ? conditions().compactMap(\.node) : [])
    }

    private mutating func pass(_ duration: Int64) { microseconds += duration }

    /// An input for a reducer, the first one or one that can be settled.
    mutating func input(isFirst: Bool, isSettled: Bool) -> Reducer.Input {
        pass(Int64.random(in: 0...1_000_000, using: &random))
        switch Int.random(in: 0..<18, using: &random) {
        case 0...2:
            let sequence = chance(10) ? UInt64.max : UInt64.random(in: 1...40, using: &random)
            return .nodelist(ring: RingID(node: node(), sequence: sequence), members: list(6) { $0.node() })
        case 3...6:
            return .quorum(
                quorate: chance(2), nodes: listed(), reading(),
                isFirst && chance(3) ? .recalculating : nil)
        case 7: return .expectedVotes(number(), isSettled && !chance(5) ? reading() : nil)
        case 8...10: return .reading(reading())
        case 11: return .configuration(chance(4) ? nil : configuration())
        case 12:
            return .disconnected(
                CorosyncError(code: .init(rawValue: chance(2) ? 2 : min(number(), 200)), operation: .votequorumDispatch)
            )
        case 13:
            // The longest limit is 60 s.
            pass(Int64(min(number(), 10)) * 10_000_000)
            return .deadline
        case 14: return .statistics(Statistics(totem: totem()))
        case 15: return .statistics(chance(8) ? nil : statistics())
        case 16:
            return chance(2)
                ? .evidence : .counted(ring: RingID(node: node(), sequence: 7), members: list(6) { $0.node() })
        default: return .unresponsive(silent: .milliseconds(Int64(number())), ofMap: chance(2))
        }
    }

    /// A limit for the length of a string, in bytes.
    mutating func limit() -> Int { Int.random(in: 0...80, using: &random) }

    /// A string from the configuration map, which may have any content.
    mutating func string() -> String {
        if chance(3) { return pick(["node1", "lab", "", "n\u{f6}de", "10.0.0.1"]) }
        let length = chance(30) ? 300 : Int.random(in: 0...12, using: &random)
        var string = ""
        for _ in 0..<length {
            let value: UInt32 =
                switch Int.random(in: 0..<6, using: &random) {
                case 0: UInt32.random(in: 0..<0x20, using: &random)
                case 1:
                    pick([
                        0x7F, 0x9B, 0x85, 0xAD, 0x2028, 0x202E, 0x200B, 0xFEFF, 0xE0041, 0xFFFF, 0x10FFFF, 0x22, 0x5C,
                    ])
                case 2: UInt32.random(in: 0x80...0x10FFFF, using: &random)
                default: UInt32.random(in: 0x20..<0x7F, using: &random)
                }
            string.unicodeScalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
        }
        // A string comes from C as bytes, and what is not UTF-8 has been replaced.
        guard chance(6) else { return string }
        return String(decoding: string.utf8.shuffled(using: &random), as: UTF8.self)
    }

    /// The argument of an option.
    mutating func argument() -> String {
        let words = [
            "1", "0", "10", "500", ".", "1.5", "ms", "s", "m", "h", "-", "+", "e", "0x", "inf", "nan", " ", ",",
            "quorate", "inquorate", "complete", "member", "absent", "=", "quorum", "status", "info", "nodelist",
            "dropped", "expected_votes", "9999999999999999999", "\u{661}", "\0",
        ]
        return chance(10) ? string() : list(4) { $0.pick(words) }.joined()
    }

    /// A number, a unit, and the milliseconds of that unit.
    mutating func duration() -> (number: Int64, unit: String, milliseconds: Int64) {
        let (unit, milliseconds): (String, Int64) =
            pick([("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("", 1000)])
        return (Int64.random(in: 0...10_000_000, using: &random), unit, milliseconds)
    }
}
