// SPDX-License-Identifier: MIT

extension StandIn {
    /// What is wrong with a script.
    public struct Mistake: Error, CustomStringConvertible {
        /// The line, counted from 1, and what is wrong with it.
        public let description: String

        init(_ description: String) { self.description = description }
    }

    /// Checks a script, and turns it into the records that the library loads.
    static func records(of script: String) throws(Mistake) -> String {
        var records = ""
        var isTimeline = false
        for (index, line) in script.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            do throws(Mistake) {
                guard var statement = try Statement(line) else { continue }
                if statement.name == "timeline", isTimeline { throw Mistake("timeline is already there") }
                isTimeline = isTimeline || statement.name == "timeline"
                if !isTimeline, statement.isOfTimeline { throw Mistake("\(statement.name) belongs behind timeline") }
                for fields in try statement.records() {
                    records += ([statement.name] + fields).joined(separator: " ") + "\n"
                }
            } catch {
                throw Mistake("line \(index + 1): \(error)")
            }
        }
        return records
    }
}

/// A statement of a script.
private struct Statement {
    let name: String
    /// Those behind the name that have not been read.
    private var words: [[UInt8]]

    /// Splits a line at its blanks; `nil` for an empty one.
    init?(_ line: Substring) throws(StandIn.Mistake) {
        words = []
        var rest = line.utf8
        var isInside = false
        while var byte = rest.popFirst() {
            guard byte != UInt8(ascii: " ") else {
                isInside = false
                continue
            }
            if byte == UInt8(ascii: "\\") {
                switch rest.popFirst().map({ Character(Unicode.Scalar($0)) }) {
                case "n": byte = UInt8(ascii: "\n")
                case "s": byte = UInt8(ascii: " ")
                case "\"": byte = UInt8(ascii: "\"")
                case "\\": break
                case "x":
                    guard rest.count >= 2, let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16) else {
                        throw StandIn.Mistake("\\x needs two hexadecimal digits")
                    }
                    rest.removeFirst(2)
                    byte = value
                case let other: throw StandIn.Mistake("\\\(other.map(String.init) ?? "") is no escape")
                }
            }
            if !isInside { words.append([]) }
            isInside = true
            words[words.count - 1].append(byte)
        }
        guard !words.isEmpty else { return nil }
        name = String(decoding: words.removeFirst(), as: UTF8.self)
    }

    var isOfTimeline: Bool {
        ["hangup", "wait", "await", "nodelist", "quorum", "expected", "flood"].contains(name)
    }

    /// The fields of the records that the statement stands for.
    mutating func records() throws(StandIn.Mistake) -> [[String]] {
        let fields = try fields()
        if let word = words.first {
            throw StandIn.Mistake("\(name) does not take \(String(decoding: word, as: UTF8.self))")
        }
        guard ["fail", "delay", "hang"].contains(name) else { return [fields] }
        let pattern = fields[0]
        let functions = StandIn.functions.filter {
            pattern.hasSuffix("*") ? $0.hasPrefix(pattern.dropLast()) : $0 == pattern
        }
        guard !functions.isEmpty else { throw StandIn.Mistake("there is no function \(pattern)") }
        return functions.map { [$0] + fields.dropFirst() }
    }

    /// The fields of a record, in its order. The function of a fault may still be a pattern.
    private mutating func fields() throws(StandIn.Mistake) -> [String] {
        switch name {
        case "timeline", "mend", "await": []
        case "wait", "statistics-interval": [try number(try text())]
        case "nodes": [try number(try text()), try option("links").map(number) ?? "0"]
        case "node":
            [try number(try text())]
                + [
                    try option("state").map(state), try option("votes").map(number), try option("expected").map(number),
                    try option("flags").map(flags),
                ].map { $0 ?? "-1" }
        case "flags": [try flags(try text())]
        case "quorate", "total", "highest", "threshold", "expected-votes": [try number(try text(), or: ["auto": -1])]
        case "qdevice": [device(try word()), try option("votes").map(number) ?? "0"]
        case "key": try key()
        case "key-delete": [try keyName()]
        case "fail": [try text(), try number(try text()), try number(try text(), or: Self.errors)] + (try scope())
        case "delay": [try text(), try number(try text()), try number(try text())] + (try scope())
        case "hang": [try text(), try number(try text()), "0"] + (try scope())
        case "hangup": [try choice("all", "votequorum", "cmap")]
        case "nodelist": [try ring(), try list(number)]
        case "quorum": [try number(try text(), or: ["auto": -1, "same": -2]), try list(idAndState)]
        case "expected": [try number(try text(), or: ["same": -2])]
        case "flood": [try number(try text()), try choice("quorum", "expected", "alternate")]
        default: throw StandIn.Mistake("there is no statement \(name)")
        }
    }

    // MARK: Fields

    private static let states = Dictionary(
        uniqueKeysWithValues: StandIn.constants(in: "votequorum", "VOTEQUORUM_NODESTATE_").map {
            ($0.name.lowercased(), $0.number)
        } + [("absent", Int(UInt32.max))])
    private static let flags = Dictionary(
        uniqueKeysWithValues: StandIn.constants(in: "votequorum", "VOTEQUORUM_INFO_").map {
            ($0.name.lowercased(), $0.number)
        })
    private static let types = Dictionary(
        uniqueKeysWithValues: StandIn.constants(in: "cmap", "CMAP_VALUETYPE_").map { ($0.name.lowercased(), $0.number) }
    )
    private static let errors = Dictionary(uniqueKeysWithValues: StandIn.errors.map { ($0.name, $0.number) })

    private mutating func word() throws(StandIn.Mistake) -> [UInt8] {
        guard !words.isEmpty else { throw StandIn.Mistake("\(name) needs more") }
        return words.removeFirst()
    }

    private mutating func text() throws(StandIn.Mistake) -> String { String(decoding: try word(), as: UTF8.self) }

    /// The value of a word `name=value`, wherever it stands.
    private mutating func option(_ name: String) -> String? {
        let prefix = Array("\(name)=".utf8)
        guard let index = words.firstIndex(where: { $0.starts(with: prefix) }) else { return nil }
        return String(decoding: words.remove(at: index).dropFirst(prefix.count), as: UTF8.self)
    }

    private func number(_ text: String) throws(StandIn.Mistake) -> String { try number(text, or: [:]) }

    private func number(_ text: String, or names: [String: Int]) throws(StandIn.Mistake) -> String {
        if let number = names[text] { return "\(number)" }
        let number = text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
        guard let number else {
            throw StandIn.Mistake("\(text) is no number up to \(UInt32.max), and no name known here")
        }
        return "\(number)"
    }

    private func state(_ text: String) throws(StandIn.Mistake) -> String { try number(text, or: Self.states) }

    private func flags(_ text: String) throws(StandIn.Mistake) -> String {
        var flags = 0
        for flag in text.split(separator: ",") { flags |= Int(try number(String(flag), or: Self.flags)) ?? 0 }
        return "\(flags)"
    }

    /// `times=`, `node=` and `key=` of a fault.
    private mutating func scope() throws(StandIn.Mistake) -> [String] {
        var times = try option("times").map(number) ?? "1"
        if let forever = words.firstIndex(of: Array("forever".utf8)) {
            words.remove(at: forever)
            times = "-1"
        }
        return [times, try option("node").map(number) ?? "-1", option("key") ?? "none"]
    }

    private mutating func choice(_ choices: String...) throws(StandIn.Mistake) -> String {
        if words.isEmpty { return choices[0] }
        let choice = try text()
        guard choices.contains(choice) else { throw StandIn.Mistake("\(choice) is none of \(choices)") }
        return choice
    }

    private mutating func ring() throws(StandIn.Mistake) -> String {
        let ring = words.isEmpty ? "next" : try text()
        let parts = ring.split(separator: ".")
        let isID = parts.count == 2 && UInt32(parts[0], radix: 16) != nil && UInt64(parts[1], radix: 16) != nil
        guard isID || ring == "next" || ring == "same" else {
            throw StandIn.Mistake("\(ring) is not NODE.SEQUENCE in hexadecimal")
        }
        return ring
    }

    /// `all` (the default), `none`, or elements with commas between.
    private mutating func list(
        _ element: (String) throws(StandIn.Mistake) -> String
    ) throws(StandIn.Mistake) -> String {
        let list = words.isEmpty ? "all" : try text()
        guard list != "all", list != "none" else { return list }
        var elements: [String] = []
        for text in list.split(separator: ",") { elements.append(try element(String(text))) }
        return elements.joined(separator: ",")
    }

    private func idAndState(_ text: String) throws(StandIn.Mistake) -> String {
        let parts = text.split(separator: "=").map(String.init)
        guard parts.count == 2 else { throw StandIn.Mistake("\(text) is not ID=STATE") }
        return "\(try number(parts[0]))=\(try state(parts[1]))"
    }

    private func device(_ name: [UInt8]) -> String { name == Array("none".utf8) ? "none" : hex(name) }

    // MARK: Keys

    private mutating func keyName() throws(StandIn.Mistake) -> String {
        let key = try text()
        guard key.utf8.count <= 255, !key.contains(where: { " \n\0".contains($0) }) else {
            throw StandIn.Mistake("a key has a name of at most 255 bytes, without blanks")
        }
        return key
    }

    private mutating func key() throws(StandIn.Mistake) -> [String] {
        let (key, type, value) = (try keyName(), try number(try text(), or: Self.types), try word())
        let text = String(decoding: value, as: UTF8.self)
        let bytes: [UInt8]? =
            switch type {
            case "1": Int8(text).map(memory)
            case "2": UInt8(text).map(memory)
            case "3": Int16(text).map(memory)
            case "4": UInt16(text).map(memory)
            case "5": Int32(text).map(memory)
            case "6": UInt32(text).map(memory)
            case "7": Int64(text).map(memory)
            case "8": UInt64(text).map(memory)
            case "9": Float(text).map(memory)
            case "10": Double(text).map(memory)
            case "11": value.prefix { $0 != 0 } + [0]
            default: value
            }
        guard let bytes else { throw StandIn.Mistake("\(text) is no value of this type") }
        return [key, type, hex(bytes)]
    }

    private func memory<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] { withUnsafeBytes(of: value, Array.init) }

    private func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
