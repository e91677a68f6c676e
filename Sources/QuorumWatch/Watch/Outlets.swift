// SPDX-License-Identifier: MIT

/// Where what is learned goes besides standard output. None of them ever makes the one who records wait.
struct Outlets: Sendable {
    /// For whoever shows the state: the metrics file and the service manager.
    var survey: Latest<Survey>?
    /// For the command that is run for every event.
    var command: EventQueue?
}
