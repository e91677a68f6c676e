// SPDX-License-Identifier: MIT

extension CorosyncError: CustomStringConvertible {
    /// What is wrong, in words for people: no full stop, no function name.
    public var reason: String {
        switch (code, operation) {
        case (.libraryFailure, .votequorumInitialize), (.libraryFailure, .cmapInitialize): "corosync is not running"
        case (.libraryFailure, .votequorumDispatch), (.libraryFailure, .cmapDispatch):
            "the connection to corosync is lost"
        case (.accessDenied, .votequorumInitialize), (.accessDenied, .cmapInitialize):
            "this user may not connect to corosync"
        case (.doesNotExist, .votequorumGetinfo): "votequorum has never seen this node"
        case (.invalidParameter, .votequorumSetexpected), (.invalidParameter, .votequorumSetvotes):
            "corosync refuses a value that would take quorum from the cluster"
        case (.alreadyExists, .votequorumTrackstart): "the tracking exists already"
        default: code.reason
        }
    }

    /// `reason (CODE from function)`
    public var description: String { "\(reason) (\(code) from \(operation.rawValue))" }
}

extension CorosyncError.Code: CustomStringConvertible {
    /// The name of the C constant, as cs_strerror(3) gives it, or `CS_ERR_123` for a value without a name.
    public var description: String { entry?.name ?? "CS_ERR_\(rawValue)" }

    /// What the code means, in words for people.
    public var reason: String { entry?.reason ?? "corosync answered with an error this program does not know" }

    private var entry: (name: String, reason: String)? {
        switch self {
        case .libraryFailure: ("CS_ERR_LIBRARY", "corosync does not answer")
        case .version: ("CS_ERR_VERSION", "library and corosync speak different versions")
        case .initialization: ("CS_ERR_INIT", "the library could not be set up")
        case .timeout: ("CS_ERR_TIMEOUT", "corosync did not answer in time")
        case .tryAgain: ("CS_ERR_TRY_AGAIN", "corosync is busy or nothing is pending")
        case .invalidParameter: ("CS_ERR_INVALID_PARAM", "corosync refuses an argument")
        case .noMemory: ("CS_ERR_NO_MEMORY", "there is not enough memory")
        case .badHandle: ("CS_ERR_BAD_HANDLE", "the connection is not open")
        case .busy: ("CS_ERR_BUSY", "corosync is busy")
        case .accessDenied: ("CS_ERR_ACCESS", "access is denied")
        case .doesNotExist: ("CS_ERR_NOT_EXIST", "what the request is about does not exist")
        case .nameTooLong: ("CS_ERR_NAME_TOO_LONG", "a name is too long")
        case .alreadyExists: ("CS_ERR_EXIST", "what is to be created exists already")
        case .noSpace: ("CS_ERR_NO_SPACE", "there is no space left")
        case .interrupt: ("CS_ERR_INTERRUPT", "the call was interrupted")
        case .nameNotFound: ("CS_ERR_NAME_NOT_FOUND", "there is no such name")
        case .noResources: ("CS_ERR_NO_RESOURCES", "corosync is out of resources")
        case .notSupported: ("CS_ERR_NOT_SUPPORTED", "this corosync does not support the request")
        case .badOperation: ("CS_ERR_BAD_OPERATION", "the request is not possible now")
        case .failedOperation: ("CS_ERR_FAILED_OPERATION", "corosync failed to fulfil the request")
        case .messageError: ("CS_ERR_MESSAGE_ERROR", "a message was damaged or not understood")
        case .queueFull: ("CS_ERR_QUEUE_FULL", "corosync's queue is full")
        case .queueNotAvailable: ("CS_ERR_QUEUE_NOT_AVAILABLE", "corosync has no queue for this")
        case .badFlags: ("CS_ERR_BAD_FLAGS", "corosync refuses the flags")
        case .tooBig: ("CS_ERR_TOO_BIG", "a value is too big")
        case .noSections: ("CS_ERR_NO_SECTIONS", "there is nothing more")
        case .contextNotFound: ("CS_ERR_CONTEXT_NOT_FOUND", "there is no such context")
        case .tooManyGroups: ("CS_ERR_TOO_MANY_GROUPS", "there are too many groups")
        case .security: ("CS_ERR_SECURITY", "corosync refuses for security")
        case .connectionInterrupted: ("INTERRUPTED", "this program has ended the connection")
        default: nil
        }
    }
}
