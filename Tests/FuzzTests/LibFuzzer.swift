// SPDX-License-Identifier: MIT

internal import Glibc

/// The function that libFuzzer calls with every input. Built for `make fuzz` only: see Package.swift.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let check = PropertyCheck(on: Array(UnsafeBufferPointer(start: bytes, count: count)))
    guard check.passes else {
        print("finding: \(check.problems.joined(separator: "\n"))")
        fflush(nil)
        // libFuzzer handles the signal and saves the input.
        abort()
    }
    return 0
}
