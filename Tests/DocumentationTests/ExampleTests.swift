// SPDX-License-Identifier: MIT

internal import TestSupport
internal import Testing

@Suite("The examples of vqwatch(1)", .timeLimit(.minutes(2)))
struct ExampleTests {
    /// The commands of the examples.
    static func examples() throws -> [String] {
        let section = try Repository.text(of: "man/vqwatch.1").section("EXAMPLES")
        return section.split(separator: ".Bd -literal -offset indent\n").dropFirst().map { block in
            String(block[..<(block.firstRange(of: "\n.Ed")?.lowerBound ?? block.endIndex)]).replacing("\\e", with: "\\")
        }
    }

    @Test("include every recipe of the README")
    func includeTheRecipes() throws {
        func inOneLine(_ command: some StringProtocol) -> String {
            command.split { $0.isWhitespace || $0 == "\\" }.joined(separator: " ")
        }
        let readme = try Repository.text(of: "README.md")
        let recipes = try #require(readme.split(separator: "## Recipes\n").last).split(separator: "\n## ")[0]
        let commands = recipes.split(separator: "```sh\n").dropFirst().map { $0.split(separator: "```")[0] }
        #expect(commands.count == 7)
        let examples = try Self.examples().map { inOneLine($0) }
        for command in commands { #expect(examples.contains(inOneLine(command)), "\(command)") }
    }

    @Test(
        "have the documented effect on a real cluster",
        .enabled(if: isRoot, "an example writes to a folder of root"))
    func run() throws {
        let examples = try Self.examples()
        try #require(examples.count == 11)
        let sandbox = try Sandbox()
        defer { sandbox.close() }
        let folder = "\(sandbox.folder)/examples"
        // Replace mail and logger with programs that write to files.
        let made = try ChildProcess.run(
            [
                "bash", "-euc",
                "mkdir -p $1/bin $1/metrics; cat > $1/bin/mail; chmod +x $1/bin/mail; cp $1/bin/{mail,logger}",
                "bash", folder,
            ],
            input: "#!/bin/bash\n{ printf '%s\\n' \"$@\"; [[ $0 != *mail ]] || cat; } > \(folder)/${0##*/}\n")
        try #require(made.status == 0, "\(made.errors)")
        let path = "\(folder)/bin:\(vqwatch.dropLast("/vqwatch".count)):/usr/sbin:/usr/bin:/sbin:/bin"

        func command(_ number: Int) -> [String] {
            let example = examples[number - 1]
            // The folder of node_exporter belongs to the machine, so mount another one over it.
            guard example.contains("/var/lib/prometheus/") else { return ["bash", "-c", example] }
            let mount = "mount --bind \(folder)/metrics /var/lib/prometheus/node-exporter\n"
            return ["unshare", "--mount", "bash", "-c", mount + example]
        }
        func run(_ number: Int) throws -> ChildProcess.Result {
            try sandbox.run(on: 1, command(number), environment: ["PATH": path])
        }
        func start(_ number: Int) throws -> ChildProcess {
            try sandbox.spawn(on: 1, command(number), environment: ["PATH": path])
        }
        func holds(_ file: String, _ text: String) throws -> Bool {
            try eventually(within: .seconds(10)) {
                try ChildProcess.run(["cat", "\(folder)/\(file)"]).output.contains(text)
            }
        }

        // A healthy cluster.
        let status = try run(1)
        #expect(status.status == 0)
        #expect(status.output.contains("QUORATE") && status.output.contains("node3"))
        let check = try run(5)
        #expect(check.status == 0)
        #expect(check.output.hasPrefix("QUORUM OK"))
        let other = try run(10)
        #expect(other.status == 0, "\(other.errors)")
        #expect(other.output.contains("ha_cluster_corosync_quorate 1"))

        let prediction = try run(11)
        #expect(prediction.output == "If node3(3) goes down: QUORATE: 2 of 3 votes, quorum 2, can lose 0 votes\n")
        #expect(try holds("logger", "node3 can go down"))

        // Faults while the examples are watching.
        let watch = try start(2)
        let turns = try start(4)
        let change = try start(7)
        let mail = try start(8)
        let metrics = try start(9)
        #expect(watch.nextLine(within: .seconds(10))?.contains("status: QUORATE") == true)
        #expect(try holds("metrics/vqwatch.prom", "ha_cluster_corosync_quorate 1"))
        #expect(change.isRunning)
        try sandbox.cut(3)
        try sandbox.wait(node: 1, members: [1, 2])
        #expect(try change.nextEvent()?.event == "nodelist")
        #expect(change.wait(within: .seconds(5)) == .exited(0))
        #expect(try run(3).output == "node3\n")
        #expect(try run(5).status == 1)
        try sandbox.cut(2)
        #expect(watch.nextLine(within: .seconds(20)) { $0.contains("NOT QUORATE") } != nil)
        let turn = try turns.nextLine(within: .seconds(10)).map { try JSON(parsing: $0) }
        #expect(turn?["quorate"] == false)
        #expect(turn?["nodes"] == ["node1"])
        #expect(try holds("mail", "sandbox: quorate: no"))
        #expect(try holds("mail", "\"event\": \"quorum\""))
        #expect(try holds("metrics/vqwatch.prom", "ha_cluster_corosync_quorate 0"))
        #expect(try run(5).status == 2)

        // Recovery.
        let wait = try start(6)
        try sandbox.heal(2)
        try sandbox.heal(3)
        #expect(wait.wait(within: .seconds(30)) == .exited(0))
        #expect(try holds("logger", "the cluster is quorate"))
        for process in [watch, turns, mail, metrics] { #expect(process.isRunning) }
    }
}
