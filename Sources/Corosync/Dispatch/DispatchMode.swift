// SPDX-License-Identifier: MIT

internal import CCorosync

/// How many notifications one call of a dispatch function takes, and whether it waits for them (`cs_dispatch_flags_t`).
public enum DispatchMode: Hashable, Sendable, CaseIterable {
    /// Wait for one notification, take it, return (`CS_DISPATCH_ONE`).
    case one
    /// Take everything that is queued, without waiting, and return (`CS_DISPATCH_ALL`).
    case all
    /// Take notifications until the connection ends (`CS_DISPATCH_BLOCKING`).
    case blocking
    /// Take one notification that is queued; with none, throw `CS_ERR_TRY_AGAIN` (`CS_DISPATCH_ONE_NONBLOCKING`).
    case oneNonblocking

    /// Whether one call takes at most one notification.
    var takesOne: Bool { self == .one || self == .oneNonblocking }

    var cValue: cs_dispatch_flags_t {
        switch self {
        case .one: CS_DISPATCH_ONE
        case .all: CS_DISPATCH_ALL
        case .blocking: CS_DISPATCH_BLOCKING
        case .oneNonblocking: CS_DISPATCH_ONE_NONBLOCKING
        }
    }
}
