// SPDX-License-Identifier: MIT

internal import CCorosync

extension ConfigurationMap {
    /// A key that an iteration finds.
    public struct Key: Hashable, Sendable {
        /// The whole name of the key: at most 255 bytes in corosync 3.1, and 65,535 in what it can send.
        public let name: String
        /// The type of its value.
        public let type: ValueType
        /// The size of its value in bytes, as corosync gives it; that of a string includes the NUL.
        public let size: Int
    }

    /// Hands every key that begins with `prefix` to `body`, in no particular order, until `body` returns false
    /// (cmap_iter_init(3), cmap_iter_next(3)). Every key is one request.
    ///
    /// Throws what the library gives, except the `CS_ERR_NO_SECTIONS` that is the end; and whatever `body` throws.
    /// The iteration is finalized however it ends.
    public func forEachKey(
        withPrefix prefix: String, _ body: (Key) throws(CorosyncError) -> Bool
    ) throws(CorosyncError) {
        var iterator: cmap_iter_handle_t = 0
        try check(.cmapIterInit, cmap_iter_init(handle, prefix, &iterator))
        do {
            // The library copies a name of the length that corosync gives, in 16 bits, without a limit of its own.
            let name = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(UInt16.max) + 1)
            defer { name.deallocate() }
            while let key = try next(iterator, name), try body(key) {}
        } catch {
            // What went wrong first is what the caller needs to know.
            _ = cmap_iter_finalize(handle, iterator)
            throw error
        }
        try check(.cmapIterFinalize, cmap_iter_finalize(handle, iterator))
    }

    private func next(
        _ iterator: cmap_iter_handle_t, _ name: UnsafeMutableBufferPointer<CChar>
    ) throws(CorosyncError) -> Key? {
        var type = CMAP_VALUETYPE_BINARY
        var size = 0
        let result = cmap_iter_next(handle, iterator, name.baseAddress, &size, &type)
        if result == CS_ERR_NO_SECTIONS { return nil }
        try check(.cmapIterNext, result)
        return Key(name: String(cString: name.baseAddress!), type: ValueType(type), size: size)
    }
}
