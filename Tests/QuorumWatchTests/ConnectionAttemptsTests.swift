// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("The attempts to connect")
struct ConnectionAttemptsTests {
    @Test("have growing pauses while connections are lost soon, and short pauses after one that lasted")
    func losses() {
        var attempts = ConnectionAttempts()
        var pauses: [Duration] = []
        var reports: [Int] = []
        for loss in 1...12 {
            if attempts.noteLoss(after: .milliseconds(20)) { reports.append(loss) }
            pauses.append(attempts.pause(after: .lost))
        }
        #expect(
            pauses
                == [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000].map { .milliseconds($0) })
        #expect(reports == [4], "it is reported once")
        let isRepeated = attempts.noteLoss(after: .seconds(5))
        #expect(!isRepeated)
        let pause = attempts.pause(after: .lost)
        #expect(pause == .milliseconds(100))
        let next = (1...3).map { _ in attempts.noteLoss(after: .zero) }
        #expect(next == [false, false, true], "it is reported again after a connection that lasted")
    }

    @Test("have pauses of at most two seconds while none succeeds")
    func failures() {
        var attempts = ConnectionAttempts()
        let first = (1...6).map { _ in attempts.pause(after: .lost) }
        #expect(first == [100, 200, 400, 800, 1600, 2000].map { .milliseconds($0) })
        for _ in 1...3 { _ = attempts.noteLoss(after: .zero) }
        let afterLosses = (1...4).map { _ in attempts.pause(after: .lost) }
        #expect(afterLosses == [100, 100, 200, 400].map { .milliseconds($0) })
    }

    @Test("have pauses of 30 s after a refusal, each of which corosync logs")
    func refusals() {
        var attempts = ConnectionAttempts()
        let refusal = CorosyncError(code: .accessDenied, operation: .votequorumInitialize)
        let pauses = [refusal, refusal, .lost, refusal].map { attempts.pause(after: $0) }
        #expect(pauses == [.seconds(30), .seconds(30), .milliseconds(100), .seconds(30)])
    }

    @Test("report a failure if it differs from the last one reported, and again after a loss")
    func news() {
        var attempts = ConnectionAttempts()
        let library = CorosyncError(code: .libraryFailure, operation: .votequorumInitialize)
        let access = CorosyncError(code: .accessDenied, operation: .votequorumInitialize)
        let isNews = [library, library, access].map { attempts.isNews($0) }
        #expect(isNews == [true, false, true])
        _ = attempts.noteLoss(after: .zero)
        let isNewsAgain = attempts.isNews(access)
        #expect(isNewsAgain)
    }
}
