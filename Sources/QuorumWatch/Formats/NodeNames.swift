// SPDX-License-Identifier: MIT

internal import Corosync

/// The names of nodes in text for people: the name alone where it is unambiguous, else `name(id)`, or the ID.
struct NodeNames {
    /// The maximum length of a list that is not abbreviated.
    static let mostListed = 8

    private let ambiguous: Set<String>

    /// Names that are unambiguous among these nodes.
    init(among nodes: some Sequence<NodeReference>) {
        var (seen, ambiguous): (Set<String>, Set<String>) = ([], [])
        for case let name? in nodes.map(\.name) where !seen.insert(name).inserted { ambiguous.insert(name) }
        self.ambiguous = ambiguous
    }

    /// A node.
    func text(_ node: NodeReference) -> String {
        guard let name = node.name, !name.isEmpty, !ambiguous.contains(name), name.utf8.contains(where: isNoDigit),
            !name.utf8.contains(where: isPunctuation)
        else { return node.text }
        return escaped(name, limit: 64)
    }

    /// A list of nodes, in the order of their IDs, or `none`. Long lists look like `node1 … node9, node12 (10 nodes)`.
    func text(_ nodes: [NodeReference]) -> String {
        guard !nodes.isEmpty else { return "none" }
        let names = nodes.map { text($0) }
        return names.count <= Self.mostListed
            ? names.joined(separator: ", ") : "\(abbreviated(names)) (\(names.count) nodes)"
    }

    /// A list of nodes in a sentence: `node1, node2 and node3`.
    func sentence(_ nodes: [NodeReference], _ conjunction: String = "and") -> String {
        nodes.count > Self.mostListed ? text(nodes) : list(nodes.map { text($0) }, conjunction)
    }

    private func isNoDigit(_ byte: UInt8) -> Bool { !(0x30...0x39).contains(byte) }

    /// Whether a name with this character could be mistaken for more than one name, or for text.
    private func isPunctuation(_ byte: UInt8) -> Bool { " ,;:()".utf8.contains(byte) }
}

/// Abbreviates a long list: of names with consecutive numbers, keeps the first and the last; keeps as many others as
/// the limit allows.
func abbreviated(_ names: [String], separator: String = ", ") -> String {
    var parts: [String] = []
    var rest = names[...]
    while let first = rest.first {
        guard parts.count < NodeNames.mostListed else { return (parts + ["…"]).joined(separator: separator) }
        var run = 1
        while run < rest.count, isNext(rest[rest.startIndex + run], after: rest[rest.startIndex + run - 1]) { run += 1 }
        if run > 2 {
            parts.append("\(first) … \(rest[rest.startIndex + run - 1])")
        } else {
            parts.append(first)
            run = 1
        }
        rest = rest.dropFirst(run)
    }
    return parts.joined(separator: separator)
}

extension Sequence {
    /// The elements in groups with the same key, each in the place of its first element.
    func grouped<Key: Equatable>(by key: (Element) -> Key) -> [(key: Key, elements: [Element])] {
        var groups: [(key: Key, elements: [Element])] = []
        for element in self {
            let key = key(element)
            if let index = groups.firstIndex(where: { $0.key == key }) {
                groups[index].elements.append(element)
            } else {
                groups.append((key, [element]))
            }
        }
        return groups
    }
}

/// `a`, `a and b`, `a, b and c`
package func list(_ words: [String], _ conjunction: String = "and") -> String {
    guard words.count > 1, let last = words.last else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
}

/// A number with a noun in the singular or plural.
func count(_ number: some BinaryInteger, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

/// Whether a name equals another one with the next number at its end.
private func isNext(_ name: String, after other: String) -> Bool {
    func parts(_ name: String) -> (stem: Substring.UTF8View, digits: Substring.UTF8View) {
        let digits = name.utf8.reversed().prefix { (0x30...0x39).contains($0) }.count
        let start = name.utf8.index(name.utf8.endIndex, offsetBy: -digits)
        return (name[..<start].utf8, name[start...].utf8)
    }
    let (one, next) = (parts(other), parts(name))
    guard one.stem.elementsEqual(next.stem), let number = UInt32(Substring(one.digits)), number < .max else {
        return false
    }
    // Leading zeros must be kept: 10 follows 09, and 010 does not follow 9.
    let wanted = String(number + 1)
    let zeros = max(0, one.digits.count - wanted.utf8.count)
    return Substring(next.digits) == String(repeating: "0", count: zeros) + wanted
}
