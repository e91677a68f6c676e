// SPDX-License-Identifier: MIT

import Testing

@testable import QuorumWatch

@Suite("The outcome of a watch")
struct OutcomeTests {
    /// All outcomes, those of one rank together, the lowest first.
    private static let ranks: [[Outcome]] = [
        [.nothingPending, .timedOut(nil), .timedOut(.silence)],
        [.failed("it failed")],
        [.outputClosed, .outputFailed(errorNumber: 28)],
        [.done(quorate: true), .done(quorate: nil), .checked(.ok)],
        [.commandFailed("no command")],
        [.signal(15), .signal(2)],
    ]

    @Test("is the most important of several reasons to end, and the first of equal ones")
    func order() throws {
        for (index, these) in Self.ranks.enumerated() {
            for outcome in these {
                for (otherIndex, others) in Self.ranks.enumerated() {
                    for other in others {
                        let stop = try StopRequest()
                        #expect(stop.requested == nil)
                        stop.request(outcome)
                        stop.request(other)
                        #expect(stop.requested == (otherIndex > index ? other : outcome))
                    }
                }
            }
        }
    }

    @Test("gives a reason for standard error only if something failed")
    func diagnoses() {
        let quiet: [Outcome] = [
            .done(quorate: false), .checked(.unknown), .nothingPending, .signal(15), .outputClosed, .timedOut(nil),
        ]
        for outcome in quiet { #expect(outcome.diagnosis(of: .follow) == nil) }
        #expect(Outcome.failed("why; what").diagnosis(of: .check) == "why; what")
        #expect(Outcome.commandFailed("why; what").diagnosis(of: .follow) == "why; what")
        #expect(
            Outcome.outputFailed(errorNumber: 28).diagnosis(of: .follow)
                == "cannot write to standard output: No space left on device; see where it is redirected to")
    }

    @Test("names what is in the way at the timeout, and the quorum device only where there is one")
    func obstacles() throws {
        func words(_ obstacle: Outcome.Obstacle, _ task: WatchPlan.Task = .status(links: false)) -> String {
            Outcome.timedOut(obstacle).diagnosis(of: task) ?? ""
        }
        let unknown = "whether the cluster is quorate is not known"
        let end = "the links (corosync-cfgtool -n) and the log of corosync, or allow more time with --timeout"
        let status = "no status that is up to date: "
        #expect(
            words(.unsettled(.recalculation, hasDevice: false))
                == status + "corosync has not completed a change of the membership: \(unknown); see \(end)")
        #expect(
            words(.unsettled(.recalculation, hasDevice: true))
                == status + "corosync has not completed a change of the membership: \(unknown); see the quorum device "
                + "(corosync-qdevice-tool -s), \(end)")
        #expect(
            words(.unsettled(.membership, hasDevice: true))
                == status + "corosync has completed no membership: \(unknown); see \(end)")
        #expect(words(.unsettled(.network, hasDevice: false)).contains("a firewall or a failed interface"))
        #expect(words(.noConnection).contains("no connection to corosync"))
        #expect(words(.silence).contains("corosync does not answer"))
        #expect(
            words(.conditions("it is so"), .ifDown([])) == "no prediction: it is so; allow more time with --timeout")
        let condition = try Condition(parsing: "member=a\u{1b}")
        #expect(
            words(.conditions("it is so"), .waitFor([condition, .quorate]))
                .hasPrefix("timed out waiting for member=a\\u{1b}, quorate: it is so"))
        #expect(Outcome.timedOut(.silence).reasonWithoutStatus?.hasPrefix("corosync does not answer") == true)
        #expect(Outcome.failed("why; what").reasonWithoutStatus == "why; what")
        #expect(Outcome.failed("why; what", isConnected: true).reasonWithoutStatus == nil)
        #expect(Outcome.timedOut(nil).reasonWithoutStatus == nil)
    }
}
