// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import Corosync
internal import QuorumWatch

/// What a shell offers for the values that are more than one word of a list.

extension CompletionKind {
    /// A comma separated list of the kinds of events: those that are not yet in it.
    static var eventKinds: CompletionKind {
        .custom { _, _, prefix in
            let chosen = prefix.split(separator: ",", omittingEmptySubsequences: false).dropLast()
            let start = chosen.map { $0 + "," }.joined()
            return EventKind.allCases.map(\.rawValue).filter { !chosen.contains(Substring($0)) }.map { start + $0 }
        }
    }

    /// A condition of `--wait-for`, with the nodes of the running cluster.
    static var conditions: CompletionKind {
        .custom { _, _, prefix in
            let nodes = configuredNodes(within: .seconds(1)).map { node in
                // A name that a shell could take for something else is not offered, and the ID is.
                let name = node.name.flatMap { $0.utf8.allSatisfy(isPlain) && !$0.isEmpty ? $0 : nil }
                return name ?? node.id.description
            }
            let conditions = ["member=", "absent="].flatMap { condition in
                nodes.isEmpty ? [condition] : nodes.map { condition + $0 }
            }
            return (["quorate", "inquorate", "complete"] + conditions).filter { $0.hasPrefix(prefix) }
        }
    }
}

/// Letters, digits, and what is between them in the names of hosts.
private func isPlain(_ byte: UInt8) -> Bool {
    switch UnicodeScalar(byte) {
    case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": true
    default: false
    }
}
