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

        /// A key from its parts.
        public init(name: String, type: ValueType, size: Int) {
            self.name = name
            self.type = type
            self.size = size
        }
    }

    /// The keys that begin with `prefix`, in no particular order (cmap_iter_init(3), cmap_iter_next(3)). Each is one
    /// request.
    ///
    /// Throws `CS_ERR_NAME_TOO_LONG` for a prefix of more than 255 bytes, `CS_ERR_INVALID_PARAM` for one with a NUL, and
    /// what else the library gives, except the `CS_ERR_NO_SECTIONS` that is the end.
    public func keys(withPrefix prefix: String) throws(CorosyncError) -> [Key] {
        var keys: [Key] = []
        try iterate(prefix) { key throws(CorosyncError) in
            keys.append(key)
            return true
        }
        return keys
    }

    /// Hands every key that begins with `prefix`, and its value, to `body`, in no particular order. Each is two requests.
    ///
    /// The value is nil when the key was deleted meanwhile, or is larger than ``maximumValueSize``. When `body` throws,
    /// the iteration ends, and this throws the same error.
    ///
    /// Throws the same as ``keys(withPrefix:)``, and what `body` throws.
    public func forEachKey(
        withPrefix prefix: String, _ body: (Key, Value?) throws(CorosyncError) -> Void
    ) throws(CorosyncError) {
        try iterate(prefix) { key throws(CorosyncError) in
            try body(key, valueIfReadable(key.name))
            return true
        }
    }

    /// Hands every key that begins with `prefix`, and its value, to `body`, which may throw errors of any type.
    ///
    /// The same as the iteration whose body throws `CorosyncError`, with an error that tells one from the other.
    ///
    /// Throws ``DispatchError/handler(_:)`` with what `body` throws, and ``DispatchError/corosync(_:)`` for an error of
    /// the library.
    public func forEachKey<Failure: Error>(
        withPrefix prefix: String, _ body: (Key, Value?) throws(Failure) -> Void
    ) throws(DispatchError<Failure>) {
        var failure: Failure?
        do throws(CorosyncError) {
            try iterate(prefix) { key throws(CorosyncError) in
                let value = try valueIfReadable(key.name)
                do throws(Failure) { try body(key, value) } catch { failure = error }
                return failure == nil
            }
        } catch {
            if failure == nil { throw .corosync(error) }
        }
        if let failure { throw .handler(failure) }
    }

    /// Hands every key to `body`, until that returns false.
    private func iterate(
        _ prefix: String, _ body: (Key) throws(CorosyncError) -> Bool
    ) throws(CorosyncError) {
        // The library copies a name of the length that corosync gives, in 16 bits, without a limit of its own.
        let name = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(UInt16.max) + 1)
        defer { name.deallocate() }
        try refuseIllegalName(prefix, .cmapIterInit)
        var iterator: cmap_iter_handle_t = 0
        try interrupter.check(.cmapIterInit, cmap_iter_init(handle, prefix, &iterator))
        do throws(CorosyncError) {
            while let key = try next(iterator, name), try body(key) {}
        } catch {
            // The caller needs the first error.
            _ = cmap_iter_finalize(handle, iterator)
            throw error
        }
        let finalized = cmap_iter_finalize(handle, iterator)
        guard finalized == CS_OK else { throw interrupter.error(finalized, .cmapIterFinalize) }
    }

    private func next(
        _ iterator: cmap_iter_handle_t, _ name: UnsafeMutableBufferPointer<CChar>
    ) throws(CorosyncError) -> Key? {
        try interrupter.checkOpen(.cmapIterNext)
        var type = CMAP_VALUETYPE_BINARY
        var size = 0
        let result = cmap_iter_next(handle, iterator, name.baseAddress, &size, &type)
        if result == CS_ERR_NO_SECTIONS { return nil }
        guard result == CS_OK else { throw interrupter.error(result, .cmapIterNext) }
        return Key(name: String(cString: name.baseAddress!), type: ValueType(type), size: size)
    }

    /// The value of a key; nil when it does not exist any more, or is too large.
    private func valueIfReadable(_ key: String) throws(CorosyncError) -> Value? {
        do throws(ReadError) {
            return try value(of: key)
        } catch {
            guard case .corosync(let error) = error else { return nil }
            throw error
        }
    }
}
