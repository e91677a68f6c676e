// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@testable import QuorumWatch

@Suite("The timer of requests without an answer")
struct SilenceTimerTests {
    // Far enough ahead that no timer expires meanwhile.
    private let start = Instant.now + .seconds(3600)

    private func after(_ milliseconds: Int64) -> Instant { start + .milliseconds(milliseconds) }

    private func isReady(_ timer: SilenceTimer, within limit: Duration) -> Bool {
        !wait(for: [Polled((), timer.descriptor)], until: .now + limit).isEmpty
    }

    @Test("reports a silence after 10 s, and again every 60 s, but not a millisecond earlier")
    func limits() throws {
        let timer = try SilenceTimer()
        timer.requestBegins(at: start)
        #expect(timer.silentFor(at: after(9_999)) == nil)
        #expect(timer.silentFor(at: after(10_000)) == .seconds(10))
        #expect(SilenceTimer.Limits().repetition == .seconds(60))
    }

    @Test("expires exactly when a silence has to be reported", arguments: [false, true])
    func expiry(isRepeated: Bool) throws {
        let timer = try SilenceTimer()
        timer.requestBegins(at: start)
        if isRepeated { #expect(timer.silentFor(at: after(10_500)) == .milliseconds(10_500)) }
        let expected = after(isRepeated ? 70_500 : 10_000)
        let before = Instant.now
        let rest = try #require(remainingTime(of: timer))
        // The remaining time was read some time after `before`.
        #expect(before + rest <= expected && expected <= .now + rest)
    }

    @Test("counts from the last request, also when it looks too early")
    func requests() throws {
        let timer = try SilenceTimer()
        timer.requestBegins(at: start)
        timer.requestBegins(at: after(4_000))
        #expect(timer.silentFor(at: after(10_000)) == nil)
        #expect(timer.silentFor(at: after(13_999)) == nil)
        #expect(timer.silentFor(at: after(14_000)) == .seconds(10))
    }

    @Test("does not take an expiry of an earlier request for one of this request")
    func earlierRequest() throws {
        let timer = try SilenceTimer()
        timer.requestBegins(at: start)
        // The timer has expired, and the request ends before that is noticed.
        timer.requestEnds()
        #expect(timer.silentFor(at: after(10_000)) == nil && !timer.isWaiting)
        timer.requestBegins(at: after(10_001))
        #expect(timer.silentFor(at: after(10_002)) == nil)
        let before = Instant.now
        let rest = try #require(remainingTime(of: timer))
        #expect(before + rest <= after(20_001) && after(20_001) <= .now + rest, "10 s must not become 60 s")
        #expect(timer.silentFor(at: after(20_001)) == .seconds(10))
    }

    @Test("reports the next silence after 10 s again when the next request follows one that was reported")
    func nextSilence() throws {
        let timer = try SilenceTimer()
        timer.requestBegins(at: start)
        #expect(timer.silentFor(at: after(10_000)) == .seconds(10))
        timer.requestBegins(at: after(15_000))
        let before = Instant.now
        let rest = try #require(remainingTime(of: timer))
        #expect(before + rest <= after(25_000) && after(25_000) <= .now + rest)
        #expect(timer.silentFor(at: after(25_000)) == .seconds(10))
    }

    @Test("makes its descriptor readable once for a silence, and not without a request")
    func descriptor() throws {
        let timer = try SilenceTimer(limits: .init(silence: .milliseconds(50), repetition: .seconds(60)))
        timer.requestBegins()
        #expect(timer.isWaiting && isReady(timer, within: .seconds(10)))
        #expect(try #require(timer.silentFor()) >= .milliseconds(50))
        #expect(!isReady(timer, within: .milliseconds(200)))
        timer.requestEnds()
        timer.requestBegins()
        timer.requestEnds()
        #expect(!timer.isWaiting && !isReady(timer, within: .milliseconds(100)))
    }

    /// The time until a timer expires (proc(5)); nil if it is not set.
    private func remainingTime(of timer: SilenceTimer) -> Duration? {
        let text = textOfFile("/proc/self/fdinfo/\(timer.descriptor)") ?? ""
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("it_value:") }) else { return nil }
        let numbers = line.split { !$0.isNumber }.compactMap { Int64($0) }
        guard numbers.count == 2, numbers != [0, 0] else { return nil }
        return .seconds(numbers[0]) + .nanoseconds(numbers[1])
    }
}
