// SPDX-License-Identifier: MIT

internal import Corosync

// A diagnosis says what failed, why, and what to do.

extension CorosyncError {
    /// The diagnosis when a connection is lost.
    var diagnosisOfLoss: String { "lost the connection to corosync: \(withAdvice)" }

    /// The diagnosis when connections are lost repeatedly.
    var diagnosisOfRepeatedLoss: String {
        "the connection to corosync is lost again and again: \(withAdvice); if corosync or its libraries were updated, "
            + "restart vqwatch, and see the log of corosync (journalctl -u corosync)"
    }

    /// The diagnosis when a connection cannot be made. `provider` is the quorum provider, if that can be the reason.
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

    var diagnosisOfConfiguration: String { "cannot read the configuration: \(withAdvice)" }

    var diagnosisOfStatistics: String { "cannot read the statistics of totem and the links: \(withAdvice)" }
}

/// The diagnosis when a part of the maps is not read in time.
func diagnosis(ofLate part: String) -> String {
    "cannot read the \(part): corosync did not answer in time; \(CorosyncError.Code.timeout.advice)"
}

// MARK: - Errors and advice

extension CorosyncError {
    /// Whether no further request can succeed on the same connection.
    var endsConnection: Bool {
        isTransient || code == .libraryFailure || code == .badHandle || code == .connectionInterrupted
    }

    /// Whether corosync has refused a connection of this user, and has logged that as an error.
    var isRefusal: Bool { code == .accessDenied && isOfConnecting }

    private var isOfConnecting: Bool { operation == .votequorumInitialize || operation == .cmapInitialize }

    /// The error and ``advice``.
    var withAdvice: String {
        lacksDescriptors
            ? "too many open files (\(code) from \(operation.rawValue)); \(adviceOnOpenFiles)" : "\(self); \(advice)"
    }

    /// Whether a connection cannot be made because too few open files are allowed. The library usually returns the same
    /// error as if corosync did not run.
    var lacksDescriptors: Bool {
        guard isOfConnecting, code == .libraryFailure || code == .badHandle else { return false }
        // One connection of each library can be made at the same time, and needs three descriptors while it is made.
        return !areFreeDescriptors(6)
    }

    /// The advice to the user, without a full stop.
    var advice: String {
        // It may have been fenced: starting it again could do harm.
        code == .libraryFailure && isOfConnecting
            ? "see its state, and why it stopped if it was running (systemctl status corosync)" : code.advice
    }
}

extension CorosyncError.Code {
    /// The advice to the user, without a full stop.
    var advice: String {
        switch self {
        case .libraryFailure: "see whether corosync runs (systemctl status corosync)"
        case .version: "install corosync and its libraries from the same release"
        case .timeout: "see whether corosync hangs or the machine is overloaded (systemctl status corosync)"
        case .tryAgain, .busy, .queueFull, .queueNotAvailable: "corosync is busy: try again in a moment"
        case .noMemory: "see whether memory or /dev/shm is full (free, df /dev/shm)"
        case .noSpace: "see whether /dev/shm is full (df /dev/shm)"
        case .noResources:
            "see whether /dev/shm is full (df /dev/shm), and the log of corosync (journalctl -u corosync)"
        case .badHandle, .contextNotFound, .interrupt: "run vqwatch again, and see whether corosync was restarted"
        case .accessDenied:
            "run vqwatch as root, or allow this user in a uidgid section of corosync.conf (corosync.conf(5))"
        case .security: "see the uidgid sections of corosync.conf and the log of corosync (journalctl -u corosync)"
        case .doesNotExist, .nameNotFound: "see the nodes that corosync knows (corosync-quorumtool -l)"
        case .notSupported, .badFlags: "see the version of corosync, which must be 3.1.5 or later (corosync -v)"
        default: "see the log of corosync (journalctl -u corosync)"
        }
    }
}
