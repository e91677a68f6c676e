// SPDX-License-Identifier: MIT

/// The subject of an input, which is its first byte.
enum Subject: UInt8, CaseIterable, Sendable {
    /// Notifications, readings and configurations for the reducer and all formats.
    case reducer
    /// One string from the configuration map: the rest of the input.
    case text
    /// Many strings, mostly ordinary.
    case texts
    /// One argument of the command line: the rest of the input.
    case argument
    /// Many arguments, composed of words that the command line knows.
    case arguments
    /// Clusters, and the predictions about them. Only the byte 250 selects it: the others keep their meaning.
    case predictions = 250
}

/// Checks the properties on what is generated from one input.
struct PropertyCheck {
    /// How many lines, strings and arguments were checked.
    private(set) var cases = 0
    /// The properties that do not hold.
    private(set) var problems: [String] = []

    var passes: Bool { problems.isEmpty }

    /// Checks an input.
    ///
    /// - Parameters:
    ///   - input: Any bytes.
    ///   - isThorough: Whether to validate lines against the schema as well, which is slow.
    init(on input: [UInt8], isThorough: Bool = false) {
        var reader = InputReader(input)
        let subjects = Subject.allCases.dropLast()
        let byte = reader.byte()
        switch Subject(rawValue: byte) ?? subjects[Int(byte) % subjects.count] {
        case .text: check(text: String(decoding: reader.rest(), as: UTF8.self), limit: 256)
        case .argument: check(argument: String(decoding: reader.rest(), as: UTF8.self))
        case .reducer:
            var generator = InputGenerator(reader)
            checkReducer(&generator, isThorough: isThorough)
        case .texts:
            var generator = InputGenerator(reader)
            while !generator.isAtEnd, passes {
                check(text: generator.string(), limit: generator.chance(2) ? 256 : generator.limit())
            }
        case .predictions:
            repeat { checkPrediction(&reader) } while !reader.isAtEnd && passes
        case .arguments:
            var generator = InputGenerator(reader)
            while !generator.isAtEnd, passes {
                check(argument: generator.argument())
                check(duration: generator.duration())
            }
        }
    }

    mutating func countCase() { cases += 1 }

    mutating func check(_ condition: Bool, _ problem: @autoclosure () -> String) {
        if !condition { problems.append(problem()) }
    }
}
