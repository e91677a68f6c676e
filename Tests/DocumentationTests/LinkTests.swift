// SPDX-License-Identifier: MIT

internal import Glibc
internal import TestSupport
internal import Testing

@Suite("Links inside the repository", .timeLimit(.minutes(1)))
struct LinkTests {
    static let documents = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Tests/StandIn/README.md"]

    /// The targets of `[text](target)` and `[name]: target`.
    static func targets(in text: String) -> [String] {
        let prose = text.replacing(/```[^`]*```/, with: "").replacing(/`[^`\n]*`/, with: "")
        let inline = prose.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }
        let reference = prose.matches(of: /(?m)^\[[^\]]+\]: (\S+)$/).map { String($0.1) }
        return inline + reference
    }

    /// The anchors of a document, derived from its headings as code hosts do it.
    static func anchors(in text: String) -> Set<String> {
        Set(
            text.split(separator: "\n").filter { $0.hasPrefix("#") }.map { heading in
                String(
                    heading.drop { $0 == "#" || $0 == " " }.lowercased().filter {
                        $0.isLetter || $0.isNumber || " -_".contains($0)
                    }
                )
                .replacing(" ", with: "-")
            })
    }

    @Test("point to existing files and headings", arguments: documents)
    func links(document: String) throws {
        let text = try Repository.text(of: document)
        let folder = document.split(separator: "/").dropLast().map { $0 + "/" }.joined()
        for target in Self.targets(in: text) where !target.contains("://") {
            let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let path = parts[0].isEmpty ? document : folder + parts[0]
            let isThere = access("\(Repository.root)/\(path)", F_OK) == 0
            #expect(isThere, "\(document) links to \(target), which does not exist")
            if isThere, parts.count > 1, path.hasSuffix(".md") {
                let hasAnchor = Self.anchors(in: try Repository.text(of: path)).contains(parts[1])
                #expect(hasAnchor, "\(path) has no heading for \(target)")
            }
        }
    }
}
