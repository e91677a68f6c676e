// SPDX-License-Identifier: MIT

import Glibc
import TestSupport

/// A random sequence of actions on a cluster. The same seed gives the same sequence.
struct Schedule {
    enum Action: Hashable {
        case cut(Int)
        case heal(Int)
        case partition([Int], [Int])
        case join
        case stop(Int)
        case kill(Int)
        case start(Int)
        /// Killed and started again before the other nodes notice.
        case restart(Int)
        case freeze(Int)
        case thaw(Int)
        case votes(Int, of: Int, on: Int)
        case expectedVotes(Int, on: Int)
        /// A new name for a node, and a reload.
        case rename(Int, on: Int)
        /// Start a watcher with blocked outputs; if the node has one, end it by a signal.
        case watch(on: Int, endedBy: Int32)

        /// The name of the case.
        var kind: String { String("\(self)".prefix { $0 != "(" }) }
    }

    /// Every kind of action.
    static let kinds: Set = [
        "cut", "heal", "partition", "join", "stop", "kill", "start", "restart", "freeze", "thaw", "votes",
        "expectedVotes", "rename", "watch",
    ]

    let nodes: Int
    /// The kinds that have not come yet. They take precedence, so that a short soak has every kind.
    private(set) var missing = Self.kinds
    private var random: SeededGenerator
    private var running: Set<Int>
    private var cut: Set<Int> = []
    private var frozen: Int?
    private var isPartitioned = false

    init(nodes: Int, seed: UInt64) {
        self.nodes = nodes
        random = SeededGenerator(seed: seed)
        running = Set(1...nodes)
    }

    /// The next action, and how many milliseconds to wait before it: mostly so few that it interrupts the effect of the
    /// last action, sometimes enough for a ring to form.
    mutating func next() -> (pause: UInt32, action: Action) {
        let isQuick = frozen != nil || Int.random(in: 1...10, using: &random) <= 6
        let pause = UInt32.random(in: isQuick ? 0...900 : 2000...3800, using: &random)
        var action: Action?
        var attempts = 0
        while action == nil || (!missing.isEmpty && !missing.contains(action!.kind) && attempts < 100) {
            action = draw() ?? action
            attempts += 1
        }
        take(action!)
        return (pause, action!)
    }

    /// The actions that make the cluster whole again, in order.
    mutating func settle() -> [Action] {
        var actions: [Action] = frozen.map { [.thaw($0)] } ?? []
        if isPartitioned { actions.append(.join) }
        actions += cut.sorted().map { .heal($0) }
        actions += (1...nodes).filter { !running.contains($0) }.map { .start($0) }
        for action in actions { take(action) }
        return actions
    }

    private var awake: [Int] { running.filter { $0 != frozen }.sorted() }

    private mutating func draw() -> Action? {
        // Keep a freeze short: the cluster reacts to it within seconds.
        if let frozen, Int.random(in: 1...3, using: &random) == 1 { return .thaw(frozen) }
        let node = Int.random(in: 1...nodes, using: &random)
        let other = awake.randomElement(using: &random)!
        let mayLose = running.contains(node) && node != frozen && awake.count > 1 && running.count > nodes - 2
        switch Int.random(in: 0..<26, using: &random) {
        case 0...3: return cut.contains(node) ? .heal(node) : .cut(node)
        case 4...6:
            if isPartitioned { return .join }
            let half = (1...nodes).filter { _ in Bool.random(using: &random) }
            let rest = (1...nodes).filter { !half.contains($0) }
            return half.isEmpty || rest.isEmpty ? nil : .partition(half, rest)
        case 7, 8: return mayLose ? .stop(node) : nil
        case 9, 10: return mayLose ? .kill(node) : nil
        case 11...14: return running.contains(node) ? nil : .start(node)
        case 15: return mayLose ? .restart(node) : nil
        case 16, 17: return mayLose && frozen == nil ? .freeze(node) : nil
        case 18: return .votes(Int.random(in: 1...3, using: &random), of: node, on: other)
        case 19, 20: return .expectedVotes(Int.random(in: nodes...(nodes * 2), using: &random), on: other)
        case 21: return .rename(node, on: other)
        default: return .watch(on: node, endedBy: [SIGINT, SIGTERM, SIGHUP].randomElement(using: &random)!)
        }
    }

    private mutating func take(_ action: Action) {
        missing.remove(action.kind)
        switch action {
        case .cut(let node): cut.insert(node)
        case .heal(let node): cut.remove(node)
        case .partition: isPartitioned = true
        case .join: isPartitioned = false
        case .stop(let node), .kill(let node): running.remove(node)
        case .start(let node): running.insert(node)
        case .freeze(let node): frozen = node
        case .thaw: frozen = nil
        case .restart, .votes, .expectedVotes, .rename, .watch: break
        }
    }
}
