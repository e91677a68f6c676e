// SPDX-License-Identifier: MIT

internal import Glibc

/// What libFuzzer calls with every input that it makes up. In `make fuzz` alone: see Package.swift.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let verdict = Verdict(on: Array(UnsafeBufferPointer(start: bytes, count: count)))
    guard verdict.isGood else {
        print("finding: \(verdict.problems.joined(separator: "\n"))")
        fflush(nil)
        // libFuzzer takes the signal, and keeps the input.
        abort()
    }
    return 0
}
