// SPDX-License-Identifier: MIT

internal import CLinux
internal import Corosync
internal import Glibc

/// Reads the configuration map in a separate thread: the names are read while another thread connects to votequorum,
/// and a reload is noticed while a dispatch blocks that thread.
///
/// The names are optional: the status waits for them for ``MapFailure/patience`` at most.
final class ConfigurationReader: Sendable {
    private let reader: MapReader<Configuration>
    private let stop: StopRequest
    /// Whether to track changes of the map.
    private let follows: Bool
    /// Whether to read the values for predictions as well.
    private let readsVoting: Bool
    /// Called with the time of every change of totem's membership.
    private let reportMembership: @Sendable (Instant) -> Void

    init(
        stop: StopRequest, follows: Bool, readsVoting: Bool,
        report: @escaping @Sendable (Result<Configuration, MapFailure>) -> Void,
        reportMembership: @escaping @Sendable (Instant) -> Void
    ) throws(SystemError) {
        reader = try MapReader(of: .configuration, stop: stop, follows: follows, report: report)
        self.stop = stop
        self.follows = follows
        self.readsVoting = readsVoting
        self.reportMembership = reportMembership
    }

    /// Notices when corosync does not answer.
    var watchdog: Watchdog { reader.watchdog }

    /// Requests a new reading.
    func request() { reader.request() }

    /// Waits until the result of the last request is reported. Returns the error if it failed or did not come in time.
    func failure(until deadline: Instant) -> MapFailure? { reader.failure(until: deadline) }

    /// Reads until the watch ends.
    func run() { reader.run(serve) }

    /// Answers requests and tracks changes until the watch ends. If changes are not tracked, answers one request and
    /// returns, so that the connection is closed while the status is being printed.
    private func serve(_ map: borrowing ConfigurationMap, succeeded: () -> Void) throws(CorosyncError) {
        var membersTrack: ConfigurationMap.Track?
        reader.watchdog.begin()
        if follows {
            // Do not track all of "quorum.": votequorum resets quorum.cancel_wait_for_all in its own track callback,
            // and corosync crashes if another callback for the key has to be called after that one.
            for prefix in ["nodelist.", "quorum.device."] {
                _ = try map.startTracking(prefix, for: [.add, .modify, .delete, .prefix])
            }
            for key in ["quorum.expected_votes", "totem.cluster_name"] {
                _ = try map.startTracking(key, for: [.add, .modify, .delete])
            }
            membersTrack = try map.startTracking(MembershipChanges.prefix, for: [.add, .modify, .delete, .prefix])
        }
        var membership = MembershipChanges()
        var isOutdated = true
        while true {
            if isOutdated {
                reader.watchdog.begin()
                let ticket = reader.ticket
                let configuration = try Configuration(reading: map, withVoting: readsVoting)
                reader.watchdog.end()
                reader.publish(.success(configuration), for: ticket)
                succeeded()
                isOutdated = false
            }
            guard follows else { return }
            let ready = wait(
                for: [(stop.descriptor, POLLIN), (reader.wake.descriptor, POLLIN), (map.fileDescriptor, POLLIN)],
                until: membership.deadline)
            if ready[0] != 0 { return }
            if ready[1] != 0 {
                reader.wake.lower()
                isOutdated = true
            }
            if ready[2] != 0 {
                var isMembershipAlone = false
                try map.dispatch(.all) { change in
                    // Corosync replaces its configuration as a whole: at the first notification, all of it can be read.
                    isMembershipAlone = change.track == membersTrack
                    if isMembershipAlone { membership.note(change) } else { isOutdated = true }
                }
                // A change whose callback was not called may concern the configuration.
                if !isMembershipAlone { isOutdated = true }
            }
            if let deadline = membership.deadline, deadline <= .now, let change = membership.take() {
                reportMembership(change)
            }
        }
    }
}
