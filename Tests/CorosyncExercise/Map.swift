// SPDX-License-Identifier: MIT

import Corosync

private enum Answer: UInt32, ConfigurationMapValue { case yes, no }

func map() throws {
    let map = try ConfigurationMap()
    attempt("string") { try map.get("totem.cluster_name", as: String.self) ?? "nil" }
    attempt("number") { "\(try map.get("nodelist.node.0.nodeid", as: UInt32.self) ?? 0)" }
    attempt("missing") { try map.get("no.such.key", as: String.self) ?? "nil" }
    attempt("wrong type") { try map.get("nodelist.node.0.nodeid", as: String.self) ?? "nil" }
    attempt("long key") { try map.get(String(repeating: "k", count: 256), as: String.self) ?? "nil" }
    attempt("unknown raw value") { "\(try map.get("test.u32", as: Answer.self) as Any)" }
    attempt("types") {
        [
            "\(try map.get("test.i8", as: Int8.self) ?? 0)", "\(try map.get("test.u8", as: UInt8.self) ?? 0)",
            "\(try map.get("test.i16", as: Int16.self) ?? 0)", "\(try map.get("test.u16", as: UInt16.self) ?? 0)",
            "\(try map.get("test.i32", as: Int32.self) ?? 0)", "\(try map.get("test.u32", as: UInt32.self) ?? 0)",
            "\(try map.get("test.i64", as: Int64.self) ?? 0)", "\(try map.get("test.u64", as: UInt64.self) ?? 0)",
            "\(try map.get("test.flt", as: Float.self) ?? 0)", "\(try map.get("test.dbl", as: Double.self) ?? 0)",
            try map.get("test.str", as: String.self).map { "\($0.utf8.count) bytes" } ?? "nil",
        ].joined(separator: " ")
    }
    attempt("whole prefix") {
        try map.keys(withPrefix: "nodelist.node.1.").map(\.name).sorted().joined(separator: " ")
    }
    attempt("keys and values") {
        var values: [String] = []
        try map.forEachKey(withPrefix: "nodelist.node.1.n") { key, value throws(CorosyncError) in
            values.append("\(key.name) \(key.type) \(value?.converted(to: String.self) ?? "-")")
        }
        return values.sorted().joined(separator: ", ")
    }
    attempt("left early") {
        var count = 0
        for _ in 0..<2000 {
            do throws(DispatchError<Refused>) {
                try map.forEachKey(withPrefix: "nodelist.") { key, _ throws(Refused) in
                    count += 1
                    throw Refused(notification: key.name)
                }
            } catch .handler {}
        }
        return "\(count)"
    }
    attempt("left by an error") {
        try map.forEachKey(withPrefix: "nodelist.") { key, _ throws(CorosyncError) in
            try map.delete("no.such.key")
        }
        return "not left"
    }
}

func writing() throws {
    let map = try ConfigurationMap()
    func write<Value: ConfigurationMapValue & Equatable>(_ value: Value) -> String {
        do {
            try map.set("test.written", to: value)
            let read = try map.get("test.written", as: Value.self)
            try map.delete("test.written")
            return "\(Value.valueType) \(read == value ? "same" : "\(read as Any)")"
        } catch {
            return "\(Value.valueType) \(text(error))"
        }
    }
    let written = [
        write(Int8.min), write(UInt8.max), write(Int16.min), write(UInt16.max), write(Int32.min), write(UInt32.max),
        write(Int64.min), write(UInt64.max), write(Float(-1.5)), write(Double.pi), write("vier Wörter"), write(""),
        write([0, 1, 255] as [UInt8]), write([] as [UInt8]), write(String(repeating: "x", count: 10_000)),
    ]
    say("types: \(written.joined(separator: ", "))")
    attempt("too long") {
        try map.set("test.long", to: String(repeating: "x", count: 20_000)); return "set"
    }
    attempt("too big") {
        try map.set("test.big", to: [UInt8](repeating: 0, count: ConfigurationMap.maximumValueSize + 1)); return "set"
    }
    attempt("a NUL inside") {
        try map.set("test.nul", to: "a\0b"); return "set"
    }
    attempt("wrong size") {
        try map.set("test.size", to: .init(type: .uint32, bytes: [1])); return "set"
    }
    attempt("key too short") {
        try map.set("ab", to: UInt8(1)); return "set"
    }
    attempt("read only") {
        try map.set("totem.cluster_name", to: "other"); return "set"
    }
    try map.set("test.counter", to: UInt8(254))
    func counter(_ name: String, _ change: () throws -> Void) {
        attempt(name) {
            try change()
            return "\(try map.get("test.counter", as: UInt8.self) ?? 0)"
        }
    }
    counter("increment") { try map.increment("test.counter") }
    counter("increment the largest") { try map.increment("test.counter") }
    counter("decrement") { try map.decrement("test.counter") }
    try map.set("test.string", to: "1")
    attempt("increment a string") {
        try map.increment("test.string"); return "done"
    }
    attempt("decrement nothing") {
        try map.decrement("no.such.key"); return "done"
    }
    attempt("delete") {
        try map.delete("test.counter"); return "deleted"
    }
    attempt("delete again") {
        try map.delete("test.counter"); return "deleted"
    }
}

func statistics() throws {
    let statistics = try ConfigurationMap(.statistics)
    attempt("counter") { try statistics.get("stats.ipcs.global.active", as: UInt64.self) == nil ? "nil" : "there" }
    attempt("configuration") { try statistics.get("totem.cluster_name", as: String.self) ?? "nil" }
    attempt("set") {
        try statistics.set("stats.ipcs.global.active", to: UInt64(0)); return "set"
    }
    attempt("clear") {
        try statistics.set("stats.clear.all", to: UInt32(1)); return "cleared"
    }
}

func changes() throws {
    let map = try ConfigurationMap()
    let prefix = try map.startTracking("test.", for: [.add, .modify, .delete, .prefix])
    let key = try map.startTracking("test.one", for: .delete)
    say("tracking")
    var count = 0
    while count < 4 {
        try map.dispatch(.one) { change in
            count += 1
            func text(_ value: ConfigurationMap.Value?) -> String {
                value?.converted(to: UInt32.self).map { "\($0)" } ?? "-"
            }
            let track = change.track == prefix ? "prefix" : "key"
            say("\(track) \(change.kind) \(change.key) \(text(change.oldValue)) \(text(change.newValue))")
        }
    }
    try map.stopTracking(key)
    attempt("untrack again") {
        try map.stopTracking(key); return "untracked"
    }
}

func throwingChanges() throws {
    let map = try ConfigurationMap()
    _ = try map.startTracking("test.", for: [.add, .prefix])
    for number in 1...3 { try map.set("test.\(number)", to: UInt8(number)) }
    attempt("first") {
        try map.dispatch(.all) { change throws(Refused) in throw Refused(notification: change.key) }
        return "none"
    }
    attempt("rest") {
        var keys: [String] = []
        try map.dispatch(.all) { keys.append($0.key) }
        return keys.joined(separator: " ")
    }
    try map.set("test.4", to: UInt8(4))
    attempt("blocking") {
        try map.dispatch(.blocking) { change throws(Refused) in throw Refused(notification: change.key) }
        return "none"
    }
    attempt("afterwards") { "\(try map.get("test.4", as: UInt8.self) ?? 0)" }
}
