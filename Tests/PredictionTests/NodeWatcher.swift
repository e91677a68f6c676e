// SPDX-License-Identifier: MIT

import TestSupport

/// A `vqwatch --follow` on a node, and the state after its lines so far.
final class NodeWatcher {
    private let process: ChildProcess
    /// The last line with the whole state.
    private(set) var state = JSON.null
    /// The members of the last ring.
    private(set) var members: [Int64] = []
    /// Whether votequorum has recalculated for that ring.
    private(set) var isSettled = false
    /// The number of rings so far.
    private(set) var rings = 0
    /// The number of `expected_votes` events.
    private(set) var expectations = 0
    private var lines = 0

    init(on node: Int, of sandbox: Sandbox) throws {
        process = try sandbox.spawn(
            on: node, [vqwatch, "--follow", "--json", "--refresh", "100ms"], input: .null, errors: .null)
    }

    /// Reads lines until a condition holds, and no more.
    func wait(within limit: Duration, until holds: (NodeWatcher) -> Bool) throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while !holds(self) {
            guard let line = process.nextLine(within: max(.zero, deadline - .now)) else { return false }
            take(try JSON(parsing: line))
        }
        return true
    }

    /// Reads all lines that are there; returns whether there were any.
    func update() throws -> Bool {
        let before = lines
        _ = try wait(within: .zero) { _ in false }
        return lines > before
    }

    private func take(_ event: JSON) {
        lines += 1
        // Without votes, the next decision had begun when they were read.
        let isCurrent = event["votes"]["total"] != .null
        switch event["event"].string {
        case "status":
            state = event
            members = event["nodes"].elements.filter { $0["state"] == "member" }.compactMap { $0["id"].number }
            isSettled = isCurrent
        case "nodelist":
            members = event["members"].elements.compactMap { $0["id"].number }
            isSettled = false
            rings += 1
        case "quorum", "info":
            state = event
            isSettled = isCurrent
        case "expected_votes":
            state = event
            expectations += 1
        case "link", "evidence": break
        default: isSettled = false
        }
    }
}
