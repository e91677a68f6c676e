// SPDX-License-Identifier: MIT

internal import TestSupport
internal import Testing

@Suite("Every option is documented", .timeLimit(.minutes(1)))
struct OptionTests {
    /// The names of the options as the parser knows them: `--follow`, `-f`.
    static func options() throws -> [[String]] {
        let dump = try JSON(parsing: ChildProcess.run([vqwatch, "--experimental-dump-help"]).output)
        return dump["command"]["arguments"].elements.map { argument in
            argument["names"].elements.map { name in
                (name["kind"] == "long" ? "--" : "-") + (name["name"].string ?? "")
            }
        }
    }

    /// The manual writes each as `.It Fl f , Fl -follow`.
    static func documented() throws -> Set<String> {
        var options: Set<String> = []
        let section = try Repository.text(of: "man/vqwatch.1").section("OPTIONS")
        for line in section.split(separator: "\n") where line.hasPrefix(".It Fl ") {
            let words = line.split(separator: " ").map(String.init)
            for (word, next) in zip(words, words.dropFirst()) where word == "Fl" { options.insert("-" + next) }
        }
        return options
    }

    @Test("in the manual, which documents no other option")
    func manual() throws {
        let options = Set(try Self.options().joined())
        #expect(options.count > 20)
        #expect(try Self.documented() == options)
    }

    @Test("in the README, as far as it is one of the ten most important")
    func readme() throws {
        let table = try Repository.text(of: "README.md").split(separator: "| option | meaning |\n").last
        let rows = try #require(table?.split(separator: "\n\n").first).split(separator: "\n").dropFirst()
        #expect(rows.count == 10)
        let options = Set(try Self.options().joined())
        for row in rows {
            let names = row.split(separator: "|")[0].matches(of: /`(--?[a-z][a-z-]*)/).map { String($0.1) }
            #expect(!names.isEmpty && options.isSuperset(of: names), "\(row)")
        }
    }

    @Test("in the completions", arguments: Shell.allCases)
    func completions(shell: Shell) throws {
        let words = Set(
            try Repository.text(of: shell.committed).split { !($0.isLetter || $0.isNumber || "-_".contains($0)) })
        for name in try Self.options().joined() {
            // Fish has the names without their dashes.
            let word = shell == .fish ? Substring(name.drop { $0 == "-" }) : Substring(name)
            let isThere = words.contains(word)
            #expect(isThere, "\(shell.committed) does not have \(name)")
        }
    }

    @Test("with every value that it accepts")
    func words() throws {
        let manual = try Repository.text(of: "man/vqwatch.1")
        let dump = try JSON(parsing: ChildProcess.run([vqwatch, "--experimental-dump-help"]).output)
        let words = dump["command"]["arguments"].elements.flatMap { $0["allValues"].elements.compactMap(\.string) }
        #expect(words.contains("one-nonblocking") && words.contains("json"))
        for word in words {
            let isThere = manual.contains("Cm \(word)")
            #expect(isThere, "vqwatch(1) does not have \(word)")
        }
    }
}

extension String {
    /// The text of a section of a manual page.
    func section(_ name: String) throws -> Substring {
        guard let start = firstRange(of: ".Sh \(name)\n") else { throw Repository.Missing(path: name) }
        let rest = self[start.upperBound...]
        return rest[..<(rest.firstRange(of: "\n.Sh ")?.lowerBound ?? rest.endIndex)]
    }
}
