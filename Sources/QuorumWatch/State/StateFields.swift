// SPDX-License-Identifier: MIT

internal import Corosync

/// A part of a state whose fields have names in JSON lines. JSON lines and changes are both made from this table.
protocol FieldContainer: Hashable {
    /// The fields; the raw value is the name in JSON, and the order is that of JSON.
    associatedtype Field: RawRepresentable<String>, CaseIterable where Field.AllCases == [Field]
    func value(of field: Field) -> FieldValue
}

/// The value of a field.
enum FieldValue: Hashable, Sendable {
    /// Unknown or missing.
    case null
    case bool(Bool)
    case number(Int)
    case string(String)
    case strings([String])
    indirect case votes(Votes)
    indirect case device(QuorumDevice)
    case deviceState(DeviceState)
    indirect case node(Node)
    case nodes([Node])
    indirect case link(Link)
    case links([Link])
    case problems([Problem])

    init(_ bool: Bool?) { self = bool.map(Self.bool) ?? .null }
    init(_ number: (some BinaryInteger)?) { self = number.map { .number(Int(clamping: $0)) } ?? .null }
    init(_ string: String?) { self = string.map(Self.string) ?? .null }
    init(_ strings: [String]?) { self = strings.map(Self.strings) ?? .null }
}

extension ClusterState: FieldContainer {
    enum Field: String, CaseIterable {
        case clusterName = "cluster_name"
        case localNode = "local_node_id"
        case localName = "local_node_name"
        case quorate
        case ring = "ring_id"
        case votes, flags
        case device = "qdevice"
        case links, nodes, problems
    }

    /// The name of the local node in the configuration.
    var localName: String? { localNode.flatMap { node($0)?.name } }

    func value(of field: Field) -> FieldValue {
        switch field {
        case .clusterName: .init(clusterName)
        case .localNode: .init(localNode?.rawValue)
        case .localName: .init(localName)
        case .quorate: .init(quorate)
        case .ring: .init(ring?.description)
        case .votes: .votes(votes)
        case .flags: .init(flags?.clusterFlagNames)
        case .device: device.map(FieldValue.device) ?? .null
        case .links: links.map(FieldValue.links) ?? .null
        case .nodes: .nodes(nodes)
        case .problems: .problems(problems)
        }
    }
}

extension Votes: FieldContainer {
    enum Field: String, CaseIterable {
        case total, expected
        case highestExpected = "highest_expected"
        case quorum, margin
    }

    func value(of field: Field) -> FieldValue {
        switch field {
        case .total: .init(total)
        case .expected: .init(expected)
        case .highestExpected: .init(highestExpected)
        case .quorum: .init(quorum)
        case .margin: .init(margin)
        }
    }
}

extension QuorumDevice: FieldContainer {
    enum Field: String, CaseIterable {
        case name, model, registered, votes, alive
        case castVote = "cast_vote"
        case masterWins = "master_wins"
    }

    func value(of field: Field) -> FieldValue {
        switch field {
        case .name: .init(name)
        case .model: .init(model)
        case .registered: .bool(isRegistered)
        case .votes: .init(votes)
        case .alive: .bool(state?.alive ?? false)
        case .castVote: .bool(state?.castVote ?? false)
        case .masterWins: .bool(state?.masterWins ?? false)
        }
    }
}

extension DeviceState: FieldContainer {
    enum Field: String, CaseIterable {
        case alive
        case castVote = "cast_vote"
        case masterWins = "master_wins"
    }

    func value(of field: Field) -> FieldValue {
        switch field {
        case .alive: .bool(alive)
        case .castVote: .bool(castVote)
        case .masterWins: .bool(masterWins)
        }
    }
}

extension Node: FieldContainer {
    enum Field: String, CaseIterable {
        case id, name, state
        case configured
        case votes
        case expectedVotes = "expected_votes"
        case local, addresses
        case device = "qdevice"
        case reachable
        case configVersion = "config_version"
        case quorateIfDown = "quorate_if_down"
    }

    func value(of field: Field) -> FieldValue {
        switch field {
        case .id: .init(id.rawValue)
        case .name: .init(name)
        case .state: .string(stateName)
        case .configured: .init(isConfigured)
        case .votes: .init(votes)
        case .expectedVotes: .init(expectedVotes)
        case .local: .bool(isLocal)
        case .addresses: .strings(addresses)
        case .device: device.map(FieldValue.deviceState) ?? .null
        case .reachable: .init(isReachable)
        case .configVersion: .init(configVersion)
        case .quorateIfDown: .init(quorateIfDown)
        }
    }
}

extension Link: FieldContainer {
    enum Field: String, CaseIterable {
        case node = "node_id"
        case number = "link"
        case connected, enabled
        case latency = "latency_us"
        case mtu
    }

    func value(of field: Field) -> FieldValue {
        switch field {
        case .node: .init(id.node.rawValue)
        case .number: .init(id.number)
        case .connected: .bool(isConnected)
        case .enabled: .init(isEnabled)
        case .latency: .init(latency)
        case .mtu: .init(mtu)
        }
    }
}
