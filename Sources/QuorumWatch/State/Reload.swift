// SPDX-License-Identifier: MIT

internal import Corosync

/// A reload of the configuration, which changes it, votequorum and the configuration of the other nodes one after the
/// other. Pure.
struct Reload: Sendable {
    /// When the configuration has to be read again; nil: there is no reload. Until then, new problems that compare what a
    /// reload changes are held back.
    var end: Instant?
    /// Whether a first state with such a problem has to be confirmed.
    private let confirmsProblems: Bool

    init(confirmsProblems: Bool) { self.confirmsProblems = confirmsProblems }

    /// How long it takes until all nodes have a new configuration, and votequorum counts its votes on all of them.
    private static let duration = Duration.seconds(2)

    /// Notes that something has changed that a reload changes.
    mutating func noteChange(at now: Instant) { end = now + Self.duration }

    /// Notes the problems of the first state, which may have been read during a reload.
    mutating func noteFirst(_ problems: [Problem], at now: Instant) {
        if confirmsProblems, problems.contains(where: \.code.comparesConfiguration) { end = now + .milliseconds(200) }
    }

    /// Notes that the configuration was read, in a reading that began at this moment, or cannot be read.
    mutating func noteReading(isRead: Bool, since begin: Instant) {
        if let end, end <= begin || !isRead { self.end = nil }
    }

    /// The problems without those that are held back. Problems of a kind that was told before are told.
    func shown(_ problems: [Problem], told: [Problem]) -> [Problem] {
        guard end != nil else { return problems }
        return problems.filter { problem in
            !problem.code.comparesConfiguration || told.contains { $0.code == problem.code }
        }
    }
}

extension Reading {
    /// Whether expected votes, or the votes of a node that was known before, have changed since an earlier reading.
    func isReload(of old: Reading) -> Bool {
        local.expectedVotes != old.local.expectedVotes
            || nodes.contains { node in old.info(of: node.id).map { $0.votes != node.votes } ?? false }
    }
}

extension Configuration {
    /// Whether what is compared with votequorum and with other nodes has changed since an earlier reading: the votes and
    /// the version.
    func isReload(of old: Configuration) -> Bool {
        nodes.map(\.id) != old.nodes.map(\.id) || nodes.map(\.votes) != old.nodes.map(\.votes)
            || expectedVotesAfterStart != old.expectedVotesAfterStart || version != old.version
            || members.isReload(of: old.members)
    }
}

extension [NodeID: TotemMember] {
    /// Whether a node that was known before has another version of its configuration.
    func isReload(of old: [NodeID: TotemMember]) -> Bool {
        contains { id, member in old[id]?.configVersion.map { $0 != member.configVersion } ?? false }
    }
}
