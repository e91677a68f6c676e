// SPDX-License-Identifier: MIT

/// Faults in the network of a sandbox.
extension Sandbox {
    /// A network that the nodes are connected to.
    public struct Link: ExpressibleByIntegerLiteral, Sendable {
        let name: String

        /// The network to the host of ``Sandbox/qnetd``.
        public static let qnetd = Link(name: "qnetd")

        /// One of corosync's links.
        ///
        /// - Parameter number: Its number, from 0.
        public init(_ number: Int) { self.init(name: "\(number)") }

        /// One of corosync's links.
        ///
        /// - Parameter value: Its number, from 0.
        public init(integerLiteral value: Int) { self.init(value) }

        private init(name: String) { self.name = name }
    }

    /// Pulls a node's network cables.
    ///
    /// - Parameters:
    ///   - node: The node's number.
    ///   - link: The link whose cable to pull; every one by default, the one to ``qnetd`` included.
    /// - Throws: ``Failure``.
    public func cut(_ node: Int, link: Link? = nil) throws(Failure) { try tell("cut", ["\(node)"] + options(link)) }

    /// Puts a node's network cables back.
    ///
    /// - Parameters:
    ///   - node: The node's number.
    ///   - link: The link whose cable to put back; every one by default.
    /// - Throws: ``Failure``.
    public func heal(_ node: Int, link: Link? = nil) throws(Failure) { try tell("heal", ["\(node)"] + options(link)) }

    /// Drops packets at random that a node sends or receives.
    ///
    /// - Parameters:
    ///   - node: The node's number.
    ///   - percent: The percentage to drop in each direction, 1 to 100.
    ///   - link: The link to drop packets of; every one by default.
    /// - Throws: ``Failure``.
    public func degrade(_ node: Int, percent: Int, link: Link? = nil) throws(Failure) {
        try tell("degrade", ["\(node)", "\(percent)"] + options(link))
    }

    /// Undoes ``degrade(_:percent:link:)``.
    ///
    /// - Parameters:
    ///   - node: The node's number.
    ///   - link: The link; every one by default.
    /// - Throws: ``Failure``.
    public func restore(_ node: Int, link: Link? = nil) throws(Failure) {
        try tell("restore", ["\(node)"] + options(link))
    }

    /// Drops every packet from one node to another, on every link, but none in the other direction.
    ///
    /// - Parameters:
    ///   - sender: The number of the sending node.
    ///   - receiver: The number of the receiving node.
    /// - Throws: ``Failure``.
    public func block(from sender: Int, to receiver: Int) throws(Failure) {
        try tell("block", ["\(sender)", "\(receiver)"])
    }

    /// Undoes ``block(from:to:)``.
    ///
    /// - Parameters:
    ///   - sender: The number of the sending node.
    ///   - receiver: The number of the receiving node.
    /// - Throws: ``Failure``.
    public func unblock(from sender: Int, to receiver: Int) throws(Failure) {
        try tell("unblock", ["\(sender)", "\(receiver)"])
    }

    /// Partitions corosync's links, so that each group reaches only itself and ``qnetd``.
    ///
    /// - Parameter groups: Two or more groups that together have every node.
    /// - Throws: ``Failure``.
    public func partition(_ groups: [Int]...) throws(Failure) { try tell("partition", groups.map { list($0) }) }

    /// Undoes a partition.
    ///
    /// - Throws: ``Failure``.
    public func join() throws(Failure) { try tell("join", []) }

    private func options(_ link: Link?) -> [String] { link.map { ["--link", $0.name] } ?? [] }
}
