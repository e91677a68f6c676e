// SPDX-License-Identifier: MIT

internal import Corosync

extension CorosyncError {
    /// Whether no further request can succeed on the same connection.
    var endsConnection: Bool {
        isTransient || code == .libraryFailure || code == .badHandle || code == .connectionInterrupted
    }

    /// Whether corosync has refused a connection of this user, and has logged that as an error.
    var isRefusal: Bool {
        code == .accessDenied && (operation == .votequorumInitialize || operation == .cmapInitialize)
    }

    /// What failed, why, and what to do, when a connection is lost.
    var diagnosisOfLoss: String { "lost the connection to corosync: \(withAdvice)" }

    /// What failed, why, and what to do, when connections are lost repeatedly.
    var diagnosisOfRepeatedLoss: String {
        "the connection to corosync is lost again and again: \(withAdvice); if corosync or its libraries were updated, "
            + "restart vqwatch, and see the log of corosync (journalctl -u corosync)"
    }

    /// What failed, why, and what to do, when a connection cannot be made. `provider` is the quorum provider, if that
    /// can be the reason.
    func diagnosisOfConnecting(_ provider: QuorumProvider?) -> String {
        let what = "cannot connect to corosync"
        let source = "(\(code) from \(operation.rawValue))"
        let advice = "set provider: corosync_votequorum in the quorum section of corosync.conf"
        switch provider {
        case nil, .noConnection: return "\(what): \(withAdvice)"
        case .named("corosync_votequorum"):
            return "\(what): corosync runs, but votequorum does not answer yet \(source); see the log of corosync "
                + "(journalctl -u corosync) if this lasts"
        case .named(let name): return "\(what): its quorum provider is \(escaped(name)) \(source); \(advice)"
        case .notSet: return "\(what): corosync runs without a quorum provider \(source); \(advice)"
        case .unknown:
            return
                "\(what): votequorum refuses the connection, and the configuration map, which has the reason, does not "
                + "answer \(source); see whether corosync hangs (systemctl status corosync)"
        }
    }

    /// What failed, why, and what to do, when the configuration cannot be read.
    var diagnosisOfConfiguration: String { "cannot read the configuration: \(withAdvice)" }

    /// What failed, why, and what to do, when the statistics cannot be read.
    var diagnosisOfStatistics: String { "cannot read the statistics of totem and the links: \(withAdvice)" }
}

/// What failed, why, and what to do, when a part of the maps is not read in time.
func diagnosis(ofLate part: String) -> String {
    "cannot read the \(part): corosync did not answer in time; \(CorosyncError.Code.timeout.advice)"
}
