// SPDX-License-Identifier: MIT

internal import Corosync

extension CorosyncError {
    /// The error and ``advice``.
    var withAdvice: String {
        lacksDescriptors
            ? "too many open files (\(code) from \(operation.rawValue)); \(adviceOnOpenFiles)" : "\(self); \(advice)"
    }

    /// Whether a connection cannot be made because too few open files are allowed. The library usually returns the same
    /// error as if corosync did not run.
    var lacksDescriptors: Bool {
        guard operation == .votequorumInitialize || operation == .cmapInitialize,
            code == .libraryFailure || code == .badHandle
        else { return false }
        // One connection of each library can be made at the same time, and needs three descriptors while it is made.
        return !areFreeDescriptors(6)
    }

    /// What the user can do about the error, without a full stop.
    var advice: String {
        switch (code, operation) {
        case (.libraryFailure, .votequorumInitialize), (.libraryFailure, .cmapInitialize):
            // It may have been fenced: starting it again could do harm.
            "see its state, and why it stopped if it was running (systemctl status corosync)"
        default: code.advice
        }
    }
}

extension CorosyncError.Code {
    /// What the user can do about the error, without a full stop.
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
