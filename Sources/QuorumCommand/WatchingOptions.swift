// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import QuorumWatch

/// How to watch.
struct WatchingOptions: ParsableArguments {
    @Option(
        name: .customLong("dispatch"),
        help: ArgumentHelp(
            "How to dispatch notifications from corosync: all (the default), one, blocking or one-nonblocking.",
            valueName: "MODE"))
    var dispatch = DispatchArgument.all

    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("timeout")],
        help: ArgumentHelp(
            "Give up after this long (default: 10s; with --follow, --live and --wait-for: never).",
            valueName: "DURATION"),
        transform: parseDuration)
    var timeout: Duration?

    @Option(
        name: .customLong("refresh"),
        help: ArgumentHelp(
            """
            With --follow, --live and --wait-for, how often to read what votequorum changes without a notification (5s; 0: \
            never). Not possible with --dispatch one and --dispatch blocking.
            """, valueName: "DURATION"),
        transform: parseDuration)
    var refresh: Duration?

    @Flag(
        name: .customLong("no-reconnect"),
        help: "With --follow, --live and --wait-for, exit 1 when the connection is lost or cannot be made.")
    var noReconnect = false

    func validate() throws {
        if timeout == .zero { throw ValidationError("--timeout must be more than 0") }
        if let refresh, refresh > .zero, dispatch.mode.waitsItself {
            throw ValidationError(
                "--refresh is not possible with --dispatch \(dispatch.rawValue): the library holds the thread")
        }
    }
}
