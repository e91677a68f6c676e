// SPDX-License-Identifier: MIT

internal import Corosync

extension VotingSettings {
    /// The present values in a configuration map (cmap_keys(8)).
    ///
    /// After a reload, the `quorum.` keys are those of the file, but votequorum keeps some of its start. Those are
    /// therefore read from `runtime.votequorum.` keys, or are unknown.
    init(reading map: borrowing ConfigurationMap) throws(CorosyncError) {
        // The keys do not exist without a tie breaker, and before the first decision.
        let node = "runtime.votequorum"
        let tieBreaker: TieBreaker? =
            switch try map.read("\(node).atb_type", as: UInt32.self) {
            case 1: .lowest(try map.read("\(node).lowest_node_id", as: UInt32.self).map(NodeID.init(_:)))
            case 2: .highest(try map.read("\(node).highest_node_id", as: UInt32.self).map(NodeID.init(_:)))
            case 3: try map.unreloaded("quorum.auto_tie_breaker_node").map(TieBreaker.init(list:))
            default: nil
            }
        self.init(
            tieBreaker: tieBreaker,
            isWaitingForAll: try map.read("\(node).wait_for_all_status", as: UInt8.self) == 1,
            // The key exists only if they are tracked.
            tracksExpectedVotes: try map.read("\(node).ev_tracking_barrier", as: UInt32.self) != nil,
            allowsMasterWins: try map.read("\(node).qdevice_master_wins", as: UInt8.self) == 1)
    }
}

extension ConfigurationMap {
    /// The value of a key that only a reload can change; nil after a reload, when it may not be the value of the start.
    fileprivate borrowing func unreloaded(_ key: String) throws(CorosyncError) -> String? {
        // In this order: a reload in between must not go unnoticed.
        let value = try read(key, as: String.self)
        return try read("config.reload_status", as: Int32.self) == nil ? value : nil
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
