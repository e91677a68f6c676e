// SPDX-License-Identifier: MIT

internal import Corosync

/// A corosync.conf(5): its settings under the names that they have in the configuration map.
///
/// Lines are read as corosync does (`parse_section` in exec/coroparse.c), except that a line with an error is ignored.
struct ConfigurationFile: Hashable, Sendable {
    /// How the file differs from the configuration that corosync runs with.
    enum Difference: Hashable, Sendable {
        /// Settings of the nodelist or the quorum section have other values.
        case settings(String)
        /// Corosync would refuse the file because of this error.
        case error(String)
    }

    /// The values by key, such as `quorum.provider` and `nodelist.node.0.name`.
    private(set) var settings: [String: String] = [:]
    /// The first error for which corosync refuses the file; nil if there is none.
    private(set) var error: String?

    /// The settings of a whole file.
    init(parsing bytes: [UInt8]) {
        var sections: [String] = []
        var nodes = 0
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = trimmed(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            var error: String?
            if let brace = line.firstIndex(of: UInt8(ascii: "{")) {
                sections.append(name(line[..<brace]))
                if !line[(brace + 1)...].isEmpty { error = "has text after the opening brace" }
            } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
                var path = sections
                if path.starts(with: Self.node) { path.insert("\(nodes)", at: Self.node.count) }
                let key = (path + [name(line[..<colon])]).joined(separator: ".")
                settings[key] = String(decoding: trimmed(line[(colon + 1)...]), as: UTF8.self)
            } else if line.elementsEqual("}".utf8) {
                if sections == Self.node { nodes += 1 }
                if sections.popLast() == nil { error = "closes a section that is not open" }
            } else {
                error = "is neither a section nor a setting"
            }
            if let error, self.error == nil { self.error = "line \(index + 1) \(error)" }
        }
        if !sections.isEmpty, error == nil { error = "section \(sections.joined(separator: ".")) is not closed" }
    }

    private static let node = ["nodelist", "node"]
}

/// Without the blanks at both ends. Corosync counts the byte 0xA0 as one.
private func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0xA0 }
    guard let last = bytes.lastIndex(where: { !isBlank($0) }) else { return [] }
    return bytes[...last].drop(while: isBlank)
}

/// The name of a section or a key, without blanks, and without the colon or brace that may end it.
private func name(_ bytes: ArraySlice<UInt8>) -> String {
    var bytes = trimmed(bytes)
    while let last = bytes.last, ":{".utf8.contains(last) { bytes = trimmed(bytes.dropLast()) }
    return String(decoding: bytes, as: UTF8.self)
}

// MARK: - Comparison

extension ConfigurationFile {
    /// Compares nodelist and quorum section with those of the running corosync, if there is no error in the file.
    ///
    /// - Parameters:
    ///   - running: The values of the configuration map under `nodelist.node.` and `quorum.`.
    ///   - clusterName: `totem.cluster_name` of the configuration map.
    /// - Returns: The difference; nil if there is none, or if the file is of another cluster.
    func difference(from running: [String: ConfigurationMap.Value], clusterName: String?) -> Difference? {
        // A file without a name is not that of another cluster: it may be empty or damaged.
        if let name = settings["totem.cluster_name"], name != clusterName { return nil }
        if let error { return .error(escaped(error)) }
        let runningNodes = Self.nodes(of: running, \.text)
        var (fileNodes, differences): ([NodeLabel: [String: String]], [String]) = ([:], [])
        for (label, node) in Self.nodes(of: settings, \.self) {
            // Without an ID, corosync derives one from the address.
            let sameAddress = runningNodes.first { running in
                node["nodeid"] == nil
                    && node["ring0_addr"].map { running.value["ring0_addr"]?.holds($0) == true } ?? false
            }
            fileNodes[sameAddress?.key ?? label] = node
        }
        for label in Set(fileNodes.keys).union(runningNodes.keys).sorted() {
            switch (fileNodes[label], runningNodes[label]) {
            case (let inFile?, let inMap?):
                let hasID = inFile["nodeid"] != nil
                differences += Self.differences(inFile, inMap.filter { hasID || $0.key != "nodeid" }) {
                    "\($0) of \(label)"
                }
            case (nil, _): differences.append("\(label) is missing in the file")
            case (_, nil): differences.append("\(label) is in the file only")
            }
        }
        differences += Self.differences(
            settings.filter { $0.key.hasPrefix("quorum.") },
            // A command to votequorum, not a setting.
            running.filter { $0.key.hasPrefix("quorum.") && $0.key != "quorum.cancel_wait_for_all" }, label: { $0 })
        let most = 3
        guard !differences.isEmpty else { return nil }
        return .settings(
            differences.prefix(most).joined(separator: ", ")
                + (differences.count > most ? " and \(differences.count - most) more" : ""))
    }

    private static func differences(
        _ file: [String: String], _ running: [String: ConfigurationMap.Value], label: (String) -> String
    ) -> [String] {
        Set(file.keys).union(running.keys).sorted().compactMap { key in
            let (inFile, inMap) = (file[key], running[key])
            if let inFile, let inMap, inMap.holds(inFile) { return nil }
            func words(_ value: String?) -> String { value.map { escaped($0, limit: 64) } ?? "not set" }
            return "\(escaped(label(key), limit: 64)) is \(words(inFile)) in the file and "
                + "\(words(inMap?.text)) in corosync"
        }
    }

    /// A node of a nodelist, by ID, or where there is none by position.
    private struct NodeLabel: Hashable, Comparable, CustomStringConvertible {
        var id: UInt32?
        var position: Int

        var description: String { id.map { "node \($0)" } ?? "the node at position \(position)" }

        static func < (one: NodeLabel, other: NodeLabel) -> Bool {
            (one.id ?? .max, one.position) < (other.id ?? .max, other.position)
        }
    }

    /// The settings of each node.
    private static func nodes<Value>(
        of settings: [String: Value], _ text: (Value) -> String
    ) -> [NodeLabel: [String: Value]] {
        var nodes: [NodeLabel: [String: Value]] = [:]
        for (position, node) in nodesByPosition(in: settings) {
            let id = node["nodeid"].flatMap { UInt32(text($0)) }
            nodes[NodeLabel(id: id, position: id == nil ? position : 0)] = node
        }
        return nodes
    }
}

/// The settings under `nodelist.node.`, for each node by its position.
func nodesByPosition<Value>(in settings: [String: Value]) -> [Int: [String: Value]] {
    var nodes: [Int: [String: Value]] = [:]
    for (key, value) in settings where key.hasPrefix("nodelist.node.") {
        let parts = key.split(separator: ".", maxSplits: 3)
        guard parts.count == 4, let position = Int(parts[2]) else { continue }
        nodes[position, default: [:]][String(parts[3])] = value
    }
    return nodes
}

extension ConfigurationMap.Value {
    /// The value as text; numbers in decimal.
    fileprivate var text: String { converted(to: String.self) ?? number.map { "\($0)" } ?? "a value of type \(type)" }

    /// Whether the value is that of a text in the file.
    fileprivate func holds(_ text: String) -> Bool { number.map { $0 == Int(text) } ?? (self.text == text) }

    private var number: Int? {
        converted(to: UInt32.self).map(Int.init) ?? converted(to: UInt8.self).map(Int.init)
            ?? converted(to: UInt64.self).map { Int(clamping: $0) } ?? converted(to: UInt16.self).map(Int.init)
            ?? converted(to: Int32.self).map(Int.init)
    }
}
