// SPDX-License-Identifier: MIT

internal import Corosync

/// The nodes that the running corosync is configured with, for a shell that completes their names.
///
/// - Parameter limit: How long the call waits for corosync at most.
/// - Returns: The nodes by ID; none when corosync does not run or does not answer.
public func configuredNodes(within limit: Duration) -> [ConfiguredNode] {
    let answer = Guarded<[ConfiguredNode]?>(nil)
    do throws(SystemError) {
        try startThread("configuration") {
            let nodes = try? Configuration(reading: ConfigurationMap()).nodes
            answer.withLock { $0 = nodes ?? [] }
        }
    } catch {
        return []
    }
    return answer.wait(until: .now + limit) { $0 } ?? []
}
