// SPDX-License-Identifier: MIT

internal import Glibc

/// How a watch ended.
package enum Outcome: Hashable, Sendable {
    /// The requested number of events was printed; `quorate` is the value of the last status or prediction among them.
    case done(quorate: Bool?)
    /// The result of `--check` was printed.
    case checked(CheckStatus)
    /// No notification was pending, and the watch was not supposed to wait.
    case nothingPending
    /// The timeout expired; nil: nothing more was required.
    case timedOut(Obstacle?)
    /// The program received a signal to end it.
    case signal(CInt)
    case outputClosed
    case outputFailed(errorNumber: CInt)
    /// The command of `--exec` cannot be started; the diagnosis says why, and what to do.
    case commandFailed(String)
    /// The watch failed; the diagnosis says why, and what to do. `isConnected`: the connection is not the reason.
    case failed(String, isConnected: Bool = false)

    /// Why a required status was not printed before the timeout.
    package enum Obstacle: Hashable, Sendable {
        case noConnection
        case silence
        /// What votequorum says was outdated.
        case unsettled(UnsettledReason, hasDevice: Bool)
        /// The votes and the configuration may be of different moments.
        case reload
        /// These words say which conditions did not hold.
        case conditions(String)
        /// It was not written, because nobody reads it.
        case unreadOutput
    }

    /// If a watch has several reasons to end, the one with the highest rank is its outcome; of equal ones, the first.
    var rank: Int {
        switch self {
        case .nothingPending, .timedOut: 0
        case .failed: 1
        case .outputClosed, .outputFailed: 2
        // Everything is printed, so an earlier problem does not matter.
        case .done, .checked: 3
        case .commandFailed: 4
        // A signal has to be visible to its sender.
        case .signal: 5
        }
    }

    /// Why there is no status, and what to do; nil when one was printed, none was required, or corosync is connected.
    var reasonWithoutStatus: String? {
        switch self {
        case .timedOut(let obstacle): obstacle?.words
        case .failed(let diagnosis, let isConnected): isConnected ? nil : diagnosis
        case .done, .checked, .nothingPending, .signal, .outputClosed, .outputFailed, .commandFailed: nil
        }
    }

    /// What failed, why, and what to do, for standard error; nil when nothing failed. `task` is what the watch was for.
    func diagnosis(of task: WatchPlan.Task) -> String? {
        switch self {
        case .failed(let diagnosis, _), .commandFailed(let diagnosis): diagnosis
        case .outputFailed(let error): diagnosisOfOutput(error)
        case .timedOut(let obstacle?): "\(task.wordsAtTimeout): \(obstacle.words)"
        case .done, .checked, .nothingPending, .signal, .outputClosed, .timedOut(nil): nil
        }
    }
}

/// The diagnosis of an output that cannot be written: the reason is this error number.
package func diagnosisOfOutput(_ error: CInt) -> String {
    "cannot write to standard output: \(String(cString: strerror(error))); see where it is redirected to"
}

extension Outcome.Obstacle {
    /// The reason, and what to do.
    fileprivate var words: String {
        switch self {
        case .noConnection:
            "no connection to corosync; see whether it runs (systemctl status corosync), or allow more time with --timeout"
        case .silence:
            "corosync does not answer; see whether it hangs (systemctl status corosync), or allow more time with --timeout"
        case .unsettled(let reason, let hasDevice):
            "\(reason.words(hasDevice: hasDevice)), or allow more time with --timeout"
        case .reload:
            "votes and configuration may be of different moments of a reload, and are compared again; allow more time with "
                + "--timeout"
        case .conditions(let words): "\(words); allow more time with --timeout"
        case .unreadOutput:
            "standard output is not read; see what it is piped to, or allow more time with --timeout"
        }
    }
}

extension WatchPlan.Task {
    /// What was not reached at the timeout.
    fileprivate var wordsAtTimeout: String {
        switch self {
        case .status, .check, .follow, .live: "no status that is up to date"
        case .ifDown: "no prediction"
        case .waitFor(let conditions):
            "timed out waiting for \(conditions.map { escaped("\($0)") }.joined(separator: ", "))"
        }
    }
}
