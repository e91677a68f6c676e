// SPDX-License-Identifier: MIT

import Corosync
@testable import QuorumWatch

/// The quorum section and the votes of a ``Simulation``.
struct SimulatedConfiguration: CustomStringConvertible, Sendable {
    /// The votes of each node; their IDs count from 1.
    var votes: [UInt32]
    var expectedVotes: UInt32?
    /// `twoNode`, `waitForAll`, `autoTieBreaker` and `allowDownscale`, as far as they are configured.
    var flags: NodeInfo.Flags = []
    /// The kind of tie breaker.
    var tieBreaker: TieBreaker?
    var tracksExpectedVotes = false
    /// The votes of the quorum device.
    var deviceVotes: UInt32?

    var description: String { "votes \(votes)\(quorum.replacing("\n", with: ""))" }

    /// The lines of the quorum section.
    private var quorum: String {
        var lines = ["  provider: corosync_votequorum"]
        if let expectedVotes { lines.append("  expected_votes: \(expectedVotes)") }
        if flags.contains(.twoNode) { lines.append("  two_node: 1") }
        lines.append("  wait_for_all: \(flags.contains(.waitForAll) ? 1 : 0)")
        if flags.contains(.allowDownscale) { lines.append("  allow_downscale: 1") }
        if tracksExpectedVotes { lines.append("  expected_votes_tracking: 1") }
        if flags.contains(.autoTieBreaker) {
            lines.append("  auto_tie_breaker: 1")
            switch tieBreaker {
            case nil, .lowest: break
            case .highest: lines.append("  auto_tie_breaker_node: highest")
            case .list(let list):
                lines.append("  auto_tie_breaker_node: \(list.map { "\($0.rawValue)" }.joined(separator: " "))")
            }
        }
        if let deviceVotes {
            lines += ["  device {", "    model: net", "    votes: \(deviceVotes)", "    timeout: 300"]
            lines += ["    sync_timeout: 100", "  }"]
        }
        return "\n" + lines.joined(separator: "\n") + "\n"
    }

    /// The text of corosync.conf.
    var text: String {
        let nodes = votes.enumerated().map { index, votes in
            "  node {\n    nodeid: \(index + 1)\n    ring0_addr: n\(index + 1)\n    quorum_votes: \(votes)\n  }\n"
        }
        return """
            system {
              state_dir: .
            }
            totem {
              version: 2
              cluster_name: simulation
            }
            logging {
              to_stderr: yes
              to_syslog: no
              debug: on
              blackbox: no
            }
            nodelist {
            \(nodes.joined())}
            quorum {\(quorum)}

            """
    }
}
