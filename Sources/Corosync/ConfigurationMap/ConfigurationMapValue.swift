// SPDX-License-Identifier: MIT

/// A Swift type for a value of the configuration map.
public protocol ConfigurationMapValue: Sendable {
    /// The type of values it stands for.
    static var valueType: ConfigurationMap.ValueType { get }
    /// A value from the bytes that corosync stores; nil when there are too few.
    init?(valueBytes: [UInt8])
    /// The bytes for corosync to store.
    var valueBytes: [UInt8] { get }
}

extension ConfigurationMapValue where Self: FixedWidthInteger & BitwiseCopyable {
    /// An integer from its bytes in memory order; nil when there are too few.
    public init?(valueBytes: [UInt8]) { self.init(memory: valueBytes) }

    /// The bytes of the integer in memory order.
    public var valueBytes: [UInt8] { withUnsafeBytes(of: self, Array.init) }
}

extension ConfigurationMapValue where Self: BinaryFloatingPoint & BitwiseCopyable {
    /// A number from its bytes in memory order; nil when there are too few.
    public init?(valueBytes: [UInt8]) { self.init(memory: valueBytes) }

    /// The bytes of the number in memory order.
    public var valueBytes: [UInt8] { withUnsafeBytes(of: self, Array.init) }
}

extension ConfigurationMapValue where Self: BitwiseCopyable {
    /// A value of which every pattern of bits is one.
    fileprivate init?(memory: [UInt8]) {
        guard memory.count >= MemoryLayout<Self>.size else { return nil }
        self = memory.withUnsafeBytes { $0.loadUnaligned(as: Self.self) }
    }
}

extension ConfigurationMapValue where Self: RawRepresentable, RawValue: ConfigurationMapValue {
    /// The type of the raw value.
    public static var valueType: ConfigurationMap.ValueType { RawValue.valueType }

    /// A value from the bytes of its raw value; nil when there are too few, or no value has this raw value.
    public init?(valueBytes: [UInt8]) {
        guard let rawValue = RawValue(valueBytes: valueBytes) else { return nil }
        self.init(rawValue: rawValue)
    }

    /// The bytes of the raw value.
    public var valueBytes: [UInt8] { rawValue.valueBytes }
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

    /// The text as UTF-8, and the NUL.
    public var valueBytes: [UInt8] { Array(utf8) + [0] }
}

extension [UInt8]: ConfigurationMapValue {
    /// `CMAP_VALUETYPE_BINARY`
    public static var valueType: ConfigurationMap.ValueType { .binary }

    /// The bytes themselves.
    public init?(valueBytes: [UInt8]) { self = valueBytes }

    /// The bytes themselves.
    public var valueBytes: [UInt8] { self }
}
