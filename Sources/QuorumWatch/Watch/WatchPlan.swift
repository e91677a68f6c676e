// SPDX-License-Identifier: MIT

package import Corosync

/// The options of a watch.
package struct WatchPlan: Hashable, Sendable {
    /// What the watch is for.
    package enum Task: Hashable, Sendable {
        /// Print the status once; `links`: with a table of the links.
        case status(links: Bool)
        /// Print the line of a monitoring plugin.
        case check
        /// Print the status when all of these hold.
        case waitFor([Condition])
        /// Print a prediction for the failure of these nodes.
        case ifDown([NodeSelector])
        /// Print the status, then every change.
        case follow
        /// Show a page on the terminal.
        case live
    }

    package var task = Task.status(links: false)
    package var mode = DispatchMode.all
    /// Whether the status at the start is not printed.
    package var changesOnly = false
    package var kinds = Set(EventKind.allCases)
    /// The number of events after which the watch ends; nil: no limit.
    package var limit: Int?
    /// The duration after which the watch ends in any case; nil: no limit.
    package var timeout: Duration?
    /// How often to read values that change without a notification; nil: never.
    package var refresh: Duration?
    /// Whether to wait for corosync when the connection is lost or cannot be made.
    package var reconnects = false
    package var format = OutputFormat.text(color: false)
    package var requirements = Requirements()
    /// The file to write for the textfile collector of node_exporter; nil: none.
    package var metricsFile: String?
    /// The command to run for every event, and its arguments, as C strings; empty: none.
    package var command: [[CChar]] = []

    /// A plan to print the status once.
    package init() {}
}

extension WatchPlan {
    /// Whether the watch continues after the first state.
    package var follows: Bool {
        switch task {
        case .follow, .live, .waitFor: true
        case .status, .check, .ifDown: false
        }
    }

    package var isCheck: Bool { task == .check }

    /// Whether the watch prints a result that somebody waits for.
    package var printsResult: Bool {
        switch task {
        case .status, .check, .waitFor, .ifDown: true
        case .follow, .live: false
        }
    }

    /// Whether the problems of one state are printed, or decide on the exit status.
    var printsProblems: Bool {
        switch task {
        case .status, .check: printsOnce
        case .waitFor, .ifDown, .follow, .live: false
        }
    }

    /// Whether the first event that is printed is the last.
    var printsOnce: Bool { trigger != nil }

    /// Whether the configuration and the votes of each node are needed, not only whether the cluster is quorate.
    var needsDetails: Bool {
        if case .status = task { return format != .quiet }
        return true
    }

    /// Whether an output contains the links, or a problem of them.
    var needsLinks: Bool {
        switch task {
        case .status(let links): links || format == .prometheus || requirements.links != nil
        case .check, .follow, .live: true
        case .waitFor, .ifDown: false
        }
    }

    /// Whether an output contains what corosync counts.
    var needsCounters: Bool { follows || format == .prometheus }

    /// Whether an output contains predictions.
    var predictsIfDown: Bool {
        switch task {
        case .check: false
        case .status, .waitFor: format != .quiet
        case .ifDown, .live: true
        case .follow: format != .quiet || metricsFile != nil || !command.isEmpty
        }
    }

    /// The trigger that replaces all events by one; nil: every event is printed.
    var trigger: StatusTrigger? {
        switch task {
        // Until it is settled, the status would be outdated.
        case .status: changesOnly ? nil : StatusTrigger()
        case .check: StatusTrigger()
        case .waitFor(let conditions): StatusTrigger(conditions)
        case .ifDown(let nodes): StatusTrigger(ifDown: nodes)
        case .follow, .live: nil
        }
    }
}

extension DispatchMode {
    /// Whether the dispatch function blocks until a notification comes, so that requests can be made only in a callback.
    package var waitsItself: Bool { self == .one || self == .blocking }
}
