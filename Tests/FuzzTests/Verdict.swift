// SPDX-License-Identifier: MIT

/// What an input is for: its first byte says.
enum Subject: UInt8, CaseIterable, Sendable {
    /// Notifications, readings and configurations, to the reducer and all formats.
    case reducer
    /// One string from outside.
    case text
    /// Many strings from outside, mostly ordinary.
    case texts
    /// One argument of the command line.
    case argument
    /// Many arguments, made of the words that they have.
    case arguments
}

/// What an input comes to: any bytes are made into something that could be said, and that is held to the properties.
struct Verdict {
    /// How many lines, strings and arguments it made.
    private(set) var cases = 0
    /// What was found wrong.
    private(set) var problems: [String] = []

    var isGood: Bool { problems.isEmpty }

    /// Comes to one.
    ///
    /// - Parameters:
    ///   - input: Any bytes.
    ///   - isThorough: Whether lines are held to the schema as well, which takes its time.
    init(on input: [UInt8], isThorough: Bool = false) {
        var reader = InputReader(input)
        let subjects = Subject.allCases
        switch subjects[Int(reader.byte()) % subjects.count] {
        case .text: judge(text: String(decoding: reader.rest(), as: UTF8.self), limit: 256)
        case .argument: judge(argument: String(decoding: reader.rest(), as: UTF8.self))
        case .reducer:
            var imagination = Imagination(reader)
            judgeReducer(&imagination, isThorough: isThorough)
        case .texts:
            var imagination = Imagination(reader)
            while !imagination.isAtEnd, isGood {
                judge(text: imagination.string(), limit: imagination.chance(2) ? 256 : imagination.limit())
            }
        case .arguments:
            var imagination = Imagination(reader)
            while !imagination.isAtEnd, isGood {
                judge(argument: imagination.argument())
                judge(duration: imagination.duration())
            }
        }
    }

    mutating func countCase() { cases += 1 }

    mutating func check(_ condition: Bool, _ problem: @autoclosure () -> String) {
        if !condition { problems.append(problem()) }
    }
}
