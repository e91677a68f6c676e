// SPDX-License-Identifier: MIT

internal import CCorosync

extension ConfigurationMap {
    /// The type of a value (`cmap_value_types_t`). Numbers without a name are kept.
    public struct ValueType: RawRepresentable, Hashable, Sendable {
        /// The value of the C constant.
        public let rawValue: UInt32

        /// A type from the value of its C constant.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        init(_ type: cmap_value_types_t) { rawValue = UInt32(type.rawValue) }

        var cValue: cmap_value_types_t { .init(rawValue: rawValue) }

        /// `CMAP_VALUETYPE_INT8`
        public static let int8 = ValueType(CMAP_VALUETYPE_INT8)
        /// `CMAP_VALUETYPE_UINT8`
        public static let uint8 = ValueType(CMAP_VALUETYPE_UINT8)
        /// `CMAP_VALUETYPE_INT16`
        public static let int16 = ValueType(CMAP_VALUETYPE_INT16)
        /// `CMAP_VALUETYPE_UINT16`
        public static let uint16 = ValueType(CMAP_VALUETYPE_UINT16)
        /// `CMAP_VALUETYPE_INT32`
        public static let int32 = ValueType(CMAP_VALUETYPE_INT32)
        /// `CMAP_VALUETYPE_UINT32`
        public static let uint32 = ValueType(CMAP_VALUETYPE_UINT32)
        /// `CMAP_VALUETYPE_INT64`
        public static let int64 = ValueType(CMAP_VALUETYPE_INT64)
        /// `CMAP_VALUETYPE_UINT64`
        public static let uint64 = ValueType(CMAP_VALUETYPE_UINT64)
        /// `CMAP_VALUETYPE_FLOAT`
        public static let float = ValueType(CMAP_VALUETYPE_FLOAT)
        /// `CMAP_VALUETYPE_DOUBLE`
        public static let double = ValueType(CMAP_VALUETYPE_DOUBLE)
        /// `CMAP_VALUETYPE_STRING`
        public static let string = ValueType(CMAP_VALUETYPE_STRING)
        /// `CMAP_VALUETYPE_BINARY`
        public static let binary = ValueType(CMAP_VALUETYPE_BINARY)
    }
}

extension ConfigurationMap.ValueType: CustomStringConvertible {
    /// The type's name in the output of corosync-cmapctl(8): `u32`, `str`; or `type_77` for a number without a name.
    public var description: String {
        switch self {
        case .int8: "i8"
        case .uint8: "u8"
        case .int16: "i16"
        case .uint16: "u16"
        case .int32: "i32"
        case .uint32: "u32"
        case .int64: "i64"
        case .uint64: "u64"
        case .float: "flt"
        case .double: "dbl"
        case .string: "str"
        case .binary: "bin"
        default: "type_\(rawValue)"
        }
    }
}
