// SPDX-License-Identifier: MIT

internal import QuorumWatch

@testable internal import QuorumCommand

extension PropertyCheck {
    /// Every parser of the command line either reads an argument correctly or refuses it.
    mutating func check(argument: String) {
        countCase()
        let bytes = Array(argument.utf8)
        if let duration = try? parseDuration(argument) {
            let isWritten = bytes.allSatisfy { "0123456789.msh".utf8.contains($0) }
            check(
                isWritten && duration >= .zero && duration <= .seconds(365 * 86400),
                "duration \(argument.debugDescription): \(duration)")
            // A positive duration must not be rounded to 0, which means "never" for some options.
            check(
                duration > .zero || !bytes.contains { (0x31...0x39).contains($0) },
                "duration \(argument.debugDescription): \(duration)")
        }
        if let kinds = try? parseEventKinds(argument) {
            let names = bytes.split(separator: 0x2C, omittingEmptySubsequences: false).map(Array.init)
            check(
                Set(kinds.map { Array($0.rawValue.utf8) }) == Set(names),
                "events \(argument.debugDescription): \(kinds)")
        }
        if let count = try? parseNumber(argument, of: "events", in: 1...Int.max) {
            check(
                count >= 1 && Int(argument) == count && bytes[0] != 0x2B, "count \(argument.debugDescription): \(count)"
            )
        }
        if let margin = try? parseNumber(argument, of: "votes", in: 0...Int(UInt32.max)) {
            check(
                UInt32(argument).map(Int.init) == margin && bytes[0] != 0x2B,
                "margin \(argument.debugDescription): \(margin)")
        }
        if let condition = try? Condition(parsing: argument) {
            check(Array("\(condition)".utf8) == bytes, "condition \(argument.debugDescription): \(condition)")
        }
    }

    /// A duration is exact to the millisecond, and at most a year.
    mutating func check(duration: (number: Int64, unit: String, milliseconds: Int64)) {
        countCase()
        let milliseconds = duration.number * duration.milliseconds
        let expected: Duration? = milliseconds <= 365 * 86_400_000 ? .milliseconds(milliseconds) : nil
        let text = "\(duration.number)\(duration.unit)"
        let found = try? parseDuration(text)
        check(found == expected, "duration \(text): \(String(describing: found))")
    }
}
