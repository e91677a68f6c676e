// SPDX-License-Identifier: MIT

internal import Corosync

extension NodeSelector {
    /// What a text that is no known node may have been.
    var kinds: String { id == nil ? "name or address" : "ID, name or address" }

    /// Why this, the argument of an option, does not stand for exactly one node; nil if it does.
    func obstacle(
        of option: String, in state: ClusterState, knowsNodelist: Bool
    ) -> (text: String, isAmbiguous: Bool)? {
        switch match(in: state) {
        case .node: nil
        case .nobody: (diagnosis(of: option, knowsNodelist: knowsNodelist), false)
        case .several(let nodes): ("\(escaped(option)): \(diagnosis(of: nodes))", true)
        }
    }

    /// What failed, why, and what to do, when nobody knows the node of an option.
    func diagnosis(of option: String, knowsNodelist: Bool) -> String {
        let advice = knowsNodelist || id != nil ? "'vqwatch' lists the nodes" : "the names cannot be read: give its ID"
        return "\(escaped(option)): no node has this \(kinds); \(advice)"
    }
}

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
}

extension CorosyncError {
    /// What failed, why, and what to do, when the configuration cannot be read.
    var diagnosisOfConfiguration: String { "cannot read the configuration: \(withAdvice)" }

    /// What failed, why, and what to do, when the statistics cannot be read.
    var diagnosisOfStatistics: String { "cannot read the statistics of totem and the links: \(withAdvice)" }
}

/// What failed, why, and what to do, when a part of the maps is not read in time.
func diagnosis(ofLate part: String) -> String {
    "cannot read the \(part): corosync did not answer in time; \(CorosyncError.Code.timeout.advice)"
}
