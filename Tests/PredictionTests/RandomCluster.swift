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

    /// A rule of votequorum that the cluster certainly uses.
    enum Rule: CaseIterable {
        case lowest, highest, list, downscale, tracking, ffsplit, lms, controlledDevice
        case pair, waitForAll, lastManStanding, expectedVotes
    }

    let rule: Rule
    var nodes: Int
    var votes: [Int] = []
    var settings: [String] = []
    var device: Device?
    /// Whether `last_man_standing` is on, with a window that the test waits for.
    var lowersExpectedVotes = false
    /// That window in milliseconds.
    static let shortWindow = 1500

    /// A random cluster; the seeds of as many clusters as there are rules select each rule once.
    init(seed: UInt64, with random: inout some RandomNumberGenerator) {
        let rule = Rule.allCases[Int(seed % UInt64(Rule.allCases.count))]
        self.rule = rule
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        let sizes = [.lowest, .highest, .list].contains(rule) ? [4, 4, 6] : [2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7]
        nodes = rule == .pair ? 2 : sizes.randomElement(using: &random)!
        if [.ffsplit, .lms].contains(rule) {
            nodes = min(nodes, 5)
        } else if ![.lowest, .highest, .list].contains(rule), chance(40) {
            votes = (0..<nodes).map { _ in [0, 1, 1, 1, 2, 3].randomElement(using: &random)! }
            if votes.allSatisfy({ $0 == 0 }) { votes[0] = 1 }
        }
        let sum = votes.isEmpty ? nodes : votes.reduce(0, +)
        switch rule {
        case .ffsplit: device = .real(.ffsplit)
        case .lms: device = .real(.lms)
        case .controlledDevice: device = .controlled(votes: .random(in: 1...max(1, sum), using: &random))
        default: break
        }

        let waits: Bool? = rule == .waitForAll || chance(30) ? true : chance(30) ? false : nil
        let isPair = rule == .pair
        var breaksTies = [.lowest, .highest, .list].contains(rule) || device == nil && !isPair && chance(20)
        let lowers = rule == .lastManStanding || device == nil && chance(20)
        // votequorum refuses to start with this combination.
        if breaksTies && lowers && sum % 2 == 1 && waits != true { breaksTies = false }
        if isPair { settings.append("two_node: 1") }
        if let waits { settings.append("wait_for_all: \(waits ? 1 : 0)") }
        if breaksTies {
            let list = (1...nodes).shuffled(using: &random).prefix(.random(in: 1...nodes, using: &random))
            let node =
                switch rule {
                case .highest: "highest"
                case .list: list.map(String.init).joined(separator: " ")
                default: "lowest"
                }
            settings += ["auto_tie_breaker: 1", "auto_tie_breaker_node: \(node)"]
        }
        if lowers {
            lowersExpectedVotes = chance(70)
            let window = lowersExpectedVotes ? Self.shortWindow : 600_000
            settings += ["last_man_standing: 1", "last_man_standing_window: \(window)"]
        }
        if rule == .downscale || device == nil && chance(10) { settings.append("allow_downscale: 1") }
        if rule == .tracking || chance(10) { settings.append("expected_votes_tracking: 1") }
        if rule == .expectedVotes || device == nil && chance(10) {
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
        var parts = ["\(rule): \(nodes) nodes"]
        if !votes.isEmpty { parts.append("votes \(votes)") }
        switch device {
        case .real(let name): parts.append("corosync-qdevice with \(name)")
        case .controlled(let votes): parts.append("a quorum device with \(votes) votes")
        case nil: break
        }
        return (parts + settings).joined(separator: ", ")
    }
}
