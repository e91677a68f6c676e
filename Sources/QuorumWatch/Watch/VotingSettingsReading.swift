// SPDX-License-Identifier: MIT

internal import Corosync

extension VotingSettings {
    /// The present values in a configuration map (cmap_keys(8)).
    init(reading map: borrowing ConfigurationMap) throws(CorosyncError) {
        // The keys do not exist without a tie breaker, and before the first decision.
        let node = "runtime.votequorum"
        let tieBreaker: TieBreaker? =
            switch try map.read("\(node).atb_type", as: UInt32.self) {
            case 1: .lowest(try map.read("\(node).lowest_node_id", as: UInt32.self).map(NodeID.init(_:)))
            case 2: .highest(try map.read("\(node).highest_node_id", as: UInt32.self).map(NodeID.init(_:)))
            case 3: try map.read("quorum.auto_tie_breaker_node", as: String.self).map(TieBreaker.init(list:))
            default: nil
            }
        self.init(
            tieBreaker: tieBreaker,
            isWaitingForAll: try map.read("\(node).wait_for_all_status", as: UInt8.self) == 1,
            tracksExpectedVotes: try map.read("quorum.expected_votes_tracking", as: UInt8.self) == 1,
            allowsMasterWins: try map.read("\(node).qdevice_master_wins", as: UInt8.self) == 1)
    }
}

extension TieBreaker {
    /// A list as votequorum parses it: numbers separated by blanks, up to the first that is 0 or not a number.
    init(list text: String) {
        var nodes: [NodeID] = []
        for word in text.split(whereSeparator: \.isWhitespace) {
            let digits = word.prefix { ("0"..."9").contains($0) }
            guard let number = UInt32(digits), number != 0 else { break }
            nodes.append(NodeID(number))
            if digits.count < word.count { break }
        }
        self = .list(nodes)
    }
}
