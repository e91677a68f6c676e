// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// Properties of the reducer, the formats and the parsers that must hold for any input.
///
/// `make fuzz` searches for counterexamples with libFuzzer. The tests here use its corpus, and random inputs.
@Suite("Fuzz", .serialized)
struct FuzzTests {
    private static let seeds: [UInt64] =
        numberFromEnvironment("VQWATCH_FUZZ_SEED").map { [$0] } ?? [1, .random(in: 0...UInt64(UInt32.max))]

    /// Without `.text` and `.argument`, because random bytes are seldom a text.
    private static let subjects: [Subject] = [.reducer, .texts, .arguments, .predictions]

    private static let corpus = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Corpus"

    @Test(
        """
        Random inputs, for VQWATCH_FUZZ_SECONDS: every event is one harmless line that parses back to the state and \
        agrees with its changes; strings are made harmless; arguments are never misread; predictions agree with a \
        second statement of votequorum's rules
        """, arguments: subjects, seeds)
    func random(_ subject: Subject, seed: UInt64) {
        let seconds = Int64(numberFromEnvironment("VQWATCH_FUZZ_SECONDS") ?? 5)
        let limit = Duration.seconds(seconds) / (Self.subjects.count * Self.seeds.count)
        let start = ContinuousClock.now
        var random = SeededGenerator(seed: seed)
        var (rounds, cases) = (0, 0)
        repeat {
            let length = Int.random(in: 0...2000, using: &random)
            let input = [subject.rawValue] + (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let check = PropertyCheck(on: input, isThorough: rounds % 100 == 0)
            guard check.passes else {
                Issue.record("VQWATCH_FUZZ_SEED=\(seed) repeats it: \(check.problems.joined(separator: "\n"))")
                return
            }
            (rounds, cases) = (rounds + 1, cases + check.cases)
        } while ContinuousClock.now - start < limit
        print("fuzz: \(subject), VQWATCH_FUZZ_SEED=\(seed): \(rounds) rounds, \(cases) cases")
    }

    @Test("Inputs of the corpus: the same properties hold")
    func corpus() {
        let names = namesInFolder(Self.corpus)
        #expect(names.count > 20)
        var cases = 0
        for (index, name) in names.enumerated() {
            let check = PropertyCheck(on: bytesOfFile("\(Self.corpus)/\(name)") ?? [], isThorough: index % 10 == 0)
            #expect(check.passes, "Corpus/\(name): \(check.problems.joined(separator: "\n"))")
            cases += check.cases
        }
        #expect(cases > names.count)
        print("fuzz: corpus of \(names.count) inputs, \(cases) cases")
    }
}
