// SPDX-License-Identifier: MIT

internal import CCorosync

extension ConfigurationMap {
    /// A value of the map: its type, and its bytes as corosync stores them.
    public struct Value: Hashable, Sendable {
        /// The type of the value.
        public let type: ValueType
        /// The bytes; those of a string end with a NUL.
        public let bytes: [UInt8]

        /// A value from its parts.
        public init(type: ValueType, bytes: [UInt8]) {
            self.type = type
            self.bytes = bytes
        }

        /// A value from a Swift value.
        public init<Source: ConfigurationMapValue>(_ value: Source) {
            self.init(type: Source.valueType, bytes: value.valueBytes)
        }

        /// The value as a Swift type; nil when it is of another type or has no counterpart in it.
        public func converted<Result: ConfigurationMapValue>(to: Result.Type = Result.self) -> Result? {
            type == Result.valueType ? Result(valueBytes: bytes) : nil
        }
    }

    /// Why a value cannot be had.
    public enum ReadError: Error, Hashable, Sendable {
        /// A call to the library failed.
        case corosync(CorosyncError)
        /// The value is of this type, which is not the one that was asked for.
        case wrongType(ValueType)
        /// The value is of the right type, and no value of the Swift type stands for it.
        case notConvertible(Value)
        /// Corosync says that the value has this many bytes, more than ``ConfigurationMap/maximumValueSize``.
        case tooLarge(size: Int)
    }

    /// The number of bytes up to which a value is read: 128 KiB, eight times what corosync 3.1 stores. Memory is never
    /// allocated for more, whatever size corosync gives.
    public static let maximumValueSize = 128 << 10

    /// The value of a key as a Swift type, or nil when there is no such key (cmap_get(3)).
    ///
    /// Throws ``ReadError/wrongType(_:)`` when the value is of another type, ``ReadError/notConvertible(_:)`` when the
    /// Swift type has no counterpart of it, ``ReadError/tooLarge(size:)`` when it is larger than ``maximumValueSize``,
    /// and ``ReadError/corosync(_:)`` with `CS_ERR_NAME_TOO_LONG` for a key of more than 255 bytes and
    /// `CS_ERR_INVALID_PARAM` for one with a NUL.
    public func get<Result: ConfigurationMapValue>(
        _ key: String, as: Result.Type = Result.self
    ) throws(ReadError) -> Result? {
        guard let value = try value(of: key) else { return nil }
        guard let result = value.converted(to: Result.self) else {
            throw value.type == Result.valueType ? .notConvertible(value) : .wrongType(value.type)
        }
        return result
    }

    /// The value of a key, of whatever type, or nil when there is no such key (cmap_get(3)).
    ///
    /// Throws ``ReadError/tooLarge(size:)`` when it is larger than ``maximumValueSize``, and ``ReadError/corosync(_:)``
    /// with `CS_ERR_NAME_TOO_LONG` for a key of more than 255 bytes and `CS_ERR_INVALID_PARAM` for one with a NUL.
    public func value(of key: String) throws(ReadError) -> Value? {
        do throws(CorosyncError) {
            try refuseIllegalName(key, .cmapGet)
            try interrupter.checkOpen(.cmapGet)
        } catch {
            throw .corosync(error)
        }
        func failure(_ result: cs_error_t) -> ReadError { .corosync(interrupter.error(result, .cmapGet)) }
        // Most values fit here, so that most take one request. The size of a value in the statistics map must not be
        // asked for: corosync 3.1 crashes when that is done for stats.schedmiss.
        var room = 256
        while true {
            var type = CMAP_VALUETYPE_BINARY
            var size = room
            var result = CS_OK
            let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                result = cmap_get(handle, key, buffer.baseAddress, &size, &type)
                count = result == CS_OK ? min(size, room) : 0
            }
            if result == CS_OK { return Value(type: ValueType(type), bytes: bytes) }
            if result == CS_ERR_NOT_EXIST { return nil }
            guard result == CS_ERR_INVALID_PARAM else { throw failure(result) }
            // The value does not fit, or has grown since its size was asked for.
            var needed = 0
            let sized = cmap_get(handle, key, nil, &needed, &type)
            if sized == CS_ERR_NOT_EXIST { return nil }
            guard sized == CS_OK else { throw failure(sized) }
            guard needed <= Self.maximumValueSize else { throw .tooLarge(size: needed) }
            guard needed > room else { throw failure(result) }
            room = needed
        }
    }
}

extension ConfigurationMap.ReadError: CustomStringConvertible {
    /// What is wrong: no full stop.
    public var description: String {
        switch self {
        case .corosync(let error): error.description
        case .wrongType(let type): "the value is of another type (\(type))"
        case .notConvertible(let value): "the value (\(value.type)) is not one of those that are known"
        case .tooLarge(let size):
            "the value has \(size) bytes, more than the \(ConfigurationMap.maximumValueSize) that are read"
        }
    }
}
