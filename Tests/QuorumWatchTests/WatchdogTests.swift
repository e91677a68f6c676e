// SPDX-License-Identifier: MIT

import Testing

@testable import QuorumWatch

@Suite("The watchdog of a request")
struct WatchdogTests {
    private func isReady(_ watchdog: Watchdog, within limit: Duration) -> Bool {
        wait(for: [(watchdog.descriptor, 1)], until: .now + limit) != [0]
    }

    @Test("notices a request without an answer, and does not repeat that at once")
    func silence() throws {
        let watchdog = try Watchdog()
        watchdog.begin(silence: .milliseconds(50))
        #expect(watchdog.isWaiting)
        #expect(isReady(watchdog, within: .seconds(10)))
        #expect(try #require(watchdog.silentFor()) >= .milliseconds(50))
        #expect(!isReady(watchdog, within: .milliseconds(200)))
    }

    @Test("does not notice a request that has ended")
    func answer() throws {
        let watchdog = try Watchdog()
        watchdog.begin(silence: .milliseconds(50))
        watchdog.end()
        #expect(!watchdog.isWaiting && !isReady(watchdog, within: .milliseconds(100)))
        #expect(watchdog.silentFor() == nil)
    }

    @Test("counts from the last answer")
    func answers() throws {
        let watchdog = try Watchdog()
        watchdog.begin(silence: .milliseconds(200))
        #expect(isReady(watchdog, within: .seconds(10)))
        watchdog.answered()
        #expect(watchdog.silentFor() == nil)
        #expect(isReady(watchdog, within: .seconds(10)))
        #expect(watchdog.silentFor() != nil)
    }
}
