// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import Corosync
internal import QuorumWatch

/// Completions for option values that are not one of a fixed set of words.

extension CompletionKind {
    /// The kinds of events that a comma separated list does not contain yet.
    static var eventKinds: CompletionKind {
        .custom { _, _, prefix in
            let chosen = prefix.split(separator: ",", omittingEmptySubsequences: false).dropLast()
            let start = chosen.map { $0 + "," }.joined()
            return EventKind.ofWatch.map(\.rawValue).filter { !chosen.contains(Substring($0)) }.map { start + $0 }
        }
    }

    /// A member of the running cluster, or the quorum device.
    static var members: CompletionKind {
        .custom { _, _, prefix in
            (runningNodes(onlyMembers: true) + ["qdevice"]).filter { $0.hasPrefix(prefix) }
        }
    }

    /// A node of the running cluster.
    static var nodes: CompletionKind {
        .custom { _, _, prefix in runningNodes().filter { $0.hasPrefix(prefix) } }
    }

    /// A condition of `--wait-for`, with the nodes of the running cluster.
    static var conditions: CompletionKind {
        .custom { _, _, prefix in
            let nodes = runningNodes()
            let conditions = ["member=", "absent="].flatMap { condition in
                nodes.isEmpty ? [condition] : nodes.map { condition + $0 }
            }
            return (["quorate", "inquorate", "complete"] + conditions).filter { $0.hasPrefix(prefix) }
        }
    }
}

/// The nodes of the running cluster: each by its name, or by its ID if the name has characters that are special in a
/// shell.
private func runningNodes(onlyMembers: Bool = false) -> [String] {
    configuredNodes(within: .seconds(1), onlyMembers: onlyMembers).map { node in
        let name = node.name.flatMap { $0.utf8.allSatisfy(isPlain) && !$0.isEmpty ? $0 : nil }
        return name ?? node.id.description
    }
}

/// Whether a byte is a letter, a digit, or a separator that host names contain.
private func isPlain(_ byte: UInt8) -> Bool {
    switch UnicodeScalar(byte) {
    case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": true
    default: false
    }
}
