// SPDX-License-Identifier: MIT

import TestSupport

/// The output of a monitoring plugin, parsed strictly by the grammar of the monitoring plugin guidelines:
/// `SERVICE STATUS - text | 'label'=value[UOM];[warn];[crit];[min];[max] …`.
struct PluginLine {
    /// A measured value.
    struct Datum: Equatable {
        var value: Double
        var unit = ""
        /// The ranges in which there is no alert.
        var warning: ClosedRange<Double>?
        var critical: ClosedRange<Double>?
        var minimum: Double?
        var maximum: Double?
    }

    let service: String
    let status: String
    let text: String
    let data: [String: Datum]

    /// Reads the whole output of a plugin.
    init(_ output: [UInt8]) throws {
        guard output.count <= 1024, output.last == 0x0A, let line = String(validating: output, as: UTF8.self) else {
            throw TestFailure("not one line of at most 1024 bytes: \(String(decoding: output, as: UTF8.self))")
        }
        guard !line.dropLast().unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw TestFailure("a control character: \(line)")
        }
        let parts = line.dropLast().split(separator: "|", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            let head = parts[0].wholeMatch(of: #/([A-Z]+) (OK|WARNING|CRITICAL|UNKNOWN) - (.+?) ?/#)?.output
        else { throw TestFailure("no plugin line: \(line)") }
        (service, status, text) = (String(head.1), String(head.2), String(head.3))
        var data: [String: Datum] = [:]
        if parts.count == 2 {
            guard parts[1].hasPrefix(" "), !parts[1].hasSuffix(" ") else { throw TestFailure("blanks: \(line)") }
            for word in parts[1].dropFirst().split(separator: " ", omittingEmptySubsequences: false) {
                let (label, datum) = try Self.datum(word)
                guard data.updateValue(datum, forKey: label) == nil else { throw TestFailure("twice: \(label)") }
            }
        }
        self.data = data
    }

    private static func datum(_ word: Substring) throws -> (String, Datum) {
        let number = #/-?[0-9]+(?:\.[0-9]+)?/#
        guard
            let match = word.wholeMatch(
                of: #/([^=' ]+|'[^=']+')=(-?[0-9]+(?:\.[0-9]+)?)([a-zA-Z%]*)((?:;[^; ]*){0,4})/#)
        else { throw TestFailure("no performance data: \(word)") }
        let fields = match.4.split(separator: ";", omittingEmptySubsequences: false).dropFirst().map(String.init)
        func limit(_ index: Int) throws -> Double? {
            guard index < fields.count, !fields[index].isEmpty else { return nil }
            guard fields[index].wholeMatch(of: number) != nil else { throw TestFailure("no number: \(word)") }
            return Double(fields[index])
        }
        func range(_ index: Int) throws -> ClosedRange<Double>? {
            guard index < fields.count, !fields[index].isEmpty else { return nil }
            // `10`, `10:`, `~:10`, `10:20`. vqwatch does not use the inverted ranges with `@`.
            guard let parts = fields[index].wholeMatch(of: #/(?:(~|-?[0-9.]+):)?(-?[0-9.]+)?/#)?.output,
                parts.1 != nil || parts.2 != nil
            else { throw TestFailure("no range: \(word)") }
            let low = parts.1 == "~" ? -Double.infinity : parts.1.flatMap { Double($0) } ?? 0
            return low...(parts.2.flatMap { Double($0) } ?? .infinity)
        }
        let label = match.1.hasPrefix("'") ? match.1.dropFirst().dropLast() : match.1
        return (
            String(label),
            Datum(
                value: Double(match.2)!, unit: String(match.3), warning: try range(0), critical: try range(1),
                minimum: try limit(2), maximum: try limit(3))
        )
    }
}
