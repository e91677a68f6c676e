// SPDX-License-Identifier: MIT

internal import Corosync

/// Whether corosync is synchronising its services after a change of the ring. Votequorum waits for the quorum devices
/// in this phase, and a client that connects during it gets a snapshot with the old flags and the old vote of the
/// device.
///
/// In this phase, flow control is on for all connections that existed before it, except those to votequorum
/// (`stats.ipcs` in cmap_keys(8)). corosync-qdevice(8) has such a connection.
func isSynchronizing() throws(CorosyncError) -> Bool {
    let map = try ConfigurationMap(.statistics)
    var held = false
    var isOverloaded = false
    try map.forEachKey(withPrefix: "stats.ipcs.service") { key throws(CorosyncError) in
        guard key.name.hasSuffix(".flow_control"), try map.read(key.name, as: UInt32.self) == 2 else {
            return true
        }
        // Flow control of votequorum's own connections means that corosync's message queue is full.
        if key.name.hasPrefix("stats.ipcs.service5.") { isOverloaded = true } else { held = true }
        return true
    }
    return held && !isOverloaded
}
