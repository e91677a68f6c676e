// SPDX-License-Identifier: MIT

extension OptionSet where Element == Self, RawValue: FixedWidthInteger {
    /// The names of the bits that are set, in the order of `named`, and each other bit as a hexadecimal number:
    /// `[.quorate, .waitForAll, 0x800]`.
    func describe(_ named: [(option: Self, name: String)]) -> String {
        "[\(names(named.map { ($0.option, "." + $0.name) }).joined(separator: ", "))]"
    }

    /// The names of the bits that are set, in the order of `named`, and each other bit as a hexadecimal number.
    func names(_ named: [(option: Self, name: String)]) -> [String] {
        var names: [String] = []
        var rest = self
        for (option, name) in named where contains(option) {
            names.append(name)
            rest.subtract(option)
        }
        for bit in 0..<RawValue.bitWidth where rest.rawValue & (1 << bit) != 0 {
            names.append("0x" + String(1 << UInt64(bit), radix: 16))
        }
        return names
    }
}
