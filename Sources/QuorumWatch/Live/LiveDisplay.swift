// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// Keeps the page on the terminal up to date, and handles its keys.
///
/// One thread draws. The terminal may block it; it then skips intermediate states and draws the newest. A second thread
/// waits for keys and for the signals of the terminal.
final class LiveDisplay: Sendable {
    let model: LatestValue<LiveModel>

    private let style: LiveStyle
    private let stop: StopRequest
    private let signals: TerminalSignals
    private let terminal = Terminal()
    private let isOpen = Guarded(false)
    private let closed: Flag

    /// The shortest time between two updates. More of them could not be read, and would delay the newest on a slow
    /// line.
    private static let shortestPause = Duration.milliseconds(40)
    /// How long to wait for the drawing thread before the terminal is restored without it.
    private static let patience = Duration.milliseconds(300)

    /// A display that shows nothing yet. It must be created before any thread, since it blocks signals. Throws when no
    /// descriptor is available.
    init(_ model: LatestValue<LiveModel>, style: LiveStyle, stop: StopRequest) throws(SystemError) {
        self.model = model
        self.style = style
        self.stop = stop
        signals = try TerminalSignals()
        closed = try Flag()
    }

    // MARK: Drawing

    /// Draws until the model is closed, and then restores the terminal.
    func draw() {
        defer { closed.raise() }
        var version = -1
        var redraws = 0
        var nextChange: Instant?
        var earliest = Instant.now
        while true {
            if case .end = model.next(after: &version, until: nextChange) { return close() }
            if earliest > .now, model.waitForEnd(until: earliest) { return close() }
            let latest = model.value
            if latest.isSuspended {
                close()
                nextChange = nil
                continue
            }
            let page = LivePage(latest, at: .now, time: .now, isPlain: style.isPlain)
            model.update { model in
                if model.scroll == latest.scroll { model.scroll = page.scroll }
                return false
            }
            let isNew = isOpen.withLock { !$0 } || redraws != latest.redraws
            redraws = latest.redraws
            isOpen.withLock { $0 = true }
            var error = isNew ? terminal.open() : 0
            if error == 0 { error = terminal.show(ScreenContents(page.lines, size: latest.size, color: style.color)) }
            guard error == 0 else {
                // EIO: the terminal has hung up.
                stop.request(error == EIO ? .outputClosed : .outputFailed(errorNumber: error))
                return close()
            }
            nextChange = page.nextChange
            earliest = .now + Self.shortestPause
        }
    }

    private func close() {
        terminal.close()
        isOpen.withLock { $0 = false }
    }

    /// Ends the page and restores the terminal, within half a second. A readable `descriptor` shortens the wait.
    func end(interruptedBy descriptor: CInt) {
        model.close()
        let ready = wait(for: [(closed.descriptor, POLLIN), (descriptor, POLLIN)], until: .now + Self.patience)
        guard ready[0] == 0 else { return }
        terminal.unblock()
        _ = wait(for: [(closed.descriptor, POLLIN)], until: .now + .milliseconds(100))
        terminal.restoreModes()
    }

    // MARK: Keys and signals

    /// Waits for keys and signals until the watch should end.
    func readKeys() {
        var parser = LiveKeyParser()
        var input = STDIN_FILENO
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let ready = wait(for: [(stop.descriptor, POLLIN), (signals.descriptor, POLLIN), (input, POLLIN)])
            if ready[0] != 0 { return }
            if ready[1] != 0 { handleSignal() }
            guard ready[2] != 0 else { continue }
            let count = read(input, &buffer, buffer.count)
            if count > 0 {
                for key in parser.keys(in: buffer[..<count]) { press(key) }
            } else if count == 0 || errno != EINTR && errno != EAGAIN {
                // The terminal has hung up, which the supervising thread notices as well.
                input = -1
            }
        }
    }

    private func press(_ key: LiveKey) {
        if key == .quit { return stop.request(.done(quorate: nil)) }
        model.update { model in
            model.press(key)
            return true
        }
    }

    private func handleSignal() {
        switch signals.next() {
        case SIGWINCH: model.update { $0.resize(to: Terminal.size) }
        case SIGTSTP: suspend()
        // While the program was stopped, the shell may have changed the terminal or taken it over.
        case SIGCONT: if Terminal.isInForeground { redraw() } else { suspend() }
        default: break
        }
    }

    /// Restores the terminal and stops the program until the shell continues it in the foreground.
    private func suspend() {
        model.update { model in
            model.isSuspended = true
            return true
        }
        if !waitUntilClosed(atMost: Self.patience) {
            terminal.unblock()
            _ = waitUntilClosed(atMost: .milliseconds(100))
            terminal.restoreModes()
        }
        repeat {
            signals.stopProgram()
        } while !Terminal.isInForeground && !stop.wait(until: .now + .milliseconds(100))
        if stop.requested == nil { redraw() }
    }

    private func waitUntilClosed(atMost limit: Duration) -> Bool {
        isOpen.wait(until: .now + limit) { $0 ? nil : true } ?? false
    }

    private func redraw() {
        model.update { model in
            model.isSuspended = false
            model.redraws += 1
            _ = model.resize(to: Terminal.size)
            return true
        }
    }
}
