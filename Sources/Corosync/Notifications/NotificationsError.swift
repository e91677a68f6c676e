// SPDX-License-Identifier: MIT

internal import Glibc

/// Why notifications ended.
public enum NotificationsError<ReadFailure: Error>: Error {
    /// A call to the library failed: the connection cannot be made, or is lost.
    case corosync(CorosyncError)
    /// The closure that reads threw this error.
    case read(ReadFailure)
    /// The thread that dispatches cannot be started: the error number of pthread_create(3).
    case noThread(errorNumber: CInt)
}

extension NotificationsError: Equatable where ReadFailure: Equatable {}
extension NotificationsError: Hashable where ReadFailure: Hashable {}

extension NotificationsError: CustomStringConvertible {
    /// What is wrong: no full stop.
    public var description: String {
        switch self {
        case .corosync(let error): error.description
        case .read(let error): "\(error)"
        case .noThread(let number): "no thread can be started: \(String(cString: strerror(number)))"
        }
    }
}
