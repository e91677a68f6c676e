// SPDX-License-Identifier: MIT

extension OptionSet where Element == Self, RawValue: FixedWidthInteger {
    /// The names of the bits that are set, in the order of `named`, and each other bit as a hexadecimal number:
    /// `[.quorate, .waitForAll, 0x800]`.
    func describe(_ named: [(flag: Self, name: String)]) -> String {
        "[\(names(named.map { ($0.flag, "." + $0.name) }).joined(separator: ", "))]"
    }

    /// The names of the bits that are set, in the order of `named`, and each other bit as a hexadecimal number.
    @inlinable
    package func names(_ named: [(flag: Self, name: String)]) -> [String] {
        var names: [String] = []
        var rest = self
        for (flag, name) in named where contains(flag) {
            names.append(name)
            rest.subtract(flag)
        }
        guard !rest.isEmpty else { return names }
        for bit in 0..<RawValue.bitWidth where rest.rawValue & (1 << bit) != 0 {
            names.append("0x" + String(1 << UInt64(bit), radix: 16))
        }
        return names
    }
}
