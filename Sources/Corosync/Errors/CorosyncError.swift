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
    /// A value of `cs_error_t` other than `CS_OK`, or ``connectionInterrupted``. Values without a name are kept.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The value of the C constant.
        public let rawValue: UInt32

        /// A code from the value of its C constant.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        init(_ error: cs_error_t) { rawValue = UInt32(error.rawValue) }

        /// `CS_ERR_LIBRARY`
        public static let libraryFailure = Code(CS_ERR_LIBRARY)
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
        public static let accessDenied = Code(CS_ERR_ACCESS)
        /// `CS_ERR_NOT_EXIST`
        public static let doesNotExist = Code(CS_ERR_NOT_EXIST)
        /// `CS_ERR_NAME_TOO_LONG`
        public static let nameTooLong = Code(CS_ERR_NAME_TOO_LONG)
        /// `CS_ERR_EXIST`
        public static let alreadyExists = Code(CS_ERR_EXIST)
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

        /// The connection was ended by ``Interrupter/interrupt()`` of this process. No code of corosync, which returns
        /// `CS_ERR_LIBRARY` then, as when it has exited.
        public static let connectionInterrupted = Code(rawValue: .max)

        /// Every code that `corotypes.h` names, by value.
        public static let named: [Code] = [
            .libraryFailure, .version, .initialization, .timeout, .tryAgain, .invalidParameter, .noMemory, .badHandle,
            .busy, .accessDenied, .doesNotExist, .nameTooLong, .alreadyExists, .noSpace, .interrupt, .nameNotFound,
            .noResources, .notSupported, .badOperation, .failedOperation, .messageError, .queueFull, .queueNotAvailable,
            .badFlags, .tooBig, .noSections, .contextNotFound, .tooManyGroups, .security,
        ]
    }

    /// A function of the C libraries. Functions this module has no name for are kept.
    public struct Operation: RawRepresentable, Hashable, Sendable {
        /// The name of the C function.
        public let rawValue: String

        /// A function from its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// votequorum_initialize(3)
        public static let votequorumInitialize = Operation(rawValue: "votequorum_initialize")
        /// votequorum_fd_get(3)
        public static let votequorumFdGet = Operation(rawValue: "votequorum_fd_get")
        /// votequorum_dispatch(3)
        public static let votequorumDispatch = Operation(rawValue: "votequorum_dispatch")
        /// votequorum_trackstart(3)
        public static let votequorumTrackstart = Operation(rawValue: "votequorum_trackstart")
        /// votequorum_trackstop(3)
        public static let votequorumTrackstop = Operation(rawValue: "votequorum_trackstop")
        /// votequorum_getinfo(3)
        public static let votequorumGetinfo = Operation(rawValue: "votequorum_getinfo")
        /// votequorum_setexpected(3)
        public static let votequorumSetexpected = Operation(rawValue: "votequorum_setexpected")
        /// votequorum_setvotes(3)
        public static let votequorumSetvotes = Operation(rawValue: "votequorum_setvotes")
        /// votequorum_qdevice_register(3)
        public static let votequorumQdeviceRegister = Operation(rawValue: "votequorum_qdevice_register")
        /// votequorum_qdevice_unregister(3)
        public static let votequorumQdeviceUnregister = Operation(rawValue: "votequorum_qdevice_unregister")
        /// votequorum_qdevice_update(3)
        public static let votequorumQdeviceUpdate = Operation(rawValue: "votequorum_qdevice_update")
        /// votequorum_qdevice_poll(3)
        public static let votequorumQdevicePoll = Operation(rawValue: "votequorum_qdevice_poll")
        /// votequorum_qdevice_master_wins(3)
        public static let votequorumQdeviceMasterWins = Operation(rawValue: "votequorum_qdevice_master_wins")
        /// votequorum_context_get(3)
        public static let votequorumContextGet = Operation(rawValue: "votequorum_context_get")
        /// votequorum_context_set(3)
        public static let votequorumContextSet = Operation(rawValue: "votequorum_context_set")
        /// cmap_initialize_map(3)
        public static let cmapInitialize = Operation(rawValue: "cmap_initialize_map")
        /// cmap_fd_get(3)
        public static let cmapFdGet = Operation(rawValue: "cmap_fd_get")
        /// cmap_dispatch(3)
        public static let cmapDispatch = Operation(rawValue: "cmap_dispatch")
        /// cmap_get(3)
        public static let cmapGet = Operation(rawValue: "cmap_get")
        /// cmap_set(3)
        public static let cmapSet = Operation(rawValue: "cmap_set")
        /// cmap_delete(3)
        public static let cmapDelete = Operation(rawValue: "cmap_delete")
        /// cmap_inc(3)
        public static let cmapInc = Operation(rawValue: "cmap_inc")
        /// cmap_dec(3)
        public static let cmapDec = Operation(rawValue: "cmap_dec")
        /// cmap_iter_init(3)
        public static let cmapIterInit = Operation(rawValue: "cmap_iter_init")
        /// cmap_iter_next(3)
        public static let cmapIterNext = Operation(rawValue: "cmap_iter_next")
        /// cmap_iter_finalize(3)
        public static let cmapIterFinalize = Operation(rawValue: "cmap_iter_finalize")
        /// cmap_track_add(3)
        public static let cmapTrackAdd = Operation(rawValue: "cmap_track_add")
        /// cmap_track_delete(3)
        public static let cmapTrackDelete = Operation(rawValue: "cmap_track_delete")
        /// cmap_context_get(3)
        public static let cmapContextGet = Operation(rawValue: "cmap_context_get")
        /// cmap_context_set(3)
        public static let cmapContextSet = Operation(rawValue: "cmap_context_set")
    }
}

/// Makes a call that needs no open connection: see ``Interrupter/check(_:_:)`` for the others.
@inline(__always)
func check(_ operation: CorosyncError.Operation, _ result: cs_error_t) throws(CorosyncError) {
    guard result == CS_OK else { throw CorosyncError(result, operation) }
}
