// SPDX-License-Identifier: MIT

internal import CCorosync

/// A call to a corosync library that did not return `CS_OK`.
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

    init(_ result: cs_error_t, _ operation: Operation) { self.init(code: Code(result), operation: operation) }

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

        init(_ error: cs_error_t) { rawValue = UInt32(error.rawValue) }

        /// `CS_ERR_LIBRARY`
        public static let library = Code(CS_ERR_LIBRARY)
        /// `CS_ERR_VERSION`
        public static let version = Code(CS_ERR_VERSION)
        /// `CS_ERR_INIT`
        public static let initialization = Code(CS_ERR_INIT)
        /// `CS_ERR_TIMEOUT`
        public static let timeout = Code(CS_ERR_TIMEOUT)
        /// `CS_ERR_TRY_AGAIN`
        public static let tryAgain = Code(CS_ERR_TRY_AGAIN)
        /// `CS_ERR_INVALID_PARAM`
        public static let invalidParameter = Code(CS_ERR_INVALID_PARAM)
        /// `CS_ERR_NO_MEMORY`
        public static let noMemory = Code(CS_ERR_NO_MEMORY)
        /// `CS_ERR_BAD_HANDLE`
        public static let badHandle = Code(CS_ERR_BAD_HANDLE)
        /// `CS_ERR_BUSY`
        public static let busy = Code(CS_ERR_BUSY)
        /// `CS_ERR_ACCESS`
        public static let access = Code(CS_ERR_ACCESS)
        /// `CS_ERR_NOT_EXIST`
        public static let notExist = Code(CS_ERR_NOT_EXIST)
        /// `CS_ERR_NAME_TOO_LONG`
        public static let nameTooLong = Code(CS_ERR_NAME_TOO_LONG)
        /// `CS_ERR_EXIST`
        public static let exist = Code(CS_ERR_EXIST)
        /// `CS_ERR_NO_SPACE`
        public static let noSpace = Code(CS_ERR_NO_SPACE)
        /// `CS_ERR_INTERRUPT`
        public static let interrupt = Code(CS_ERR_INTERRUPT)
        /// `CS_ERR_NAME_NOT_FOUND`
        public static let nameNotFound = Code(CS_ERR_NAME_NOT_FOUND)
        /// `CS_ERR_NO_RESOURCES`
        public static let noResources = Code(CS_ERR_NO_RESOURCES)
        /// `CS_ERR_NOT_SUPPORTED`
        public static let notSupported = Code(CS_ERR_NOT_SUPPORTED)
        /// `CS_ERR_BAD_OPERATION`
        public static let badOperation = Code(CS_ERR_BAD_OPERATION)
        /// `CS_ERR_FAILED_OPERATION`
        public static let failedOperation = Code(CS_ERR_FAILED_OPERATION)
        /// `CS_ERR_MESSAGE_ERROR`
        public static let messageError = Code(CS_ERR_MESSAGE_ERROR)
        /// `CS_ERR_QUEUE_FULL`
        public static let queueFull = Code(CS_ERR_QUEUE_FULL)
        /// `CS_ERR_QUEUE_NOT_AVAILABLE`
        public static let queueNotAvailable = Code(CS_ERR_QUEUE_NOT_AVAILABLE)
        /// `CS_ERR_BAD_FLAGS`
        public static let badFlags = Code(CS_ERR_BAD_FLAGS)
        /// `CS_ERR_TOO_BIG`
        public static let tooBig = Code(CS_ERR_TOO_BIG)
        /// `CS_ERR_NO_SECTIONS`
        public static let noSections = Code(CS_ERR_NO_SECTIONS)
        /// `CS_ERR_CONTEXT_NOT_FOUND`
        public static let contextNotFound = Code(CS_ERR_CONTEXT_NOT_FOUND)
        /// `CS_ERR_TOO_MANY_GROUPS`
        public static let tooManyGroups = Code(CS_ERR_TOO_MANY_GROUPS)
        /// `CS_ERR_SECURITY`
        public static let security = Code(CS_ERR_SECURITY)

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
        /// votequorum_qdevice_register(3)
        case votequorumQdeviceRegister = "votequorum_qdevice_register"
        /// votequorum_qdevice_unregister(3)
        case votequorumQdeviceUnregister = "votequorum_qdevice_unregister"
        /// votequorum_qdevice_update(3)
        case votequorumQdeviceUpdate = "votequorum_qdevice_update"
        /// votequorum_qdevice_poll(3)
        case votequorumQdevicePoll = "votequorum_qdevice_poll"
        /// votequorum_qdevice_master_wins(3)
        case votequorumQdeviceMasterWins = "votequorum_qdevice_master_wins"
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
        /// cmap_set(3)
        case cmapSet = "cmap_set"
        /// cmap_delete(3)
        case cmapDelete = "cmap_delete"
        /// cmap_inc(3)
        case cmapInc = "cmap_inc"
        /// cmap_dec(3)
        case cmapDec = "cmap_dec"
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
    guard result == CS_OK else { throw CorosyncError(result, operation) }
}
