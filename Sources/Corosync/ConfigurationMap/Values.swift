// SPDX-License-Identifier: MIT

internal import CCorosync

extension ConfigurationMap {
    /// The type of a value (`cmap_value_types_t`). Numbers without a name are kept.
    public struct ValueType: RawRepresentable, Hashable, Sendable {
        /// The value of the C constant.
        public let rawValue: UInt32

        /// A type from the value of its C constant.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// `CMAP_VALUETYPE_INT8`
        public static let int8 = ValueType(rawValue: 1)
        /// `CMAP_VALUETYPE_UINT8`
        public static let uint8 = ValueType(rawValue: 2)
        /// `CMAP_VALUETYPE_INT16`
        public static let int16 = ValueType(rawValue: 3)
        /// `CMAP_VALUETYPE_UINT16`
        public static let uint16 = ValueType(rawValue: 4)
        /// `CMAP_VALUETYPE_INT32`
        public static let int32 = ValueType(rawValue: 5)
        /// `CMAP_VALUETYPE_UINT32`
        public static let uint32 = ValueType(rawValue: 6)
        /// `CMAP_VALUETYPE_INT64`
        public static let int64 = ValueType(rawValue: 7)
        /// `CMAP_VALUETYPE_UINT64`
        public static let uint64 = ValueType(rawValue: 8)
        /// `CMAP_VALUETYPE_FLOAT`
        public static let float = ValueType(rawValue: 9)
        /// `CMAP_VALUETYPE_DOUBLE`
        public static let double = ValueType(rawValue: 10)
        /// `CMAP_VALUETYPE_STRING`
        public static let string = ValueType(rawValue: 11)
        /// `CMAP_VALUETYPE_BINARY`
        public static let binary = ValueType(rawValue: 12)
    }

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

        /// The value as a Swift type; nil when it is of another type.
        public func converted<Result: ConfigurationMapValue>(to: Result.Type = Result.self) -> Result? {
            type == Result.valueType ? Result(valueBytes: bytes) : nil
        }
    }

    /// The value of a key as a Swift type, or nil when there is no such key (cmap_get(3)).
    ///
    /// Throws `CS_ERR_INVALID_PARAM` when the value is of another type, `CS_ERR_NAME_TOO_LONG` for a key of more than
    /// 255 bytes.
    public borrowing func get<Result: ConfigurationMapValue>(
        _ key: String, as: Result.Type = Result.self
    ) throws(CorosyncError) -> Result? {
        guard let value = try value(of: key) else { return nil }
        guard let result = value.converted(to: Result.self) else {
            throw CorosyncError(code: .invalidParameter, operation: .cmapGet)
        }
        return result
    }

    /// The value of a key, of whatever type, or nil when there is no such key (cmap_get(3)).
    ///
    /// Throws `CS_ERR_NAME_TOO_LONG` for a key of more than 255 bytes.
    public borrowing func value(of key: String) throws(CorosyncError) -> Value? {
        // Most values fit here, so that most take one question; of the others the size is asked first.
        var room = 256
        while true {
            var type = CMAP_VALUETYPE_BINARY
            var size = room
            var result = CS_OK
            let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                result = cmap_get(handle, key, buffer.baseAddress, &size, &type)
                count = result == CS_OK ? min(size, room) : 0
            }
            switch CorosyncError.Code(rawValue: UInt32(result.rawValue)) {
            case .notExist: return nil
            case .invalidParameter:
                // The value does not fit, or has grown since its size was asked for.
                var needed = 0
                let sized = cmap_get(handle, key, nil, &needed, &type)
                if sized == CS_ERR_NOT_EXIST { return nil }
                try check(.cmapGet, sized)
                guard needed > room else { try check(.cmapGet, result); return nil }
                room = needed
            default:
                try check(.cmapGet, result)
                return Value(type: ValueType(rawValue: UInt32(type.rawValue)), bytes: bytes)
            }
        }
    }
}

/// A Swift type for a value of the configuration map.
public protocol ConfigurationMapValue: Sendable {
    /// The type of values it stands for.
    static var valueType: ConfigurationMap.ValueType { get }
    /// A value from the bytes that corosync stores; nil when there are too few.
    init?(valueBytes: [UInt8])
}

extension ConfigurationMapValue where Self: BitwiseCopyable {
    /// A number from its bytes in memory order; nil when there are too few.
    public init?(valueBytes: [UInt8]) {
        guard valueBytes.count >= MemoryLayout<Self>.size else { return nil }
        self = valueBytes.withUnsafeBytes { $0.loadUnaligned(as: Self.self) }
    }
}

extension Int8: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_INT8`
    public static var valueType: ConfigurationMap.ValueType { .int8 }
}

extension UInt8: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_UINT8`
    public static var valueType: ConfigurationMap.ValueType { .uint8 }
}

extension Int16: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_INT16`
    public static var valueType: ConfigurationMap.ValueType { .int16 }
}

extension UInt16: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_UINT16`
    public static var valueType: ConfigurationMap.ValueType { .uint16 }
}

extension Int32: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_INT32`
    public static var valueType: ConfigurationMap.ValueType { .int32 }
}

extension UInt32: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_UINT32`
    public static var valueType: ConfigurationMap.ValueType { .uint32 }
}

extension Int64: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_INT64`
    public static var valueType: ConfigurationMap.ValueType { .int64 }
}

extension UInt64: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_UINT64`
    public static var valueType: ConfigurationMap.ValueType { .uint64 }
}

extension Float: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_FLOAT`
    public static var valueType: ConfigurationMap.ValueType { .float }
}

extension Double: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_DOUBLE`
    public static var valueType: ConfigurationMap.ValueType { .double }
}

extension String: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_STRING`
    public static var valueType: ConfigurationMap.ValueType { .string }

    /// The text before the NUL; bytes that are not UTF-8 are replaced by U+FFFD.
    public init?(valueBytes: [UInt8]) {
        self.init(decoding: valueBytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

extension [UInt8]: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_BINARY`
    public static var valueType: ConfigurationMap.ValueType { .binary }

    /// The bytes themselves.
    public init?(valueBytes: [UInt8]) { self = valueBytes }
}
