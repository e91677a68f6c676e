// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

/// What a service manager hears, and the units that are installed.
@Suite("systemd", .serialized)
struct SystemdTests {
    @Test("hears that it is ready, every change, that all is well, and that it ends")
    func notifications() throws {
        let sandbox = try Sandbox()
        let socket = try NotifySocket("\(sandbox.folder).notify")
        let watch = try sandbox.spawn(
            on: 1, [vqwatch, "-f", "--refresh", "0"],
            environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "400000", "WATCHDOG_PID": nil])
        #expect(socket.next() == "READY=1\nSTATUS=QUORATE: 3 of 3 votes, quorum 2, can lose 1")
        let start = ContinuousClock.now
        #expect(socket.next() == "WATCHDOG=1" && socket.next() == "WATCHDOG=1")
        #expect(ContinuousClock.now - start < .milliseconds(600))
        try sandbox.partition([1], [2, 3])
        #expect(socket.next { $0 != "WATCHDOG=1" } == "STATUS=NOT QUORATE: 1 of 3 votes, quorum 2, 1 missing")
        try sandbox.kill(1)
        #expect(socket.next { $0 != "WATCHDOG=1" } == "STATUS=corosync is gone or does not answer")
        let waiting = socket.next { $0 != "WATCHDOG=1" }
        #expect(
            waiting?.hasPrefix("STATUS=waiting for corosync: cannot connect to corosync") == true, "\(waiting ?? "")")
        watch.signal(SIGTERM)
        #expect(socket.next { $0 != "WATCHDOG=1" } == "STOPPING=1")
        #expect(watch.wait(within: .seconds(1)) == .signaled(SIGTERM))
        #expect(watch.errors.split(separator: "\n").count == 1, "\(watch.errors)")
    }

    @Test("hears of a watchdog that is another's nothing, and that it is ready once it waits for corosync")
    func waiting() throws {
        let sandbox = try Sandbox(nodes: 1, starting: false)
        let socket = try NotifySocket("\(sandbox.folder).notify")
        let watch = try sandbox.spawn(
            on: 1, [vqwatch, "-f"],
            environment: ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"])
        #expect(socket.next()?.hasPrefix("READY=1\nSTATUS=waiting for corosync: ") == true)
        try sandbox.start(1)
        #expect(socket.next()?.hasPrefix("STATUS=QUORATE: 1 of 1 votes") == true)
        watch.signal(SIGTERM)
        #expect(socket.next() == "STOPPING=1")
    }

    @Test("is heard by an abstract socket, and one that is not there or means nothing is no reason to fail")
    func sockets() throws {
        let socket = try NotifySocket("@vqwatch-test-\(getpid())")
        func follow(_ name: String) throws -> ChildProcess.Result {
            try StandIn("nodes 3\n").run(
                [vqwatch, "-fj", "-n", "1"], environment: ["NOTIFY_SOCKET": name], within: .seconds(10))
        }
        #expect(try follow(socket.name).status == 0)
        #expect(socket.next { $0 == "STOPPING=1" } != nil)
        for name in ["/nonexistent/socket", "@nobody-listens", "vsock:2:1", "@", String(repeating: "/x", count: 200)] {
            let result = try follow(name)
            #expect(result.status == 0 && result.errors == "" && result.lines.count == 1, "\(name)")
        }
    }

    @Test("starts it as a user without a right of its own, whom corosync knows by root's group")
    func user() throws {
        try #require(getuid() == 0, "only root can act as another user")
        let sandbox = try Sandbox(nodes: 1)
        let result = try sandbox.run(on: 1, [vqwatch, "-fj", "-n", "1"], as: .init(user: 64015, group: 0))
        #expect(result.status == 0 && result.errors == "")
        #expect(try EventLine(#require(result.lines.first)).isQuorate == true)
        // The group is what does it.
        let other = try sandbox.run(on: 1, [vqwatch, "-f", "--no-reconnect"], as: .init(user: 64015, group: 64015))
        #expect(other.status == 1 && other.errors.contains("CS_ERR_ACCESS"))
    }

    @Test("takes the units without a complaint, and finds little that they could do harm with")
    func units() throws {
        var template = Array("/tmp/vqwatch-units-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { _ = try? ChildProcess.run(["rm", "-rf", folder]) }
        let packaging = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/packaging/systemd"
        let unit = "\(folder)/vqwatch.service"
        let install = #"sed "s|/usr/bin/vqwatch|$1|" "$2" >"$3""#
        func put(_ source: String, at target: String) throws {
            let result = try ChildProcess.run(["sh", "-c", install, "sh", vqwatch, "\(packaging)/\(source)", target])
            #expect(result.status == 0)
        }
        func check() throws {
            let verify = try ChildProcess.run(["systemd-analyze", "verify", "--man=no", unit])
            #expect(verify.status == 0 && verify.output + verify.errors == "")
            let security = try ChildProcess.run(
                ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", unit])
            #expect(security.status == 0, "\(security.output)")
        }
        try put("vqwatch.service", at: unit)
        try check()
        let text = try ChildProcess.run(["cat", unit]).lines
        #expect(text.contains("After=corosync.service"))
        #expect(!text.contains { $0.hasPrefix("Requires=") || $0.hasPrefix("BindsTo=") || $0.hasPrefix("PartOf=") })
        let examples = try ChildProcess.run(["ls", "\(packaging)/vqwatch.service.d"]).lines
        #expect(examples == ["metrics.conf", "page.conf"])
        for example in examples {
            _ = try ChildProcess.run(["mkdir", "\(unit).d"])
            try put("vqwatch.service.d/\(example)", at: "\(unit).d/\(example)")
            try check()
            _ = try ChildProcess.run(["rm", "-r", "\(unit).d"])
        }
    }
}

/// What a service manager listens on.
final class NotifySocket {
    let name: String
    private let descriptor: Int32

    /// A socket with a path, or with an abstract name that begins with `@`.
    init(_ name: String) throws {
        self.name = name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = name.hasPrefix("@") ? [0] + name.utf8.dropFirst() : Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard status == 0 else { throw TestFailure("bind \(name): \(String(cString: strerror(errno)))") }
    }

    deinit {
        close(descriptor)
        if name.hasPrefix("/") { unlink(name) }
    }

    /// The next message, or nil when none comes in time.
    func next() -> String? {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, 5000) == 1 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// The next message that is as wanted.
    func next(where isWanted: (String) -> Bool) -> String? {
        while let message = next() {
            if isWanted(message) { return message }
        }
        return nil
    }
}
