// SPDX-License-Identifier: MIT

internal import Corosync

extension Outcome {
    /// Why there is no status, and what to do; nil when one was printed, or none was required.
    var reasonWithoutStatus: String? {
        switch self {
        case .timedOut(.recalculation):
            "votequorum has not finished recalculating; see the quorum device and corosync's log, or allow more time with "
                + "--timeout"
        case .timedOut(let obstacle):
            "\(obstacle == .silence ? "corosync does not answer" : "no connection to corosync"); "
                + "see whether corosync runs, or allow more time with --timeout"
        case .failed(let diagnosis): diagnosis
        case .done, .checked, .nothingPending, .signal, .outputClosed, .outputFailed: nil
        }
    }
}

extension NodeSelector {
    /// What failed, why, and what to do, when the node of a prediction is unknown.
    func diagnosis(hasNames: Bool) -> String {
        let advice = hasNames || id != nil ? "'vqwatch' lists the nodes" : "the names cannot be read: give its ID"
        return "--if-down \(escaped(description)): no node has this \(id == nil ? "name" : "ID or name"); \(advice)"
    }
}

extension CorosyncError {
    /// Whether no further request can succeed on the same connection.
    var endsConnection: Bool { isTransient || code == .libraryFailure || code == .badHandle }

    /// What failed, why, and what to do, when a connection is lost.
    var diagnosisOfLoss: String { "lost the connection to corosync: \(withAdvice)" }

    /// What failed, why, and what to do, when connections are lost repeatedly.
    var diagnosisOfRepeatedLoss: String {
        "the connection to corosync is lost again and again: \(withAdvice); if corosync or its libraries were updated, "
            + "restart vqwatch, and see corosync's log"
    }

    /// What failed, why, and what to do, when a connection cannot be made. `provider` is the quorum provider, if that
    /// can be the reason.
    func diagnosisOfConnecting(_ provider: ProviderProbe.Provider?) -> String {
        let what = "cannot connect to corosync"
        let source = "(\(code) from \(operation.rawValue))"
        let advice = "set provider: corosync_votequorum in the quorum section of corosync.conf"
        switch provider {
        case nil, .noConnection: return "\(what): \(withAdvice)"
        case .named("corosync_votequorum"):
            return "\(what): it runs, but votequorum does not answer yet \(source); try again in a moment"
        case .named(let name): return "\(what): its quorum provider is \(escaped(name)) \(source); \(advice)"
        case .notSet: return "\(what): it runs without a quorum provider \(source); \(advice)"
        case .unknown:
            return
                "\(what): votequorum refuses the connection, and the configuration map, which has the reason, does not "
                + "answer \(source); see whether corosync hangs (systemctl status corosync)"
        }
    }
}

/// Why one of corosync's maps was not read.
enum MapFailure: Error, Hashable, Sendable {
    /// A request failed.
    case corosync(CorosyncError)
    /// There was no answer within ``patience``.
    case late

    /// The timeout for a reading. Values that were read before stay valid for as long while the map cannot be read.
    static let patience = Duration.seconds(2)

    /// What failed, why, and what to do.
    var diagnosisOfConfiguration: String { "cannot read the configuration: \(reason)" }

    /// The same for the statistics map.
    var diagnosisOfLinks: String { "cannot read the links: \(reason)" }

    private var reason: String {
        switch self {
        case .corosync(let error): error.withAdvice
        case .late: "corosync did not answer in time; \(CorosyncError.Code.timeout.advice)"
        }
    }
}
