// SPDX-License-Identifier: MIT

import TestSupport

/// A value of `cs_error_t`.
struct Code: Hashable, Sendable, CustomStringConvertible {
    let name: String
    let number: Int

    var description: String { name }

    /// Every error of the corotypes.h that is installed, and one that it does not have.
    static let all = (StandIn.errors + [(name: "CS_ERR_77", number: 77)]).map { Code(name: $0.name, number: $0.number) }

    /// Corosync was busy: the same call can succeed a moment later.
    var isTransient: Bool {
        [
            "CS_ERR_TRY_AGAIN", "CS_ERR_BUSY", "CS_ERR_INTERRUPT", "CS_ERR_TIMEOUT", "CS_ERR_QUEUE_FULL",
            "CS_ERR_QUEUE_NOT_AVAILABLE",
        ].contains(name)
    }

    /// No request on the same connection can succeed any more.
    var endsConnection: Bool { name == "CS_ERR_LIBRARY" || name == "CS_ERR_BAD_HANDLE" }
}

/// The command of vqwatch, and its dispatch mode.
enum Form: String, Hashable, Sendable, CaseIterable {
    case statusAll = "status"
    case statusOne = "status, one"
    case statusOneNonblocking = "status, one-nonblocking"
    case followAll = "follow"
    case followOne = "follow, one"
    case followBlocking = "follow, blocking"
    case followOneNonblocking = "follow, one-nonblocking"

    static let statuses: [Form] = [.statusAll, .statusOne, .statusOneNonblocking]
    static let follows: [Form] = [.followAll, .followOne, .followBlocking, .followOneNonblocking]

    var mode: String {
        switch self {
        case .statusAll, .followAll: "all"
        case .statusOne, .followOne: "one"
        case .followBlocking: "blocking"
        case .statusOneNonblocking, .followOneNonblocking: "one-nonblocking"
        }
    }

    /// Whether the thread waits inside the library.
    var isHeld: Bool { self == .followOne || self == .followBlocking }

    var arguments: [String] {
        ["--json", "--dispatch", mode] + (Form.statuses.contains(self) ? [] : ["--follow"])
            + (isHeld || Form.statuses.contains(self) ? [] : ["--refresh", "0"])
    }
}

/// The phase in which the call fails.
enum Phase: String, Hashable, Sendable, CaseIterable {
    case start = "start-up and first status"
    case steady = "steady"
    case refresh = "steady, refresh"
    case reconnect = "reconnect"
}

/// A call of the library: the function, and which of its calls.
struct Call: Hashable, Sendable {
    /// Its name in the table.
    let title: String
    let function: String
    /// The number of the call, counted from the position of the fault in the script.
    let number: Int
    /// A condition for the stand-in, such as the node.
    let filter: String

    init(_ title: String, _ function: String, _ number: Int = 1, _ filter: String = "") {
        (self.title, self.function, self.number, self.filter) = (title, function, number, filter)
    }

    var isMap: Bool { function.hasPrefix("cmap") }

    func fault(_ code: Code) -> String { "fail \(function) \(number) \(code.number) \(filter)" }
}

/// One cell of the matrix.
struct Cell: Hashable, Sendable, CustomStringConvertible {
    let phase: Phase
    let form: Form
    let call: Call
    let code: Code

    var description: String { "\(call.title) gives \(code) in \(phase.rawValue) of \(form.rawValue)" }
}

/// How vqwatch has to handle an error.
enum Outcome: String, Hashable, Sendable, CaseIterable {
    /// The call is made again; the output is the same.
    case retried
    /// The error changes nothing; the output is the same.
    case ignored
    /// Exit 1, nothing printed, one diagnosis with the code, the function and what to do.
    case fails = "exit 1"
    /// Exit 75, nothing printed.
    case nothingPending = "exit 75"
    /// One diagnosis; names are null, and with `--follow` an `info` line has them later.
    case namesUnknown = "names null"
    /// No diagnosis, because the map merely has no such entry; the value is null.
    case nameMissing = "name null"
    /// No diagnosis; the votes of one node are null.
    case votesUnknown = "votes null"
    /// `disconnected`, then `status`.
    case reconnects = "disconnected"
    /// A diagnosis, and the status as soon as vqwatch is connected.
    case waits = "diagnosis"
}

/// The rules: how vqwatch has to handle each error.
func outcome(of cell: Cell) -> Outcome {
    let (call, code) = (cell.call, cell.code)
    // The connection is given up anyway.
    if call.function.hasSuffix("_finalize") && call.function != "cmap_iter_finalize" { return .ignored }
    if call.isMap {
        // These two are answers, not errors: the map has no such entry.
        if call.function == "cmap_get" && code.name == "CS_ERR_NOT_EXIST" { return .nameMissing }
        if call.function == "cmap_iter_next" && code.name == "CS_ERR_NO_SECTIONS" { return .nameMissing }
        if code.isTransient || cell.phase == .steady { return .retried }
        return .namesUnknown
    }
    let lost: Outcome =
        Form.statuses.contains(cell.form)
        ? .fails : cell.phase == .steady || cell.phase == .refresh ? .reconnects : .waits
    // A notification that was not delivered is lost, with any error.
    if call == .contextGetInCallback || call.title == Call.contextGetInCallback.title { return lost }
    if call.title == Call.contextSetAfter.title && cell.form == .statusAll { return .ignored }
    if call.function == "votequorum_dispatch" && cell.form == .statusOneNonblocking && code.name == "CS_ERR_TRY_AGAIN" {
        return .nothingPending
    }
    if code.isTransient { return .retried }
    if call.title == Call.getinfoNode.title && !code.endsConnection { return .votesUnknown }
    return lost
}

extension Call {
    static let initialize = Call("votequorum_initialize", "votequorum_initialize")
    static let fdGet = Call("votequorum_fd_get", "votequorum_fd_get")
    static let trackstart = Call("votequorum_trackstart", "votequorum_trackstart")
    static let dispatch = Call("votequorum_dispatch", "votequorum_dispatch")
    static let contextGet = Call("votequorum_context_get", "votequorum_context_get")
    static let contextGetInCallback = Call("votequorum_context_get in a callback", "votequorum_context_get", 2)
    static let contextSet = Call("votequorum_context_set", "votequorum_context_set")
    static let contextSetAfter = Call("votequorum_context_set after a dispatch", "votequorum_context_set", 2)
    static let getinfo = Call("votequorum_getinfo", "votequorum_getinfo")
    static let getinfoNode = Call("votequorum_getinfo of one node", "votequorum_getinfo", 1, "node=2")
    static let finalize = Call("votequorum_finalize", "votequorum_finalize")
    static let mapInitialize = Call("cmap_initialize_map", "cmap_initialize_map", 1, "key=icmap")
    static let mapTrackAdd = Call("cmap_track_add", "cmap_track_add")
    static let mapFdGet = Call("cmap_fd_get", "cmap_fd_get")
    static let mapIterInit = Call("cmap_iter_init", "cmap_iter_init")
    static let mapIterNext = Call("cmap_iter_next", "cmap_iter_next")
    static let mapIterFinalize = Call("cmap_iter_finalize", "cmap_iter_finalize")
    static let mapGet = Call("cmap_get", "cmap_get", 1, "key=nodelist.node.1.name")
    static let mapDispatch = Call("cmap_dispatch", "cmap_dispatch")
    static let mapContextGet = Call("cmap_context_get", "cmap_context_get")
    static let mapContextGetInCallback = Call("cmap_context_get in a callback", "cmap_context_get", 2)
    static let mapContextSet = Call("cmap_context_set", "cmap_context_set")
    static let mapContextSetAfter = Call("cmap_context_set after a dispatch", "cmap_context_set", 2)
    static let mapFinalize = Call("cmap_finalize", "cmap_finalize")

    /// The calls that read the names, which are made at every start.
    static let mapReading = [mapIterInit, mapIterNext, mapIterFinalize, mapGet]

    func at(_ number: Int) -> Call { Call(title, function, number, filter) }
}

/// The calls that a run makes in a phase, with their numbers there.
func calls(in phase: Phase, of form: Form) -> [Call] {
    switch phase {
    case .start:
        let quorum: [Call] = [
            .initialize, .fdGet, .trackstart, .dispatch, .contextGet, .contextGetInCallback, .contextSet, .getinfo,
            .getinfoNode,
        ]
        let map: [Call] = [.mapInitialize, .mapFdGet] + Call.mapReading
        switch form {
        case .statusAll: return quorum + [.contextSetAfter, .finalize, .mapFinalize] + map
        case .statusOne, .statusOneNonblocking: return quorum + [.contextSetAfter, .finalize]
        case .followAll: return quorum + map + [.mapTrackAdd]
        // Another thread reads the map, the same in every mode.
        case .followOne, .followBlocking, .followOneNonblocking: return quorum
        }
    case .steady:
        switch form {
        case .followAll, .followOneNonblocking:
            return [
                .dispatch, .contextGet, .contextGetInCallback, .contextSet, .contextSetAfter, .getinfo, .getinfoNode,
            ]
        case .followOne:
            // The thread waits inside the library, so the callback comes first.
            return [
                .dispatch, .contextGet.at(2), .contextGetInCallback.at(1), .contextSet.at(2), .contextSetAfter.at(1),
                .getinfo, .getinfoNode,
            ]
        // The dispatch never returns.
        case .followBlocking: return [.contextGetInCallback.at(1), .getinfo, .getinfoNode]
        default: return []
        }
    case .refresh: return [.followAll, .followOneNonblocking].contains(form) ? [.getinfo, .getinfoNode] : []
    case .reconnect:
        guard Form.follows.contains(form) else { return [] }
        // A thread that polls makes one more dispatch on the old connection, which reports the hang-up.
        let more = form.isHeld ? 0 : 1
        return [
            .initialize, .fdGet, .trackstart, .dispatch.at(1 + more), .contextGet.at(1 + more),
            .contextGetInCallback.at(2 + more), .contextSet.at(2 + more), .getinfo, .getinfoNode, .finalize,
        ]
    }
}
