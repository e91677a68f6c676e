// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

extension Watch {
    private enum Source: Hashable {
        case stop, signal, output, votequorum, maps, deadline, record, keyboard, terminal
    }

    /// Waits until there is a reason to end.
    func supervise(_ signals: Signals) {
        let deadline = plan.timeout.map { Instant.now + $0 }
        /// The timer whose silence was reported, while it lasts.
        var reported: SilenceTimer?
        while true {
            let ready = wait(
                for: [
                    Polled(Source.stop, stop.descriptor), Polled(.signal, signals.descriptor),
                    Polled(.output, output, events: 0), Polled(.votequorum, follower.silence.descriptor),
                    Polled(.maps, maps.silence.descriptor), Polled(.deadline, core.timer.descriptor),
                    Polled(.record, notifier?.descriptor ?? -1), Polled(.keyboard, display?.inputDescriptor ?? -1),
                    Polled(.terminal, display?.signalDescriptor ?? -1),
                ],
                until: [deadline, notifier?.nextMessage].compactMap { $0 }.min())
            if ready.contains(.stop) { return }
            if ready.contains(.signal), let signal = signals.next() { return stop.request(.signal(signal)) }
            if ready.contains(.output) { return stop.request(.outputClosed) }
            for (source, timer) in [(Source.votequorum, follower.silence), (.maps, maps.silence)]
            where ready.contains(source) {
                guard let silent = timer.silentFor(), plan.follows else { continue }
                // A corosync that is stopped answers neither thread. That votequorum does not, counts in any case.
                if source == .maps, let reported, reported !== timer, reported.isWaiting { continue }
                reported = timer
                core.record(.unresponsive(silent: silent, ofMap: source == .maps))
            }
            if ready.contains(.deadline) {
                core.timer.acknowledge()
                // After this process was stopped, the notifications that wait are recorded first.
                _ = stop.wait(until: .now + .milliseconds(50))
                core.record(.deadline)
            }
            if ready.contains(.keyboard) { display?.handleInput() }
            if ready.contains(.terminal) { display?.handleSignal() }
            if let deadline, deadline <= .now {
                let isSilent = follower.silence.isWaiting
                let isConnected = follower.isConnected || isSilent || maps.silence.isWaiting
                let obstacle = core.recordTimeout(
                    withoutAnswer: isSilent, withoutState: isConnected ? .silence : .noConnection)
                return stop.request(.timedOut(obstacle))
            }
            notifier?.sendWhatIsDue { core.proveLiveness() }
        }
    }
}
