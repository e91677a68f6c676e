// SPDX-License-Identifier: MIT

/// A failure after which a test, or a case of it, cannot continue.
public struct TestFailure: Error, CustomStringConvertible {
    /// What failed.
    public let description: String

    /// - Parameter description: What failed.
    public init(_ description: String) { self.description = description }
}
