// SPDX-License-Identifier: MIT

internal import Corosync

/// The nodes that the running corosync is configured with, for a shell that completes their names.
///
/// - Parameter limit: How long a corosync that does not answer may keep the caller.
/// - Returns: The nodes by ID; none when corosync does not run or does not answer.
public func configuredNodes(within limit: Duration) -> [ConfiguredNode] {
    let answer = Guarded<[ConfiguredNode]?>(nil)
    startThread("configuration") {
        let nodes = try? Configuration(reading: ConfigurationMap()).nodes
        answer.withLock { $0 = nodes ?? [] }
    }
    return answer.wait(until: .now + limit) { $0 } ?? []
}
