// SPDX-License-Identifier: MIT

internal import CCorosync

extension ConfigurationMap {
    /// A key that an iteration finds.
    public struct Key: Hashable, Sendable {
        /// The whole name of the key.
        public let name: String
        /// The type of its value.
        public let type: ValueType
        /// The size of its value in bytes; that of a string includes the NUL.
        public let size: Int
    }

    /// Hands every key that begins with `prefix` to `body`, in no particular order, until `body` returns false
    /// (cmap_iter_init(3), cmap_iter_next(3)). Every key is one question to corosync.
    ///
    /// Throws what the library gives, except the `CS_ERR_NO_SECTIONS` that is the end; and whatever `body` throws.
    /// The iteration is finalized however it ends.
    public borrowing func forEachKey(
        withPrefix prefix: String, _ body: (Key) throws(CorosyncError) -> Bool
    ) throws(CorosyncError) {
        var iterator: cmap_iter_handle_t = 0
        try check(.cmapIterInit, cmap_iter_init(handle, prefix, &iterator))
        do {
            while let key = try next(iterator), try body(key) {}
        } catch {
            // What went wrong first is what the caller needs to know.
            _ = cmap_iter_finalize(handle, iterator)
            throw error
        }
        try check(.cmapIterFinalize, cmap_iter_finalize(handle, iterator))
    }

    private borrowing func next(_ iterator: cmap_iter_handle_t) throws(CorosyncError) -> Key? {
        var type = CMAP_VALUETYPE_BINARY
        var size = 0
        var result = CS_OK
        let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CMAP_KEYNAME_MAXLEN) + 1) { buffer in
            result = cmap_iter_next(handle, iterator, buffer.baseAddress, &size, &type)
            return result == CS_OK ? String(cString: UnsafePointer(buffer.baseAddress!)) : ""
        }
        if result == CS_ERR_NO_SECTIONS { return nil }
        try check(.cmapIterNext, result)
        return Key(name: name, type: ValueType(rawValue: UInt32(type.rawValue)), size: size)
    }
}
