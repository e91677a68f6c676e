// SPDX-License-Identifier: MIT

internal import Corosync

extension Outcome {
    /// Why no status was printed, and what to do; nil when one was, or none was wanted.
    public var whyNoStatus: String? {
        switch self {
        case .timedOut(let isSilent):
            "\(isSilent ? "corosync does not answer" : "no connection to corosync"); "
                + "see whether corosync runs, or allow more time with --timeout"
        case .failed(let diagnosis): diagnosis
        case .done, .checked, .nothingPending, .signal, .outputClosed, .outputFailed: nil
        }
    }
}

extension CorosyncError {
    /// Whether no further request can succeed on the same connection.
    var endsConnection: Bool { isTransient || code == .library || code == .badHandle }

    /// What failed, why, and what to do, when a connection is lost.
    var diagnosisOfLoss: String { "lost the connection to corosync: \(self)" }

    /// What failed, why, and what to do, when the configuration map cannot be read.
    var diagnosisOfNames: String { "cannot read the names of the nodes: \(self)" }

    /// What failed, why, and what to do, when a connection cannot be made.
    ///
    /// The library gives the same error whether corosync does not run or has no votequorum, so the configuration map
    /// is asked.
    var diagnosisOfConnecting: String {
        let what = "cannot connect to corosync"
        guard code == .library, operation == .votequorumInitialize, let map = try? ConfigurationMap() else {
            return "\(what): \(self)"
        }
        let provider = try? map.get("quorum.provider", as: String.self)
        let why = "(\(code) from \(operation.rawValue))"
        switch provider {
        case "corosync_votequorum":
            return "\(what): it runs, but votequorum does not answer yet \(why); try again in a moment"
        case let provider?:
            return "\(what): its quorum provider is \(harmless(provider)) \(why); "
                + "set provider: corosync_votequorum in the quorum section of corosync.conf"
        case nil:
            return "\(what): it runs without a quorum provider \(why); "
                + "set provider: corosync_votequorum in the quorum section of corosync.conf"
        }
    }
}
