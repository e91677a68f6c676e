// SPDX-License-Identifier: MIT

internal import Corosync

/// The configured nodes of the running corosync for shell completions, sorted by ID; with `onlyMembers`, without those that
/// are not members. None when corosync does not run, or does not answer within the limit.
package func configuredNodes(within limit: Duration, onlyMembers: Bool = false) -> [ConfiguredNode] {
    let answer = Guarded<[ConfiguredNode]?>(nil)
    do throws(SystemError) {
        try startThread("configuration") {
            let nodes = try? nodes(onlyMembers: onlyMembers)
            answer.withLock { $0 = nodes ?? [] }
        }
    } catch {
        return []
    }
    return answer.wait(until: .now + limit) { $0 } ?? []
}

private func nodes(onlyMembers: Bool) throws(CorosyncError) -> [ConfiguredNode] {
    let map = try ConfigurationMap()
    var nodes: [ConfiguredNode] = []
    for node in ConfiguredNode.nodes(in: try map.values(withPrefix: "nodelist.node.")) {
        let status = try onlyMembers ? map.read("runtime.members.\(node.id).status", as: String.self) : "joined"
        if status == "joined" { nodes.append(node) }
    }
    return nodes
}
