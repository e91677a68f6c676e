// SPDX-License-Identifier: MIT

internal import Glibc
internal import Synchronization

/// A real corosync cluster for a test, on this machine, that ends with the test: `Tests/Sandbox/sandbox`.
///
/// Nodes are numbered from 1 and have the addresses 10.77.0.1, 10.77.0.2, …
public final class Sandbox: Sendable {
    /// An error of the sandbox script.
    public struct Failure: Error, CustomStringConvertible {
        /// What failed, and the message of the script.
        public let description: String
    }

    /// A user and group who may connect to corosync besides root.
    public struct User: Hashable, Sendable {
        /// The user ID.
        public let user: UInt32
        /// The group ID.
        public let group: UInt32

        /// - Parameters:
        ///   - user: The user ID.
        ///   - group: The group ID.
        public init(user: UInt32, group: UInt32) {
            self.user = user
            self.group = group
        }
    }

    /// The script.
    public static let script: String = {
        let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return "/\(folder)/Sandbox/sandbox"
    }()

    /// The folder the sandbox keeps its state in. It is removed when the sandbox ends.
    public let folder: String
    /// How many nodes there are.
    public let nodeCount: Int
    /// The process that holds the sandbox: when it ends, the whole sandbox ends.
    public let holder: ChildProcess

    /// Starts a cluster and waits until it has formed.
    ///
    /// - Parameters:
    ///   - nodes: How many nodes, at most 254.
    ///   - quorum: More settings of the `quorum` section, such as `"wait_for_all: 1"`, separated by semicolons;
    ///     `"none"` omits the section.
    ///   - votes: `quorum_votes` of each node.
    ///   - qnetd: The algorithm of a quorum device: ``qnetd`` on a host of its own, and a ``qdevice(on:)`` on each
    ///     node. The cluster has formed when the device votes on every node.
    ///   - device: The `quorum.device` section, such as `"model: net; votes: 1; timeout: 2000"`; with `qnetd`, changes
    ///     to that section, such as `"timeout: 1000; net.tie_breaker: highest"`.
    ///   - links: How many links corosync has, at most 8.
    ///   - encrypted: Whether the nodes encrypt and authenticate their traffic.
    ///   - totem: More settings of the `totem` section.
    ///   - clusterName: The cluster's name.
    ///   - namedNodes: Whether the nodes have names, `node1` and so on.
    ///   - config: A complete corosync.conf, used instead of the settings above.
    ///   - allowed: Users that may connect besides root.
    ///   - starting: Whether to start corosync at all.
    ///   - waiting: Whether to wait until every node is a member of one cluster, not only until each answers.
    ///   - limit: How long that may take.
    /// - Throws: ``Failure``.
    public init(
        nodes: Int = 3, quorum: String? = nil, votes: [Int] = [], qnetd: Algorithm? = nil, device: String? = nil,
        links: Int = 1, encrypted: Bool = false, totem: String? = nil, clusterName: String? = nil,
        namedNodes: Bool = true, config: [UInt8]? = nil, allowed: [User] = [],
        starting: Bool = true, waiting: Bool = true, within limit: Duration = .seconds(60)
    ) throws(Failure) {
        var template = Array("/tmp/vqwatch-sandbox-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(description: "no folder: \(String(cString: strerror(errno)))")
        }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        nodeCount = nodes

        var arguments = [
            Self.script, "start", folder, "--nodes", "\(nodes)", "--links", "\(links)",
            "--timeout", "\(limit.components.seconds)",
        ]
        for (option, value) in [
            ("--quorum", quorum), ("--device", device), ("--qnetd", qnetd?.rawValue), ("--totem", totem),
            ("--cluster-name", clusterName),
        ] {
            if let value { arguments += [option, value] }
        }
        if !votes.isEmpty { arguments += ["--votes", votes.map(String.init).joined(separator: ",")] }
        for allowed in allowed { arguments += ["--uidgid", "\(allowed.user):\(allowed.group)"] }
        if encrypted { arguments.append("--encrypted") }
        if !namedNodes { arguments.append("--no-names") }
        if !starting { arguments.append("--no-start") }
        if !waiting { arguments.append("--no-wait") }
        var configFile: Int32?
        if let config {
            let file = try unlinkedFile(holding: config)
            configFile = file
            arguments += ["--config", "/proc/\(getpid())/fd/\(file)"]
        }
        defer { if let configFile { Glibc.close(configFile) } }

        do throws(ChildProcess.LaunchError) {
            holder = try ChildProcess(arguments, input: .pipe)
        } catch {
            rmdir(folder)
            throw Failure(description: "\(error)")
        }
        guard holder.nextLine(within: limit + .seconds(10)) == "ready" else {
            let ended = holder.finish(within: .seconds(1))
            rmdir(folder)
            throw Failure(description: "sandbox start: \(ended.errors)")
        }
    }

    deinit { close() }

    /// Ends the sandbox, and waits until its processes and its folder are gone.
    public func close() {
        holder.closeInput()
        if holder.wait(within: .seconds(10)) == nil { holder.signal(SIGKILL) }
    }

    // MARK: Processes on a node

    /// Starts a command on a node. The process is the command itself, with its own signals and status.
    ///
    /// - Parameters:
    ///   - node: The node's number.
    ///   - arguments: The command and its arguments.
    ///   - user: The user to run it as; requires a sandbox that was started as root.
    ///   - isVisible: Whether corosync on the node can see its process ID, which is part of the name of the shared
    ///     memory. The command is then the ``ChildProcess/onlyChild`` of the returned process, which ends in the same
    ///     way.
    ///   - environment: Variables to add to the test's environment, or with `nil` to remove from it.
    ///   - input: Its standard input.
    ///   - output: Its standard output.
    ///   - errors: Its standard error.
    /// - Returns: The process.
    /// - Throws: ``ChildProcess/LaunchError``.
    public func spawn(
        on node: Int, _ arguments: [String], as user: User? = nil, isVisible: Bool = false,
        environment: [String: String?] = [:], input: ChildProcess.Stream = .null, output: ChildProcess.Stream = .pipe,
        errors: ChildProcess.Stream = .pipe
    ) throws(ChildProcess.LaunchError) -> ChildProcess {
        try ChildProcess(
            command(on: node, (isVisible ? ["--pid"] : []) + user.options + arguments), environment: environment,
            input: input, output: output, errors: errors)
    }

    /// Runs a command on a node to its end.
    ///
    /// - Parameters:
    ///   - node: The node's number.
    ///   - arguments: The command and its arguments.
    ///   - user: The user to run it as; requires a sandbox that was started as root.
    ///   - environment: Variables to add to the test's environment, or with `nil` to remove from it.
    ///   - input: The text on its standard input.
    ///   - limit: How long it may take before it is killed.
    /// - Returns: How it ended and what it wrote.
    /// - Throws: ``ChildProcess/LaunchError``.
    public func run(
        on node: Int, _ arguments: [String], as user: User? = nil, environment: [String: String?] = [:],
        input: String = "", within limit: Duration = .seconds(30)
    ) throws(ChildProcess.LaunchError) -> ChildProcess.Result {
        try ChildProcess.run(
            command(on: node, user.options + arguments), environment: environment, input: input, within: limit)
    }

    private func command(on node: Int, _ arguments: [String]) -> [String] {
        [Self.script, "exec", folder, "\(node)"] + arguments
    }

    // MARK: Actions on a node

    /// Starts corosync on a node and waits until it answers.
    ///
    /// - Parameter node: The node's number.
    /// - Throws: ``Failure``.
    public func start(_ node: Int) throws(Failure) { try tell("startnode", "\(node)") }

    /// Shuts down corosync on a node, and waits until it has ended.
    ///
    /// - Parameter node: The node's number.
    /// - Throws: ``Failure``.
    public func stop(_ node: Int) throws(Failure) { try tell("stop", "\(node)") }

    /// Kills corosync on a node, and waits until it has ended.
    ///
    /// - Parameter node: The node's number.
    /// - Throws: ``Failure``.
    public func kill(_ node: Int) throws(Failure) { try tell("kill", "\(node)") }

    /// Freezes corosync on a node (SIGSTOP).
    ///
    /// - Parameter node: The node's number.
    /// - Throws: ``Failure``.
    public func freeze(_ node: Int) throws(Failure) { try tell("freeze", "\(node)") }

    /// Continues a frozen corosync on a node (SIGCONT).
    ///
    /// - Parameter node: The node's number.
    /// - Throws: ``Failure``.
    public func thaw(_ node: Int) throws(Failure) { try tell("thaw", "\(node)") }

    /// Waits until a node has this membership and has finished its recalculation.
    ///
    /// - Parameters:
    ///   - node: The node's number.
    ///   - members: The node IDs.
    ///   - limit: How long to wait, in whole seconds.
    /// - Throws: ``Failure``.
    public func wait(node: Int, members: [Int], within limit: Duration = .seconds(30)) throws(Failure) {
        try tell("wait", ["\(node)", list(members), "\(max(1, limit.components.seconds))"])
    }

    // MARK: Configuration and state

    /// Replaces corosync.conf, which corosync reads at its start and at a ``reload(on:)``.
    ///
    /// - Parameters:
    ///   - config: The whole file.
    ///   - node: The node's number; every node by default.
    /// - Throws: ``Failure``.
    public func configure(_ config: [UInt8], on node: Int? = nil) throws(Failure) {
        let file = try unlinkedFile(holding: config)
        defer { Glibc.close(file) }
        lseek(file, 0, SEEK_SET)
        try tell("config", [node.map(String.init) ?? "all"], input: .descriptor(file))
    }

    /// The corosync.conf of a node.
    ///
    /// - Parameter node: The node's number.
    /// - Returns: The whole file.
    /// - Throws: ``Failure``.
    public func configuration(of node: Int) throws(Failure) -> [UInt8] {
        do throws(ChildProcess.LaunchError) {
            return try run(on: node, ["cat", "/etc/corosync/corosync.conf"]).outputBytes
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    /// Makes the whole cluster read corosync.conf again, and waits until it has.
    ///
    /// - Parameter node: The node to run the command on.
    /// - Throws: ``Failure``.
    public func reload(on node: Int = 1) throws(Failure) { try tell("reload", "\(node)") }

    /// The log of corosync on a node.
    ///
    /// - Parameter node: The node's number.
    /// - Returns: The whole log.
    /// - Throws: ``Failure``.
    public func log(of node: Int) throws(Failure) -> String { try tell("log", "\(node)") }

    /// The process ID of corosync on a node, as it is outside the sandbox.
    ///
    /// - Parameter node: The node's number.
    /// - Returns: The process ID.
    /// - Throws: ``Failure``, also if corosync is not running.
    public func processID(of node: Int) throws(Failure) -> Int32 { try processID(named: "\(node)") }

    func processID(named daemon: String) throws(Failure) -> Int32 {
        let output = try tell("pid", daemon)
        guard let pid = Int32(output.dropLast()) else { throw Failure(description: "sandbox pid: \(output)") }
        return pid
    }

    @discardableResult
    func tell(_ verb: String, _ node: String) throws(Failure) -> String { try tell(verb, [node]) }

    @discardableResult
    func tell(
        _ verb: String, _ arguments: [String], input: ChildProcess.Stream = .null
    ) throws(Failure) -> String {
        let result: ChildProcess.Result
        do throws(ChildProcess.LaunchError) {
            result = try ChildProcess([Self.script, verb, folder] + arguments, input: input).finish(
                within: .seconds(120))
        } catch {
            throw Failure(description: "\(error)")
        }
        guard result.status == 0 else {
            throw Failure(description: "sandbox \(verb) \(arguments.joined(separator: " ")): \(result.errors)")
        }
        return result.output
    }

    func list(_ nodes: [Int]) -> String { nodes.map(String.init).joined(separator: ",") }

    // MARK: Built programs

    /// The path of a program that was built together with the running tests.
    ///
    /// - Parameter name: The name of the product.
    /// - Returns: Its path, in the folder that the test bundle is in.
    public static func builtProduct(named name: String) -> String {
        guard let tests = realpath("/proc/self/exe", nil) else { return name }
        defer { free(tests) }
        let folder = String(cString: tests).split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/\(name)"
    }
}

extension Sandbox.User? {
    /// The options of `sandbox exec` that run a command as this user.
    fileprivate var options: [String] { map { ["--user", "\($0.user):\($0.group)"] } ?? [] }
}

/// A file that has been unlinked, so that it is not left behind.
private func unlinkedFile(holding bytes: [UInt8]) throws(Sandbox.Failure) -> Int32 {
    var template = Array("/tmp/vqwatch-sandbox-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    guard file >= 0 else { throw Sandbox.Failure(description: "no file: \(String(cString: strerror(errno)))") }
    unlink(template)
    _ = writeAll(bytes, to: file)
    return file
}
