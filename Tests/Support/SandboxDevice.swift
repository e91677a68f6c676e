// SPDX-License-Identifier: MIT

/// The quorum device of a sandbox that was started with `qnetd`: corosync-qnetd(8) and corosync-qdevice(8).
extension Sandbox {
    /// How corosync-qnetd decides which partition gets the quorum device's votes, corosync-qdevice(8).
    public enum Algorithm: String, Sendable {
        /// One vote, for one of the partitions.
        case ffsplit
        /// One vote less than the number of nodes, for the last node standing.
        case lms
    }

    /// A daemon of the quorum device.
    public struct Daemon: Sendable {
        let sandbox: Sandbox
        let name: String

        /// Starts it and waits until it answers; it does not vote yet.
        ///
        /// - Throws: ``Sandbox/Failure``.
        public func start() throws(Failure) { try sandbox.tell("startnode", name) }

        /// Shuts it down, and waits until it has ended.
        ///
        /// - Throws: ``Sandbox/Failure``.
        public func stop() throws(Failure) { try sandbox.tell("stop", name) }

        /// Kills it, and waits until it has ended.
        ///
        /// - Throws: ``Sandbox/Failure``.
        public func kill() throws(Failure) { try sandbox.tell("kill", name) }

        /// Freezes it (SIGSTOP).
        ///
        /// - Throws: ``Sandbox/Failure``.
        public func freeze() throws(Failure) { try sandbox.tell("freeze", name) }

        /// Continues it after a freeze (SIGCONT).
        ///
        /// - Throws: ``Sandbox/Failure``.
        public func thaw() throws(Failure) { try sandbox.tell("thaw", name) }

        /// Its process ID, as it is outside the sandbox.
        ///
        /// - Returns: The process ID.
        /// - Throws: ``Sandbox/Failure``, also if it is not running.
        public func processID() throws(Failure) -> Int32 { try sandbox.processID(named: name) }

        /// Its log since the sandbox started.
        ///
        /// - Returns: The whole log.
        /// - Throws: ``Sandbox/Failure``.
        public func log() throws(Failure) -> String { try sandbox.tell("log", name) }
    }

    /// The server, corosync-qnetd, on the host 10.76.1.1.
    public var qnetd: Daemon { Daemon(sandbox: self, name: "qnetd") }

    /// The client on a node, corosync-qdevice. Starting or stopping the node starts or stops it as well.
    ///
    /// - Parameter node: The node's number.
    /// - Returns: The daemon, which may or may not be running.
    public func qdevice(on node: Int) -> Daemon { Daemon(sandbox: self, name: "qdevice\(node)") }
}
