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
        case (.libraryFailure, .votequorumInitialize):
            "start corosync, and see that its quorum provider is corosync_votequorum"
        case (.libraryFailure, .cmapInitialize): "start corosync"
        default: code.advice
        }
    }
}

extension CorosyncError.Code {
    /// What the user can do about the error, without a full stop.
    var advice: String {
        switch self {
        case .libraryFailure:
            "see whether corosync runs (systemctl status corosync)"
        case .version:
            "install corosync and its libraries from the same release"
        case .initialization, .badOperation, .failedOperation, .alreadyExists, .tooManyGroups:
            "see corosync's log"
        case .timeout:
            "see whether corosync hangs or the machine is busy"
        case .tryAgain, .busy, .queueFull, .queueNotAvailable:
            "try again in a moment"
        case .invalidParameter, .noSections:
            "report this error, with the command line"
        case .noMemory:
            "free memory, or see whether /dev/shm is full"
        case .badHandle, .contextNotFound:
            "connect again"
        case .accessDenied:
            "run as root, or add a uidgid entry for this user (corosync.conf(5))"
        case .doesNotExist, .nameNotFound:
            "check the name or the node ID"
        case .nameTooLong:
            "use at most 255 bytes"
        case .noSpace:
            "free space in /dev/shm"
        case .interrupt:
            "try again"
        case .noResources:
            "see whether corosync has no free descriptors or /dev/shm is full"
        case .notSupported, .badFlags:
            "install a newer corosync"
        case .messageError:
            "connect again, and see corosync's log"
        case .tooBig:
            "use a smaller value"
        case .security:
            "see corosync's log and its uidgid entries"
        default: "look up the error in corotypes.h of the installed corosync"
        }
    }
}
