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

    /// The file to keep for the textfile collector of node_exporter.
    public var metricsFile: String?
    /// The command to run for every event, and its arguments; empty: none.
    public var command: [String] = []

    /// A plan to print the status once.
    public init() {}

    /// Whether anything but whether the cluster is quorate is shown.
    var showsDetails: Bool { follows || format != .quiet }
}
