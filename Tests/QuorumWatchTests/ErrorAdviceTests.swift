// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("Errors of the libraries")
struct ErrorAdviceTests {
    @Test("of every code come with something to do", arguments: CorosyncError.Code.named + [.init(rawValue: 4242)])
    func haveAdvice(_ code: CorosyncError.Code) {
        let error = CorosyncError(code: code, operation: .votequorumDispatch)
        #expect(error.withAdvice == "\(error.reason) (\(code) from votequorum_dispatch); \(error.advice)")
        #expect(error.advice.split(separator: " ").count >= 2)
    }

    @Test("come with advice that a person can follow, and that does no harm", arguments: CorosyncError.Code.named)
    func adviceForPeople(_ code: CorosyncError.Code) {
        for operation in [CorosyncError.Operation.votequorumInitialize, .cmapInitialize, .cmapGet] {
            let advice = CorosyncError(code: code, operation: operation).advice
            for word in ["connect again", "smaller", "corotypes", "report", "install a newer", "start corosync", "'"] {
                #expect(!advice.contains(word), "\(advice)")
            }
            #expect(!advice.hasPrefix("try again"))
        }
    }

    @Test("of a missing right to connect say whom corosync allows")
    func access() {
        let error = CorosyncError(code: .accessDenied, operation: .votequorumInitialize)
        #expect(
            error.diagnosisOfConnecting(nil) == "cannot connect to corosync: this user may not connect to corosync "
                + "(CS_ERR_ACCESS from votequorum_initialize); run vqwatch as root, or allow this user in a uidgid section "
                + "of corosync.conf (corosync.conf(5))")
    }

    @Test("that leave no status speak of the quorum device only where there is one")
    func timeouts() throws {
        func reason(hasDevice: Bool) throws -> String {
            try #require(Outcome.timedOut(.unsettled(.recalculation, hasDevice: hasDevice)).reasonWithoutStatus)
        }
        #expect(try !reason(hasDevice: false).contains("device"))
        #expect(try reason(hasDevice: true).contains("the quorum device (corosync-qdevice-tool -s)"))
        #expect(try reason(hasDevice: false).hasSuffix("the log of corosync, or allow more time with --timeout"))
    }
}
