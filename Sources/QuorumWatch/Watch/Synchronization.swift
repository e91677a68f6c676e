// SPDX-License-Identifier: MIT

internal import Corosync

/// Whether corosync synchronises its services after a change of the ring. Votequorum, the last of them, then waits for the
/// quorum devices, and says nothing of that to a client that connects meanwhile.
///
/// Connections to the other services are under flow control for as long (`stats.ipcs` of cmap_keys(8)), if they were made
/// before: corosync-qdevice(8) has one.
func isSynchronizing() throws(CorosyncError) -> Bool {
    let map = try ConfigurationMap(.statistics)
    var held = false
    var isOverloaded = false
    try map.forEachKey(withPrefix: "stats.ipcs.service") { key throws(CorosyncError) in
        guard key.name.hasSuffix(".flow_control"), try map.read(key.name, as: UInt32.self) == 2 else {
            return true
        }
        // Votequorum's own connections are held for want of room for messages, and only then.
        if key.name.hasPrefix("stats.ipcs.service5.") { isOverloaded = true } else { held = true }
        return true
    }
    return held && !isOverloaded
}
