// SPDX-License-Identifier: MIT

internal import CCorosync

/// What every function of this module throws: a call to a corosync library that did not return `CS_OK`.
public struct CorosyncError: Error, Hashable, Sendable {
    /// What the library returned.
    public let code: Code
    /// The function that returned it.
    public let operation: Operation

    /// An error from its parts.
    public init(code: Code, operation: Operation) {
        self.code = code
        self.operation = operation
    }

    /// Whether the same call can succeed a moment later: corosync was busy, or starting, or synchronising.
    public var isTransient: Bool {
        switch code {
        case .tryAgain, .busy, .interrupt, .timeout, .queueFull, .queueNotAvailable: true
        default: false
        }
    }
}

extension CorosyncError {
    /// A value of `cs_error_t` other than `CS_OK`. Values this module has no name for are kept.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The value of the C constant.
        public let rawValue: UInt32

        /// A code from the value of its C constant.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// `CS_ERR_LIBRARY`
        public static let library = Code(rawValue: 2)
        /// `CS_ERR_VERSION`
        public static let version = Code(rawValue: 3)
        /// `CS_ERR_INIT`
        public static let initialization = Code(rawValue: 4)
        /// `CS_ERR_TIMEOUT`
        public static let timeout = Code(rawValue: 5)
        /// `CS_ERR_TRY_AGAIN`
        public static let tryAgain = Code(rawValue: 6)
        /// `CS_ERR_INVALID_PARAM`
        public static let invalidParameter = Code(rawValue: 7)
        /// `CS_ERR_NO_MEMORY`
        public static let noMemory = Code(rawValue: 8)
        /// `CS_ERR_BAD_HANDLE`
        public static let badHandle = Code(rawValue: 9)
        /// `CS_ERR_BUSY`
        public static let busy = Code(rawValue: 10)
        /// `CS_ERR_ACCESS`
        public static let access = Code(rawValue: 11)
        /// `CS_ERR_NOT_EXIST`
        public static let notExist = Code(rawValue: 12)
        /// `CS_ERR_NAME_TOO_LONG`
        public static let nameTooLong = Code(rawValue: 13)
        /// `CS_ERR_EXIST`
        public static let exist = Code(rawValue: 14)
        /// `CS_ERR_NO_SPACE`
        public static let noSpace = Code(rawValue: 15)
        /// `CS_ERR_INTERRUPT`
        public static let interrupt = Code(rawValue: 16)
        /// `CS_ERR_NAME_NOT_FOUND`
        public static let nameNotFound = Code(rawValue: 17)
        /// `CS_ERR_NO_RESOURCES`
        public static let noResources = Code(rawValue: 18)
        /// `CS_ERR_NOT_SUPPORTED`
        public static let notSupported = Code(rawValue: 19)
        /// `CS_ERR_BAD_OPERATION`
        public static let badOperation = Code(rawValue: 20)
        /// `CS_ERR_FAILED_OPERATION`
        public static let failedOperation = Code(rawValue: 21)
        /// `CS_ERR_MESSAGE_ERROR`
        public static let messageError = Code(rawValue: 22)
        /// `CS_ERR_QUEUE_FULL`
        public static let queueFull = Code(rawValue: 23)
        /// `CS_ERR_QUEUE_NOT_AVAILABLE`
        public static let queueNotAvailable = Code(rawValue: 24)
        /// `CS_ERR_BAD_FLAGS`
        public static let badFlags = Code(rawValue: 25)
        /// `CS_ERR_TOO_BIG`
        public static let tooBig = Code(rawValue: 26)
        /// `CS_ERR_NO_SECTIONS`
        public static let noSections = Code(rawValue: 27)
        /// `CS_ERR_CONTEXT_NOT_FOUND`
        public static let contextNotFound = Code(rawValue: 28)
        /// `CS_ERR_TOO_MANY_GROUPS`
        public static let tooManyGroups = Code(rawValue: 30)
        /// `CS_ERR_SECURITY`
        public static let security = Code(rawValue: 100)

        /// Every code that `corotypes.h` names, by value.
        public static let named: [Code] = [
            .library, .version, .initialization, .timeout, .tryAgain, .invalidParameter, .noMemory, .badHandle, .busy,
            .access, .notExist, .nameTooLong, .exist, .noSpace, .interrupt, .nameNotFound, .noResources,
            .notSupported, .badOperation, .failedOperation, .messageError, .queueFull, .queueNotAvailable, .badFlags,
            .tooBig, .noSections, .contextNotFound, .tooManyGroups, .security,
        ]
    }

    /// The C function that failed; the raw value is its name.
    public enum Operation: String, Hashable, Sendable, CaseIterable {
        /// votequorum_initialize(3)
        case votequorumInitialize = "votequorum_initialize"
        /// votequorum_fd_get(3)
        case votequorumFdGet = "votequorum_fd_get"
        /// votequorum_dispatch(3)
        case votequorumDispatch = "votequorum_dispatch"
        /// votequorum_trackstart(3)
        case votequorumTrackstart = "votequorum_trackstart"
        /// votequorum_trackstop(3)
        case votequorumTrackstop = "votequorum_trackstop"
        /// votequorum_getinfo(3)
        case votequorumGetinfo = "votequorum_getinfo"
        /// votequorum_setexpected(3)
        case votequorumSetexpected = "votequorum_setexpected"
        /// votequorum_setvotes(3)
        case votequorumSetvotes = "votequorum_setvotes"
        /// votequorum_context_get(3)
        case votequorumContextGet = "votequorum_context_get"
        /// votequorum_context_set(3)
        case votequorumContextSet = "votequorum_context_set"
        /// cmap_initialize_map(3)
        case cmapInitialize = "cmap_initialize_map"
        /// cmap_fd_get(3)
        case cmapFdGet = "cmap_fd_get"
        /// cmap_dispatch(3)
        case cmapDispatch = "cmap_dispatch"
        /// cmap_get(3)
        case cmapGet = "cmap_get"
        /// cmap_iter_init(3)
        case cmapIterInit = "cmap_iter_init"
        /// cmap_iter_next(3)
        case cmapIterNext = "cmap_iter_next"
        /// cmap_iter_finalize(3)
        case cmapIterFinalize = "cmap_iter_finalize"
        /// cmap_track_add(3)
        case cmapTrackAdd = "cmap_track_add"
        /// cmap_track_delete(3)
        case cmapTrackDelete = "cmap_track_delete"
        /// cmap_context_get(3)
        case cmapContextGet = "cmap_context_get"
        /// cmap_context_set(3)
        case cmapContextSet = "cmap_context_set"
    }
}

/// Every call to a corosync library goes through here: an imported C function's result may be dropped without a
/// warning, and a dropped `cs_error_t` is a lie waiting to be printed.
@inline(__always)
func check(_ operation: CorosyncError.Operation, _ result: cs_error_t) throws(CorosyncError) {
    guard result == CS_OK else {
        throw CorosyncError(code: .init(rawValue: UInt32(result.rawValue)), operation: operation)
    }
}
