// SPDX-License-Identifier: MIT

public import Corosync

/// What a watch is to do.
public struct WatchPlan: Hashable, Sendable {
    /// Whether it goes on after the first event, or the first look in the mode.
    public var follows = false
    /// How notifications are taken off corosync.
    public var mode = DispatchMode.all
    /// Whether the state at the start is not printed.
    public var changesOnly = false
    /// The kinds of events to print.
    public var kinds = Set(EventKind.allCases)
    /// End after this many events.
    public var limit: Int?
    /// End after this long, whatever happens.
    public var timeout: Duration?
    /// How often to read what changes without a notification; nil: never.
    public var refresh: Duration?
    /// Whether to wait for corosync when the connection is lost or cannot be made.
    public var reconnects = false
    /// The form of the output.
    public var format = OutputFormat.text(color: false)
    /// Print nothing until all of these hold, then the status of that moment; empty: do not wait.
    public var conditions: [Condition] = []
    /// Print a prediction for the failure of these nodes instead of the status; empty: print the status.
    public var ifDown: [NodeSelector] = []
    /// Print the status as a monitoring plugin does; nil: in the format.
    public var check: CheckFormat?
    /// The file to keep for the textfile collector of node_exporter.
    public var metricsFile: String?
    /// The command to run for every event, and its arguments; empty: none.
    public var command: [String] = []

    /// A plan to print the status once.
    public init() {}

    /// Whether more is needed than whether the cluster is quorate: the configuration, and what votequorum says of each node.
    var needsDetails: Bool { check != nil || follows || format != .quiet || !ifDown.isEmpty }

    /// Whether an output contains predictions.
    var predictsLosses: Bool {
        switch format {
        case .text, .journal, .live, .prometheus: check == nil
        case .json, .quiet: !ifDown.isEmpty || metricsFile != nil
        }
    }

    /// Whether the first event that is printed is the last.
    var printsOnce: Bool { !follows || !conditions.isEmpty }

    /// What the state has to fulfil before anything is printed; nil: every event is printed.
    var trigger: StatusTrigger? {
        if !conditions.isEmpty { return StatusTrigger(conditions) }
        if !ifDown.isEmpty { return StatusTrigger(ifDown: ifDown) }
        // A status in the middle of a recalculation would be that of the past.
        return follows || changesOnly ? nil : StatusTrigger()
    }
}
