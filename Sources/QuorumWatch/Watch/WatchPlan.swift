// SPDX-License-Identifier: MIT

package import Corosync

/// The options of a watch.
package struct WatchPlan: Hashable, Sendable {
    /// Whether the watch continues after the first event.
    package var follows = false
    /// How notifications are dispatched.
    package var mode = DispatchMode.all
    /// Whether to print only changes, without the status at the start.
    package var changesOnly = false
    /// The kinds of events to print.
    package var kinds = Set(EventKind.allCases)
    /// The number of events after which the watch ends; nil: no limit.
    package var limit: Int?
    /// The duration after which the watch ends in any case; nil: no limit.
    package var timeout: Duration?
    /// How often to read values that change without a notification; nil: never.
    package var refresh: Duration?
    /// Whether to wait for corosync when the connection is lost or cannot be made.
    package var reconnects = false
    /// The format of the output.
    package var format = OutputFormat.text(color: false)
    /// Print nothing until all of these hold, and then the status; empty: do not wait.
    package var conditions: [Condition] = []
    /// Print a prediction for the failure of these nodes instead of the status; empty: print the status.
    package var ifDown: [NodeSelector] = []
    /// Print the status as a monitoring plugin does; nil: in ``format``.
    package var check: CheckFormat?
    /// The file to write for the textfile collector of node_exporter; nil: none.
    package var metricsFile: String?
    /// Whether to read the links and the counters.
    package var links = false
    /// The command to run for every event, and its arguments; empty: none.
    package var command: [String] = []

    /// A plan to print the status once.
    package init() {}

    /// Whether the configuration and the votes of each node are needed, not only whether the cluster is quorate.
    var needsDetails: Bool { check != nil || follows || format != .quiet || !ifDown.isEmpty }

    /// Whether an output contains predictions.
    var predictsIfDown: Bool {
        switch format {
        case .text, .journal, .live, .prometheus: check == nil
        case .json, .quiet: !ifDown.isEmpty || metricsFile != nil
        }
    }

    /// Whether the statistics map is needed.
    var needsStatistics: Bool { links && needsDetails }

    /// Whether the first event that is printed is the last.
    var printsOnce: Bool { !follows || !conditions.isEmpty }

    /// The trigger that replaces all events by one; nil: every event is printed.
    var trigger: StatusTrigger? {
        if !conditions.isEmpty { return StatusTrigger(conditions) }
        if !ifDown.isEmpty { return StatusTrigger(ifDown: ifDown) }
        // During a recalculation, the status would be outdated.
        return follows || changesOnly ? nil : StatusTrigger()
    }
}
