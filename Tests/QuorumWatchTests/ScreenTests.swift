// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

@testable import QuorumWatch

/// A terminal that implements the sequences of ``Screen``, with character widths of its own.
private struct Emulator {
    private(set) var cells: [[String]]
    private var (row, column) = (0, 0)
    private let widths: (Unicode.Scalar) -> Int

    init(width: Int, height: Int, widths: @escaping (Unicode.Scalar) -> Int = { $0.columns }) {
        cells = Array(repeating: Array(repeating: " ", count: width), count: height)
        self.widths = widths
    }

    mutating func write(_ text: String) throws {
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\u{1b}" else {
                put(scalar)
                continue
            }
            let introducer = rest.popFirst()
            #expect(introducer == "[")
            let parameters = rest.prefix { !$0.properties.isAlphabetic }
            rest = rest.dropFirst(parameters.count)
            let numbers = parameters.map { String($0) }.joined().split(separator: ";").map { Int($0) }
            let final = rest.popFirst()
            switch try #require(final) {
            case "H": (row, column) = ((numbers.first ?? 1)! - 1, (numbers.count > 1 ? numbers[1]! : 1) - 1)
            case "G": column = numbers[0]! - 1
            case "K": for rest in column..<cells[row].count { cells[row][rest] = " " }
            case "J": for row in cells.indices { for column in cells[row].indices { cells[row][column] = " " } }
            case "m": break
            case let other: Issue.record("sequence \(other)")
            }
        }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        let width = widths(scalar)
        guard width > 0 else {
            cells[row][cells[row][..<column].lastIndex { !$0.isEmpty }!].unicodeScalars.append(scalar)
            return
        }
        cells[row][column] = String(scalar)
        if width == 2, column + 1 < cells[row].count { cells[row][column + 1] = "" }
        column = min(column + width, cells[row].count - 1)
    }

    var text: [String] { cells.map { $0.joined().trimmed } }
}

@Suite("An update of the screen")
struct ScreenTests {
    private static let size = TerminalSize(width: 20, height: 4)

    private func contents(_ lines: [StyledText], color: Bool = true) -> Screen {
        Screen(lines: lines, size: Self.size, color: color)
    }

    @Test("turns any contents into any other")
    func updates() throws {
        var random = SeededGenerator(seed: .random(in: 0...UInt64.max))
        let characters: [String] = ["a", "b", " ", " ", "é", "京", "■", "e\u{301}", "\u{1f600}"]
        func line() -> StyledText {
            (0..<Int.random(in: 0...10, using: &random)).reduce(into: "") { line, _ in
                line += (
                    characters.randomElement(using: &random)!, [nil, .good, .faint].randomElement(using: &random)!
                )
            }
        }
        for _ in 0..<200 {
            var emulator = Emulator(width: Self.size.width, height: Self.size.height)
            var shown: Screen?
            for _ in 0..<10 {
                let lines = (0..<Self.size.height).map { _ in line() }
                let new = contents(lines)
                try emulator.write(new.update(from: shown))
                shown = new
                #expect(emulator.text == lines.map { $0.plain.trimmed })
            }
        }
    }

    @Test("is empty for equal contents, and one line for a second that has passed")
    func isLittle() {
        let one = contents([StyledText("QUORATE", .good) + " for 41 s", "node1  member", "", "keys"])
        let two = contents([StyledText("QUORATE", .good) + " for 42 s", "node1  member", "", "keys"])
        #expect(one.update(from: one) == "")
        #expect(two.update(from: one) == "\u{1b}[1;1H\u{1b}[K\u{1b}[1;32mQUORATE\u{1b}[0m for 42 s")
    }

    @Test("writes everything when the contents of the screen are not known or had another size")
    func isAll() {
        let new = contents(["a"])
        #expect(new.update(from: nil) == "\u{1b}[0m\u{1b}[H\u{1b}[2J\u{1b}[1;1H\u{1b}[Ka")
        let old = Screen(lines: ["a"], size: TerminalSize(width: 10, height: 4), color: true)
        #expect(new.update(from: old) == new.update(from: nil))
    }

    @Test("has no styles without colour, and leaves no style on at the end")
    func styles() {
        let lines: [StyledText] = [StyledText("bad", .bad), StyledText("good", .good)]
        #expect(!contents(lines, color: false).update(from: nil).dropFirst(4).contains("m"))
        #expect(contents(lines).update(from: nil).hasSuffix("\u{1b}[1;32mgood\u{1b}[0m"))
    }

    @Test("stays aligned on a terminal that has other character widths")
    func staysInPlace() throws {
        var emulator = Emulator(width: 20, height: 4) { $0.isASCII ? 1 : 2 }
        try emulator.write(contents(["[■■■│■] 4 of 5", "e\u{301}京 member"]).update(from: nil))
        #expect(emulator.cells[0].joined().contains("] 4 of 5"))
        #expect(emulator.cells[1].joined().contains(" member"))
        #expect(
            emulator.cells[0][8...].joined().hasPrefix("4 of 5") && emulator.cells[1][4...].joined().hasPrefix("member")
        )
    }

    @Test("uses the character widths of the C library")
    func widths() throws {
        typealias Function = @convention(c) (wchar_t) -> CInt
        let wcwidth = unsafeBitCast(try #require(dlsym(nil, "wcwidth")), to: Function.self)
        let locale = try #require(newlocale(1 << LC_CTYPE, "C.UTF-8", nil))
        let previous = uselocale(locale)
        defer {
            uselocale(previous)
            freelocale(locale)
        }
        var (same, other): (Int, [Unicode.Scalar]) = (0, [])
        for value in UInt32(0x20)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value), !scalar.needsEscape else { continue }
            let width = Int(wcwidth(wchar_t(value)))
            if width < 0 { continue }
            if width == scalar.columns { same += 1 } else { other.append(scalar) }
        }
        // The C library and Swift have different versions of Unicode.
        #expect(
            other.count * 500 < same,
            "\(other.count) of \(same): \(other.prefix(300).map { String($0.value, radix: 16) })")
        for (text, width) in [
            ("node1", 5), ("é", 1), ("e\u{301}", 1), ("東京", 4), ("\u{1f600}", 2), ("한", 2), ("■…≥│", 4),
        ] {
            #expect(text.columns == width)
        }
    }
}

@Suite("Keys")
struct LiveKeyTests {
    @Test(
        "are letters, and the special keys of a terminal in both of its modes",
        arguments: [
            ("q", [.quit]), ("jk", [.down, .up]), ("\u{1b}[A\u{1b}OB", [.up, .down]),
            ("\u{1b}[5~\u{1b}[6~", [.pageUp, .pageDown]),
            ("\u{1b}[H\u{1b}OF", [.oldest, .newest]), ("?\u{0c}", [.help, .redraw]), ("xyz\r\n\u{7f}é", []),
            ("\u{1b}[1;5Aq", [.quit]), ("\u{1b}\u{1b}[A", [.up]), ("\u{1b}q", [.quit]), ("\u{1b}[200~", []),
        ] as [(String, [LiveKey])])
    func keys(_ typed: String, _ keys: [LiveKey]) {
        var parser = LiveKeyParser()
        #expect(parser.keys(in: typed.utf8) == keys)
    }

    @Test("are recognised also when a slow line delivers them in parts")
    func parts() {
        var parser = LiveKeyParser()
        #expect("\u{1b}[5~j".utf8.flatMap { parser.keys(in: [$0]) } == [.pageUp, .down])
    }
}

@Suite("Text in a width")
struct TextWidthTests {
    @Test(
        "is broken between words, and within one that is too long",
        arguments: [
            ("one two three", 9, ["one two", "  three"]), ("one two", 20, ["one two"]),
            ("abcdefghij", 6, ["abcdef", "  ghij"]), ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
            ("京京京", 4, ["京京", "京"]), ("京", 1, ["京"]), ("a  b", 2, ["a", "b"]), ("", 3, [""]),
        ] as [(String, Int, [String])])
    func wraps(_ text: String, _ width: Int, _ lines: [String]) {
        #expect(StyledText(text).wrapped(to: width, indent: 2).map(\.plain) == lines)
    }

    @Test("is cut with a mark, not in the middle of a wide character")
    func cuts() {
        #expect("abcdef".cut(to: 4) == "abc…" && "abcd".cut(to: 4) == "abcd")
        #expect("京京京".cut(to: 4) == "京…" && "京京".cut(to: 1) == "…" && "ab".cut(to: 0) == "")
        let styled = StyledText("abc", .good) + StyledText("def", .bad)
        #expect(styled.cut(to: 5).parts.map(\.text) == ["abc", "d", "…"])
    }
}
