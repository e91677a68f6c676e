// SPDX-License-Identifier: MIT

internal import Glibc

/// A folder for the files of a test. It is removed with this object, with everything in it.
public final class TemporaryFolder: Sendable {
    /// A folder that could not be made.
    public struct Failure: Error, CustomStringConvertible {
        /// The reason.
        public let description: String
    }

    /// Where it is.
    public let path: String

    /// Makes a folder.
    ///
    /// - Parameter isShared: Whether every user may write to it.
    /// - Throws: ``Failure``.
    public init(isShared: Bool = false) throws(Failure) {
        var template = Array("/tmp/vqwatch-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(description: "no temporary folder: \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(path, isShared ? 0o777 : 0o755)
    }

    deinit { remove(path) }

    /// The path of a file in it.
    ///
    /// - Parameter name: The name of the file.
    /// - Returns: The path.
    public func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// Removes a file, or a folder with everything in it. A symbolic link is not followed.
private func remove(_ path: String) {
    guard unlink(path) != 0, errno == EISDIR else { return }
    for name in namesInFolder(path) { remove("\(path)/\(name)") }
    rmdir(path)
}
