// SPDX-License-Identifier: MIT

internal import ArgumentParser
internal import Corosync
internal import QuorumWatch

/// An option value that is one of a fixed set of words.
///
/// The extension repeats ArgumentParser's default implementations, because those use a key path and reflection, which
/// take a tenth of the program's start time.
protocol WordArgument: ExpressibleByArgument, CaseIterable, RawRepresentable<String> {}

extension WordArgument {
    init?(argument: String) { self.init(rawValue: argument) }
    static var allValueStrings: [String] { allCases.map { $0.rawValue } }
    static var allValueDescriptions: [String: String] { [:] }
    var defaultValueDescription: String { rawValue }
}

enum FormatArgument: String, WordArgument {
    case text, json, prometheus
}

enum ColorArgument: String, WordArgument {
    case auto, always, never
}

enum DispatchArgument: String, WordArgument {
    case all
    case one
    case blocking
    case oneNonblocking = "one-nonblocking"

    var mode: DispatchMode {
        switch self {
        case .all: .all
        case .one: .one
        case .blocking: .blocking
        case .oneNonblocking: .oneNonblocking
        }
    }
}

/// A length of time: `500ms`, `10s`, `2m`, `1h`, or a plain number of seconds.
func parseDuration(_ argument: String) throws -> Duration {
    let problem = ValidationError("write 500ms, 10s, 2m, 1h, or a plain number of seconds")
    let units: [(suffix: String, milliseconds: Double)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
    let unit = units.first { argument.hasSuffix($0.suffix) } ?? ("", 1000)
    let number = argument.dropLast(unit.suffix.count)
    // Only digits and a point: Double itself also accepts signs, exponents, hexadecimal digits and infinity.
    guard !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }),
        let value = Double(number)
    else { throw problem }
    let milliseconds = value * unit.milliseconds
    guard milliseconds <= 365 * 86_400_000 else { throw ValidationError("use at most a year (8760h)") }
    // A number with too many zeros after the point for Double is 0 for it. The shortest length is a millisecond, because
    // for some options 0 means "never".
    let isZero = number.utf8.allSatisfy { $0 == 0x30 || $0 == 0x2E }
    return .milliseconds(isZero ? 0 : max(1, Int64(milliseconds.rounded(.up))))
}

/// A comma separated list of the kinds of events.
func parseEventKinds(_ argument: String) throws -> Set<EventKind> {
    var kinds: Set<EventKind> = []
    for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
        guard let kind = EventKind.ofWatch.first(where: { $0.rawValue == name }) else {
            let known = EventKind.ofWatch.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("there is no event '\(name)'; choose from \(known)")
        }
        kinds.insert(kind)
    }
    return kinds
}

func parsePath(_ argument: String) throws -> String {
    guard !argument.isEmpty, argument.utf8.last != UInt8(ascii: "/") else {
        throw ValidationError("write the path of a file")
    }
    // Bytes that are not UTF-8 were replaced, which would be another path.
    guard !argument.unicodeScalars.contains("\u{FFFD}") else { throw ValidationError("write a path in UTF-8") }
    return argument
}

/// A number in decimal digits.
func parseNumber(_ argument: String, of unit: String, in range: ClosedRange<Int>) throws -> Int {
    guard argument.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(argument), range.contains(number)
    else {
        let highest = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
        throw ValidationError("write a number of \(unit), \(range.lowerBound) \(highest)")
    }
    return number
}
