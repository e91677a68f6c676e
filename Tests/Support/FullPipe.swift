// SPDX-License-Identifier: MIT

internal import Glibc

/// A full pipe: a write to it blocks.
public final class FullPipe {
    /// A pipe that cannot be made.
    public struct Failure: Error {}

    /// The end to write to, for ``ChildProcess/Stream/descriptor(_:)``.
    public let writingEnd: Int32
    private let readingEnd: Int32
    /// How many bytes of the filling were not read yet.
    private var filling: Int

    /// Makes a pipe and fills it.
    ///
    /// - Parameters:
    ///   - room: How many bytes to leave free.
    ///   - isNarrow: Whether to make it as small as possible, a page.
    /// - Throws: ``Failure``.
    public init(leaving room: Int = 0, isNarrow: Bool = false) throws(Failure) {
        guard let ends = makePipe() else { throw Failure() }
        (readingEnd, writingEnd) = ends
        // F_SETPIPE_SZ, F_GETPIPE_SZ.
        if isNarrow { _ = fcntl(writingEnd, 1031, 4096) }
        filling = Int(fcntl(writingEnd, 1032)) - room
        guard filling >= 0, writeAll([UInt8](repeating: 0x2E, count: filling), to: writingEnd) else { throw Failure() }
    }

    deinit {
        close(writingEnd)
        close(readingEnd)
    }

    /// Reads what was written after the filling, without waiting.
    public func read() -> [UInt8] {
        _ = fcntl(readingEnd, F_SETFL, O_NONBLOCK)
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        while case let count = Glibc.read(readingEnd, &block, block.count), count > 0 { bytes += block[..<count] }
        defer { filling -= min(filling, bytes.count) }
        return Array(bytes.dropFirst(filling))
    }
}
