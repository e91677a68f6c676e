// SPDX-License-Identifier: MIT

import TestSupport

/// The output of `corosync-quorumtool -s`, to compare the status with.
struct QuorumTool {
    let status: Int32?
    let facts: [String: String]
    /// ID, votes and name of every member.
    let members: [Member]

    struct Member: Hashable {
        let id: Int64
        let votes: Int64
        let name: String
        let isLocal: Bool
    }

    init(on node: Int, of sandbox: Sandbox) throws {
        let result = try sandbox.run(on: node, ["corosync-quorumtool", "-s"])
        status = result.status
        var facts: [String: String] = [:]
        var members: [Member] = []
        for line in result.lines {
            let parts = line.split(separator: ":", maxSplits: 1).map { String($0.trimming()) }
            if parts.count == 2 { facts[parts[0]] = parts[1] }
            let columns = line.split(separator: " ")
            if parts.count == 1, columns.count >= 3, let id = Int64(columns[0]), let votes = Int64(columns[1]) {
                let isLocal = columns.last == "(local)"
                let name = columns.dropLast(isLocal ? 1 : 0).last!
                members.append(Member(id: id, votes: votes, name: String(name), isLocal: isLocal))
            }
        }
        self.facts = facts
        self.members = members
    }

    func number(_ fact: String) -> JSON {
        facts[fact].flatMap { $0.split(separator: " ").first }.flatMap { Int64($0) }.map(JSON.number) ?? "missing"
    }
}

extension Substring {
    fileprivate func trimming() -> Substring {
        var text = drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
