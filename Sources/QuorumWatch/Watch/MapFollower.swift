// SPDX-License-Identifier: MIT

internal import Corosync

/// Reads both maps of corosync in one thread: the configuration and the statistics. Both are optional: the first state
/// waits for them for at most ``MapConnection/patience``, and is unsettled after that where it depends on them.
///
/// Connections are made only while votequorum is connected, so that a corosync that does not run, or refuses this user,
/// gets one attempt at a time.
final class MapFollower: Sendable {
    /// The requests of the thread of votequorum.
    struct Requests: Sendable {
        /// Whether votequorum is connected.
        var isActive = false
        /// How often it was connected.
        var connections = 0
        /// The requests for a survey, and the last answer: whether corosync is synchronising its services; false if that
        /// was not asked for, or is not known.
        var survey = Numbered()
        var isSynchronizing = false
        /// Whether the configuration is read, or failed to be, since votequorum is connected.
        var isConfigurationDecided = false
        /// The same for the statistics.
        var areStatisticsDecided = false
        /// Whether the survey includes ``isSynchronizing``.
        var includesSynchronization = false
        /// Whether the quorum provider is wanted, and the answer.
        var wantsProvider = false
        var provider: QuorumProvider?
        /// Whether a reading of the statistics is wanted.
        var wantsStatistics = false
        /// The requests for a reading of the configuration.
        var configuration = Numbered()
        var schedule = EvidenceSchedule()
    }

    /// Requests that are counted, so that one that is made while the one before is answered is answered too.
    struct Numbered: Sendable {
        /// The number of the last request.
        var wanted = 0
        /// The number of the last request that was answered.
        var answered = 0
        var isAwaited: Bool { answered != wanted }
    }

    let plan: WatchPlan
    let core: Core
    let stop: StopRequest
    let requests = Guarded(Requests())
    /// Raised when there is a new request.
    let wake: Flag
    /// Detects that corosync does not answer.
    let silence: SilenceTimer

    init(plan: WatchPlan, core: Core, stop: StopRequest) throws(SystemError) {
        self.plan = plan
        self.core = core
        self.stop = stop
        wake = try Flag()
        silence = try SilenceTimer()
    }

    /// Requests a reading of both maps, because votequorum is connected.
    func activate() {
        request { requests in
            requests.isActive = true
            requests.connections += 1
            (requests.isConfigurationDecided, requests.areStatisticsDecided) = (false, false)
            requests.includesSynchronization = false
            requests.survey.wanted += 1
        }
    }

    /// Closes the connections, because the one to votequorum is lost.
    func deactivate() {
        request { requests in
            requests.isActive = false
            // The counters of another run of corosync cannot be compared with those of this one.
            requests.schedule.cancel()
        }
    }

    /// Waits until the maps are read, or failed to be, and finds out on request whether corosync is synchronising its
    /// services. Nil after a timeout, or if the watch ends. Reports a map that is not read.
    func survey(includingSynchronization: Bool) -> Bool? {
        if includingSynchronization {
            request { requests in
                requests.includesSynchronization = true
                requests.survey.wanted += 1
            }
        }
        if let isSynchronizing = lateSurvey(by: .now + MapConnection.patience) { return isSynchronizing }
        guard stop.requested == nil else { return nil }
        let requests = requests.withLock { $0 }
        let lacksConfiguration = plan.needsDetails && !requests.isConfigurationDecided
        if lacksConfiguration { core.record(.configuration(nil)) }
        guard !requests.areStatisticsDecided else { return nil }
        core.record(.statistics(nil))
        core.diagnose(diagnosis(ofLate: lacksConfiguration ? "configuration" : "statistics of totem and the links"))
        return nil
    }

    /// Waits for a survey that was late. Nil if there is none by the deadline, or if the watch ends.
    func lateSurvey(by deadline: Instant?) -> Bool? {
        let isSynchronizing = requests.wait(until: deadline) { requests in
            !requests.survey.isAwaited || self.stop.requested != nil ? requests.isSynchronizing : nil
        }
        return stop.requested == nil ? isSynchronizing : nil
    }

    /// Schedules the evidence for nodelists whose recalculation has ended.
    func note(_ nodelists: [EvidenceSchedule.Nodelist]) {
        guard !nodelists.isEmpty else { return }
        request { requests in for nodelist in nodelists { requests.schedule.note(nodelist, at: .now) } }
    }

    /// Requests a reading of the statistics, which has to confirm a reading of votequorum.
    func refreshStatistics() { request { $0.wantsStatistics = true } }

    /// Requests a reading of the configuration, which may be another one now, and again at the end of a reload.
    func requestConfiguration() { request { $0.configuration.wanted += 1 } }

    /// Waits until the configuration is read again, or failed to be, because votequorum may have taken over another one.
    /// Notifications wait meanwhile: only for half a second, and not if the thread has not answered the last request.
    func refreshConfiguration() {
        guard !requests.withLock({ $0.configuration.isAwaited }) else { return }
        requestConfiguration()
        _ = requests.wait(until: .now + .milliseconds(500)) { requests in
            !requests.configuration.isAwaited || self.stop.requested != nil ? () : nil
        }
    }

    /// Reads the quorum provider, to find out why votequorum refuses a connection.
    func provider() -> QuorumProvider {
        request { ($0.wantsProvider, $0.provider) = (true, nil) }
        let provider = requests.wait(until: .now + MapConnection.patience) { requests in
            requests.provider ?? (self.stop.requested == nil ? nil : .unknown)
        }
        return provider ?? .unknown
    }

    /// Wakes a thread that waits for an answer, because the watch ends.
    func wakeWaiting() { requests.withLock { _ in } }

    private func request(_ change: (inout Requests) -> Void) {
        requests.withLock(change)
        wake.raise()
    }
}

/// The value of `quorum.provider`, or why it is not known.
enum QuorumProvider: Hashable, Sendable {
    /// Its value.
    case named(String)
    /// The key is not set.
    case notSet
    /// The configuration map cannot be connected to.
    case noConnection
    /// The configuration map did not answer in time.
    case unknown
}
