// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// Keeps the page on the terminal up to date, and handles its keys.
///
/// One thread draws. The terminal may block it; it then skips intermediate states and draws the newest. The supervisor
/// waits for ``inputDescriptor`` and ``signalDescriptor``.
final class LiveDisplay: Sendable {
    let model: LatestValue<LiveModel>

    private let color: Bool
    /// Whether only ASCII characters are used.
    private let isPlain: Bool
    private let stop: StopRequest
    private let signals: Signals
    private let terminal = Terminal()
    /// Raised when the drawing thread has restored the terminal.
    private let closed: Flag
    private let input = Guarded((parser: LiveKeyParser(), descriptor: STDIN_FILENO))

    /// The shortest time between two updates. More of them could not be read, and would delay the newest on a slow
    /// line.
    private static let shortestPause = Duration.milliseconds(40)

    /// A display that shows nothing yet. It must be created before any thread, since it blocks signals. Throws when no
    /// descriptor is available.
    init(_ model: LatestValue<LiveModel>, color: Bool, isPlain: Bool, stop: StopRequest) throws(SystemError) {
        self.model = model
        self.color = color
        self.isPlain = isPlain
        self.stop = stop
        try Terminal.waitForForeground()
        signals = try Signals(Signals.terminal)
        closed = try Flag()
    }

    // MARK: Drawing

    /// Draws until the model is closed, and then restores the terminal.
    func draw() {
        defer { close() }
        var version = -1
        var redraws: Int?
        var nextChange: Instant?
        var earliest = Instant.now
        while true {
            guard model.next(after: &version, until: nextChange) != nil else { return }
            if earliest > .now, model.waitForEnd(until: earliest) { return }
            let latest = model.value
            if latest.isSuspended {
                close()
                (redraws, nextChange) = (nil, nil)
                continue
            }
            let page = LivePage(latest, at: .now, time: .now, isPlain: isPlain)
            model.update { model in
                if model.scroll == latest.scroll { model.scroll = page.scroll }
                return false
            }
            var error: CInt = 0
            if redraws != latest.redraws {
                redraws = latest.redraws
                closed.lower()
                error = terminal.open()
            }
            if error == 0 {
                error = terminal.show(Screen(lines: page.lines, size: latest.size, color: color))
            }
            guard error == 0 else {
                // EIO: the terminal has hung up.
                return stop.request(error == EIO ? .outputClosed : .outputFailed(errorNumber: error))
            }
            nextChange = page.nextChange
            earliest = .now + Self.shortestPause
        }
    }

    private func close() {
        terminal.close()
        closed.raise()
    }

    /// Ends the page and restores the terminal, within half a second. A readable `descriptor` shortens the wait.
    func end(interruptedBy descriptor: CInt) {
        model.close()
        waitUntilClosed(interruptedBy: descriptor)
    }

    /// Waits until the drawing thread has restored the terminal. If the terminal blocks it, restores the modes alone.
    private func waitUntilClosed(interruptedBy descriptor: CInt = -1) {
        let isClosed = Polled(true, closed.descriptor)
        let deadline = Instant.now + .milliseconds(300)
        guard !wait(for: [isClosed, Polled(false, descriptor)], until: deadline).contains(true) else { return }
        terminal.unblock()
        _ = wait(for: [isClosed], until: .now + .milliseconds(100))
        terminal.restoreModes()
    }

    // MARK: Keys and signals

    /// A descriptor that is readable when keys were pressed; -1 once the terminal has hung up, which the supervisor
    /// notices at standard output as well.
    var inputDescriptor: CInt { input.withLock { $0.descriptor } }

    /// A descriptor that is readable when the terminal has sent a signal.
    var signalDescriptor: CInt { signals.descriptor }

    /// Applies the keys that were pressed.
    func handleInput() {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = read(inputDescriptor, &buffer, buffer.count)
        if count > 0 {
            for key in input.withLock({ $0.parser.keys(in: buffer[..<count]) }) { press(key) }
        } else if count == 0 || errno != EINTR && errno != EAGAIN {
            input.withLock { $0.descriptor = -1 }
        }
    }

    private func press(_ key: LiveKey) {
        if key == .quit { return stop.request(.done(quorate: nil)) }
        model.update { model in
            model.press(key)
            return true
        }
    }

    /// Handles a signal of the terminal.
    func handleSignal() {
        switch signals.next() {
        case SIGWINCH: model.update { $0.resize(to: Terminal.size) }
        case SIGTSTP: suspend()
        // While the program was stopped, the shell may have changed the terminal or taken it over.
        case SIGCONT: if Terminal.isInForeground { redraw() } else { suspend() }
        default: break
        }
    }

    /// Restores the terminal and stops the program. When it continues, SIGCONT is handled, unless it was not stopped.
    private func suspend() {
        closed.lower()
        model.update { model in
            model.isSuspended = true
            return true
        }
        waitUntilClosed()
        stopProgram()
        if Terminal.isInForeground { redraw() }
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
