// SPDX-License-Identifier: MIT

extension CorosyncError: CustomStringConvertible {
    /// What is wrong, in words for people: no full stop, no function name.
    public var reason: String {
        switch (code, operation) {
        case (.library, .votequorumInitialize), (.library, .cmapInitialize): "corosync is not running"
        case (.library, .votequorumDispatch), (.library, .cmapDispatch): "the connection to corosync is lost"
        case (.access, .votequorumInitialize), (.access, .cmapInitialize): "this user may not connect to corosync"
        case (.notExist, .votequorumGetinfo): "votequorum has never seen this node"
        case (.invalidParameter, .votequorumSetexpected), (.invalidParameter, .votequorumSetvotes):
            "corosync refuses a value that would take quorum from the cluster"
        default: code.reason
        }
    }

    /// What the person who reads it can do about it: no full stop.
    public var advice: String {
        switch (code, operation) {
        case (.library, .votequorumInitialize):
            "start corosync, and see that its quorum provider is corosync_votequorum"
        case (.library, .cmapInitialize): "start corosync"
        default: code.advice
        }
    }

    /// `reason (CODE from function); advice`
    public var description: String { "\(reason) (\(code) from \(operation.rawValue)); \(advice)" }
}

extension CorosyncError.Code: CustomStringConvertible {
    /// The name of the C constant, as cs_strerror(3) gives it, or `CS_ERR_123` for a value without a name.
    public var description: String { entry?.name ?? "CS_ERR_\(rawValue)" }

    /// What the code means, in words for people.
    public var reason: String { entry?.reason ?? "corosync answered with an error this program does not know" }

    /// What the person who reads it can do about it.
    public var advice: String { entry?.advice ?? "look it up in corotypes.h of the corosync that is installed" }

    private var entry: (name: String, reason: String, advice: String)? {
        switch self {
        case .library:
            ("CS_ERR_LIBRARY", "corosync does not answer", "see whether corosync runs (systemctl status corosync)")
        case .version:
            ("CS_ERR_VERSION", "library and corosync speak different versions", "install both from the same release")
        case .initialization:
            ("CS_ERR_INIT", "the library could not be set up", "see corosync's log")
        case .timeout:
            ("CS_ERR_TIMEOUT", "corosync did not answer in time", "see whether corosync hangs or the machine is busy")
        case .tryAgain:
            ("CS_ERR_TRY_AGAIN", "corosync is busy or nothing is pending", "ask again in a moment")
        case .invalidParameter:
            ("CS_ERR_INVALID_PARAM", "corosync refuses an argument", "report it with the command that was run")
        case .noMemory:
            ("CS_ERR_NO_MEMORY", "there is not enough memory", "free memory, or look for full /dev/shm")
        case .badHandle:
            ("CS_ERR_BAD_HANDLE", "the connection is not open", "connect again")
        case .busy:
            ("CS_ERR_BUSY", "corosync is busy", "ask again in a moment")
        case .access:
            ("CS_ERR_ACCESS", "access is denied", "run as root, or add a uidgid entry for this user (corosync.conf(5))")
        case .notExist:
            ("CS_ERR_NOT_EXIST", "what was asked for does not exist", "check the name or the node ID")
        case .nameTooLong:
            ("CS_ERR_NAME_TOO_LONG", "a name is too long", "use at most 255 bytes")
        case .exist:
            ("CS_ERR_EXIST", "it exists already", "stop the old one first")
        case .noSpace:
            ("CS_ERR_NO_SPACE", "there is no space left", "free space in /dev/shm")
        case .interrupt:
            ("CS_ERR_INTERRUPT", "the call was interrupted", "ask again")
        case .nameNotFound:
            ("CS_ERR_NAME_NOT_FOUND", "there is no such name", "check the name or the node ID")
        case .noResources:
            ("CS_ERR_NO_RESOURCES", "corosync is out of resources", "look for used-up descriptors or full /dev/shm")
        case .notSupported:
            ("CS_ERR_NOT_SUPPORTED", "this corosync cannot do that", "install a newer corosync")
        case .badOperation:
            ("CS_ERR_BAD_OPERATION", "this is not possible now", "see corosync's log")
        case .failedOperation:
            ("CS_ERR_FAILED_OPERATION", "corosync failed to do it", "see corosync's log")
        case .messageError:
            ("CS_ERR_MESSAGE_ERROR", "a message was damaged or not understood", "connect again, and see corosync's log")
        case .queueFull:
            ("CS_ERR_QUEUE_FULL", "corosync's queue is full", "ask again in a moment")
        case .queueNotAvailable:
            ("CS_ERR_QUEUE_NOT_AVAILABLE", "corosync has no queue for this", "ask again in a moment")
        case .badFlags:
            ("CS_ERR_BAD_FLAGS", "corosync refuses the flags", "install a newer corosync")
        case .tooBig:
            ("CS_ERR_TOO_BIG", "a value is too big", "use a smaller one")
        case .noSections:
            ("CS_ERR_NO_SECTIONS", "there is nothing more", "stop asking")
        case .contextNotFound:
            ("CS_ERR_CONTEXT_NOT_FOUND", "there is no such context", "connect again")
        case .tooManyGroups:
            ("CS_ERR_TOO_MANY_GROUPS", "there are too many groups", "see corosync's log")
        case .security:
            ("CS_ERR_SECURITY", "corosync refuses for security", "see corosync's log and its uidgid entries")
        default: nil
        }
    }
}
