// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// Exactly the states that a killed daemon can leave have an excuse.
@Suite("The excuse for shared memory that is left behind")
struct ExcuseTests {
    private func excuse(_ files: [String], isWatched: Bool = false, end: String = "") throws -> SharedMemory.Excuse? {
        let start =
            "--- corosync starts ---\nNov 24 08:22:50.486 [21] vm corosync notice  [MAIN  ] Corosync starting up\n"
        let lines = files.map { file in
            let words = file.split(separator: " ")
            let name = words[0].split(separator: "-")
            return (["qb-21-0-29-abcdef/qb-\(name[0])-cmap-\(name[1])"] + words.dropFirst().map(String.init))
                .joined(separator: " ")
        }
        return try #require(SharedMemory.read(lines).first).excuse(CorosyncLog(start + end), isWatched: isWatched)
    }

    @Test("is that the client was not answered, at any point of the creation")
    func making() throws {
        let made = [
            "request-header", "request-data", "response-header", "response-data", "event-header", "event-data",
        ]
        for count in 1...made.count {
            for last in count % 2 == 0 ? [0, 1] : [0] {
                let headers = (count + 1) / 2
                let files = made.prefix(count).enumerated().map { index, name in
                    name.hasSuffix("data") ? name : "\(name) \(index / 2 == headers - 1 ? last : 1)"
                }
                for isWatched in [false, true] {
                    #expect(try excuse(files, isWatched: isWatched) == .unanswered, "\(files)")
                    let end = "corosync notice  [MAIN  ] Corosync Cluster Engine exiting normally\n"
                    #expect(try excuse(files, isWatched: isWatched, end: end) == nil, "\(files)")
                }
            }
        }
    }

    @Test("is that the client had left, at any point of the removal, but not for a live watcher")
    func removing() throws {
        let files = [
            "request-header 0", "request-data", "response-header 0", "response-data", "event-header 0", "event-data",
        ]
        let removed = ["response-data", "response-header", "event-data", "event-header"]
        for count in 0...removed.count {
            let left = files.filter { file in !removed.prefix(count).contains { file.hasPrefix($0) } }
            // The request buffer alone could also be all that was created.
            guard left.count > 2 else { continue }
            #expect(try excuse(left) == .unnoticed, "\(left)")
            #expect(try excuse(left, isWatched: true) == nil, "\(left)")
        }
    }

    @Test("does not exist for buffers that the client still has open, did not close, or began to remove")
    func none() throws {
        for references in [[2, 2, 2], [0, 2, 2], [0, 0, 2], [2, 1, 1], [2, 2, 1], [1, 1, 2], [-1, -1, -1]] {
            let files = zip(["request", "response", "event"], references).flatMap {
                ["\($0)-header \($1)", "\($0)-data"]
            }
            #expect(try excuse(files) == nil, "\(references)")
        }
        #expect(try excuse(["response-header -1", "response-data", "event-header 2", "event-data"]) == nil)
        #expect(try excuse(["event-header 1", "event-data"]) == nil)
    }
}

/// The files in `/dev/shm` of a node after a daemon was killed.
@Suite("Shared memory", .serialized)
struct SharedMemoryTests {
    let sandbox: Sandbox

    init() throws { sandbox = try Sandbox(nodes: 1) }

    /// Starts a watcher whose process ID the daemon cannot see, and waits for its status.
    private func follower(_ mode: String = "all") throws -> ChildProcess {
        let process = try sandbox.spawn(on: 1, [vqwatch, "-fj", "--dispatch", mode])
        try #require(process.nextLine(within: .seconds(10)) != nil)
        return process
    }

    @Test("a watcher removes the shared memory of a killed daemon, even if the daemon takes time to exit")
    func slowEnd() throws {
        let followers = try dispatchModes.map { try follower($0) }
        // For comparison, a client that relies on libqb.
        let other = try sandbox.spawn(on: 1, ["corosync-quorumtool", "-m"], isVisible: true)
        let areConnected = try eventually(within: .seconds(10)) {
            let used = try sandbox.sharedMemory(on: 1)
            return used.allSatisfy { $0.isWhole(references: 2) } && used.contains { $0.service == "quorum" }
        }
        try #require(areConnected)
        let daemon = try sandbox.processID(of: 1)
        let words = textOfFile("\(sandbox.folder)/init")?.split(separator: " ") ?? []
        let parent = try #require(words.first.flatMap { Int32($0) })

        // While its parent is stopped, the killed daemon remains a zombie.
        kill(parent, SIGSTOP)
        kill(daemon, SIGKILL)
        for follower in followers { #expect(try follower.nextEvent { $0.event == "disconnected" } != nil) }
        #expect(other.wait(within: .seconds(10)) != nil)
        #expect(kill(daemon, 0) == 0, "a zombie")
        kill(parent, SIGCONT)

        var left: [SharedMemory] = []
        let isRemoved = try eventually(within: .seconds(5)) {
            left = try sandbox.sharedMemory(on: 1)
            return left.allSatisfy { $0.client != 0 }
        }
        #expect(isRemoved, "\(left)")
        #expect(left.contains { $0.service == "quorum" && $0.isWhole(references: 0) }, "what libqb leaves: \(left)")
        try sandbox.start(1)
        for follower in followers { #expect(try follower.nextEvent { $0.event == "status" } != nil) }
    }

    @Test("a daemon that is killed before it answers a connecting client leaves files that no client knows of")
    func unanswered() throws {
        let daemon = try sandbox.processID(of: 1)
        let tracer = try ChildProcess(
            [
                "strace", "-f", "-qq", "-o", "/dev/null", "-p", "\(daemon)", "-e", "trace=sendto",
                "-e", "inject=sendto:signal=KILL",
            ])
        let isTraced = eventually(within: .seconds(10)) {
            namesInFolder("/proc/\(daemon)/task").allSatisfy { task in
                let status = textOfFile("/proc/\(daemon)/task/\(task)/status") ?? ""
                return number(after: "TracerPid:", in: status) == Int(tracer.processID)
            }
        }
        try #require(isTraced, "\(tracer.errors)")
        let watcher = try sandbox.spawn(on: 1, [vqwatch, "-fj"], isVisible: true)
        #expect(tracer.wait(within: .seconds(10)) != nil)
        try sandbox.start(1)
        #expect(try watcher.nextEvent()?.event == "status")

        let child = try #require(watcher.onlyChild)
        let client = try #require(innerNumber(of: child))
        let running = try #require(innerNumber(of: try sandbox.processID(of: 1)))
        let left = try sandbox.sharedMemory(on: 1).filter { $0.server != running }
        let one = try #require(left.first)
        #expect(left.count == 1 && one.client == client && one.isWhole(references: 1), "\(left)")
        // The watcher has mapped every file that it knows of.
        let maps = textOfFile("/proc/\(child)/maps") ?? ""
        #expect(maps.contains("/dev/shm/qb-\(running)-\(client)-") && !maps.contains(one.folder))
        #expect(one.excuse(try sandbox.rings(of: 1), isWatched: true) == .unanswered)
        kill(child, SIGTERM)
        #expect(watcher.wait(within: .seconds(5)) == .signaled(SIGTERM))
        #expect(try sandbox.sharedMemory(on: 1).contains { $0.folder == one.folder })
    }

    @Test("a daemon that is killed before it notices that a client has left leaves the files of that client")
    func unnoticed() throws {
        for isKilled in [false, true] {
            let watcher = try follower()
            #expect(try sandbox.sharedMemory(on: 1).map(\.service).sorted() == ["cmap", "cmap", "votequorum"])
            try sandbox.freeze(1)
            watcher.signal(SIGTERM)
            #expect(watcher.wait(within: .seconds(5)) == .signaled(SIGTERM))
            guard isKilled else {
                try sandbox.thaw(1)
                #expect(try eventually(within: .seconds(10)) { try sandbox.sharedMemory(on: 1).isEmpty })
                continue
            }
            try sandbox.kill(1)
            let left = try sandbox.sharedMemory(on: 1)
            let log = try sandbox.rings(of: 1)
            #expect(left.count == 3)
            for one in left {
                #expect(one.excuse(log, isWatched: false) == .unnoticed, "\(one)")
                #expect(one.excuse(log, isWatched: true) == nil, "a live watcher would have removed it")
            }
        }
    }

    @Test("files that a client did not close have no excuse, and a daemon that is stopped leaves no files")
    func noExcuse() throws {
        let watcher = try follower()
        try sandbox.freeze(1)
        watcher.signal(SIGKILL)
        #expect(watcher.wait(within: .seconds(5)) == .signaled(SIGKILL))
        try sandbox.kill(1)
        let left = try sandbox.sharedMemory(on: 1)
        let log = try sandbox.rings(of: 1)
        #expect(left.count == 3)
        for one in left {
            #expect(one.isWhole(references: 2) && one.excuse(log, isWatched: false) == nil, "\(one)")
        }

        try sandbox.start(1)
        let next = try #require(innerNumber(of: try sandbox.processID(of: 1)))
        try sandbox.stop(1)
        #expect(try sandbox.sharedMemory(on: 1).allSatisfy { $0.server != next })
    }
}
