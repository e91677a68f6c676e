// SPDX-License-Identifier: MIT

import TestSupport

/// A random configuration of a cluster that votequorum accepts.
struct RandomCluster: CustomStringConvertible {
    /// A quorum device.
    enum Device {
        /// corosync-qdevice on every node, with an algorithm of corosync-qnetd.
        case real(Sandbox.Algorithm)
        /// A device that the test controls, with these votes.
        case controlled(votes: Int)
    }

    var nodes: Int
    var votes: [Int] = []
    var settings: [String] = []
    var device: Device?
    /// Whether `last_man_standing` is on, with a window that the test waits for.
    var lowersExpectedVotes = false
    /// That window in milliseconds.
    static let shortWindow = 1500

    init(with random: inout some RandomNumberGenerator) {
        nodes = [2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7].randomElement(using: &random)!
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        if chance(40) {
            votes = (0..<nodes).map { _ in [0, 1, 1, 1, 2, 3].randomElement(using: &random)! }
            if votes.allSatisfy({ $0 == 0 }) { votes[0] = 1 }
        }
        let sum = votes.isEmpty ? nodes : votes.reduce(0, +)

        if chance(25) {
            if votes.isEmpty, nodes <= 5, chance(30) {
                device = .real(Bool.random(using: &random) ? .ffsplit : .lms)
            } else {
                device = .controlled(votes: Int.random(in: 1...max(1, sum), using: &random))
            }
        }
        let waits: Bool? = chance(35) ? true : chance(30) ? false : nil
        let isPair = device == nil && chance(nodes == 2 ? 70 : 5)
        var breaksTies = device == nil && !isPair && chance(40)
        let lowers = device == nil && chance(30)
        // votequorum refuses to start with this combination.
        if breaksTies && lowers && sum % 2 == 1 && waits != true { breaksTies = false }
        if isPair { settings.append("two_node: 1") }
        if let waits { settings.append("wait_for_all: \(waits ? 1 : 0)") }
        if breaksTies {
            settings.append("auto_tie_breaker: 1")
            let ids = (1...nodes).shuffled(using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: settings.append("auto_tie_breaker_node: lowest")
            case 1: settings.append("auto_tie_breaker_node: highest")
            case 2:
                let list = ids.prefix(Int.random(in: 1...nodes, using: &random)).map(String.init)
                settings.append("auto_tie_breaker_node: \(list.joined(separator: " "))")
            default: break
            }
        }
        if lowers {
            lowersExpectedVotes = chance(70)
            let window = lowersExpectedVotes ? Self.shortWindow : 600_000
            settings += ["last_man_standing: 1", "last_man_standing_window: \(window)"]
        }
        if device == nil, chance(20) { settings.append("allow_downscale: 1") }
        if chance(10) { settings.append("expected_votes_tracking: 1") }
        if device == nil, chance(20) {
            settings.append("expected_votes: \(chance(10) ? 510 : sum + Int.random(in: 1...3, using: &random))")
        }
    }

    /// Starts the cluster.
    func start() throws -> Sandbox {
        let quorum = settings.isEmpty ? nil : settings.joined(separator: "; ")
        switch device {
        case .real(let algorithm):
            func start() throws -> Sandbox {
                try Sandbox(nodes: nodes, quorum: quorum, votes: votes, qnetd: algorithm)
            }
            // A corosync-qdevice that registers while the cluster forms sometimes fails (CS_ERR_LIBRARY) and ends.
            do { return try start() } catch { return try start() }
        case .controlled(let deviceVotes):
            return try Sandbox(
                nodes: nodes, quorum: quorum, votes: votes,
                device: "model: net; votes: \(deviceVotes); timeout: 3000; sync_timeout: 5000")
        case nil: return try Sandbox(nodes: nodes, quorum: quorum, votes: votes)
        }
    }

    var description: String {
        var parts = ["\(nodes) nodes"]
        if !votes.isEmpty { parts.append("votes \(votes)") }
        switch device {
        case .real(let name): parts.append("corosync-qdevice with \(name)")
        case .controlled(let votes): parts.append("a quorum device with \(votes) votes")
        case nil: break
        }
        return (parts + settings).joined(separator: ", ")
    }
}
