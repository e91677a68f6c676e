// SPDX-License-Identifier: MIT

internal import CCorosync

extension ConfigurationMap {
    /// Sets the value of a key, which need not exist, on the local node (cmap_set(3)).
    ///
    /// Throws `CS_ERR_ACCESS` for a key that corosync lets nobody change, `CS_ERR_NAME_TOO_LONG` for a key of fewer
    /// than 3 or more than 255 bytes or with characters other than letters, digits and `._-/:`, `CS_ERR_INVALID_PARAM`
    /// for a key with a NUL, a value of more than 16 KiB or a string with a NUL inside, and `CS_ERR_TOO_BIG` for a value
    /// of more than ``maximumValueSize``. In the statistics map only the keys below `stats.clear.` can be set.
    public func set(_ key: String, to value: some ConfigurationMapValue) throws(CorosyncError) {
        try set(key, to: Value(value))
    }

    /// Sets the value of a key, of whatever type, on the local node (cmap_set(3)).
    ///
    /// Throws the same as ``set(_:to:)-(_,ConfigurationMapValue)``, and `CS_ERR_INVALID_PARAM` when the number of bytes
    /// is not that of the type.
    public func set(_ key: String, to value: Value) throws(CorosyncError) {
        try refuseIllegalName(key, .cmapSet)
        // The library adds the size of the request to it in 32 bits.
        guard value.bytes.count <= Self.maximumValueSize else {
            throw CorosyncError(code: .tooBig, operation: .cmapSet)
        }
        try interrupter.check(
            .cmapSet,
            value.bytes.withUnsafeBytes { bytes in
                // The library takes no null pointer, not even for no bytes.
                withUnsafePointer(to: 0) { none in
                    cmap_set(handle, key, bytes.baseAddress ?? UnsafeRawPointer(none), bytes.count, value.type.cValue)
                }
            })
    }

    /// Deletes a key on the local node (cmap_delete(3)).
    ///
    /// Throws `CS_ERR_NOT_EXIST` when there is no such key, `CS_ERR_ACCESS` for a key that corosync lets nobody change.
    public func delete(_ key: String) throws(CorosyncError) {
        try refuseIllegalName(key, .cmapDelete)
        try interrupter.check(.cmapDelete, cmap_delete(handle, key))
    }

    /// Adds 1 to an integer on the local node; the largest is followed by the smallest (cmap_inc(3)).
    ///
    /// Throws `CS_ERR_NOT_EXIST` when there is no such key, `CS_ERR_INVALID_PARAM` when its value is no integer, and
    /// `CS_ERR_ACCESS` for a key that corosync lets nobody change.
    public func increment(_ key: String) throws(CorosyncError) {
        try refuseIllegalName(key, .cmapInc)
        try interrupter.check(.cmapInc, cmap_inc(handle, key))
    }

    /// Subtracts 1 from an integer on the local node; the smallest is followed by the largest (cmap_dec(3)).
    ///
    /// Throws the same as ``increment(_:)``.
    public func decrement(_ key: String) throws(CorosyncError) {
        try refuseIllegalName(key, .cmapDec)
        try interrupter.check(.cmapDec, cmap_dec(handle, key))
    }
}
