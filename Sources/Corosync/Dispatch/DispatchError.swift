// SPDX-License-Identifier: MIT

/// The error of a dispatch or an iteration whose handler may throw errors of its own.
public enum DispatchError<HandlerFailure: Error>: Error {
    /// A call to the library failed.
    case corosync(CorosyncError)
    /// The handler threw this error.
    case handler(HandlerFailure)
}

extension DispatchError: Sendable where HandlerFailure: Sendable {}
extension DispatchError: Equatable where HandlerFailure: Equatable {}
extension DispatchError: Hashable where HandlerFailure: Hashable {}

extension DispatchError where HandlerFailure == CorosyncError {
    /// The error, wherever it comes from.
    var either: CorosyncError {
        switch self {
        case .corosync(let error), .handler(let error): error
        }
    }
}

extension DispatchError: CustomStringConvertible {
    /// The description of the error inside.
    public var description: String {
        switch self {
        case .corosync(let error): error.description
        case .handler(let error): "\(error)"
        }
    }
}
