// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// Whatever corosync or a user may say: what must hold of everything that is made of it.
///
/// `make fuzz` has libFuzzer look for inputs that show otherwise. Here are those that it keeps, and random ones.
@Suite("Fuzz", .serialized)
struct FuzzTests {
    private static let seeds: [UInt64] =
        numberFromEnvironment("VQWATCH_FUZZ_SEED").map { [$0] } ?? [1, .random(in: 0...UInt64(UInt32.max))]

    /// Bytes at random seldom are a text.
    private static let subjects: [Subject] = [.reducer, .texts, .arguments]

    private static let corpus = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Corpus"

    @Test(
        """
        Random inputs, for as long as VQWATCH_FUZZ_SECONDS says: every line is one, parses back to the state, follows \
        from its changes and harms no terminal; strings are made harmless; arguments are never misread
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
            let verdict = Verdict(on: input, isThorough: rounds % 100 == 0)
            guard verdict.isGood else {
                Issue.record("VQWATCH_FUZZ_SEED=\(seed) makes it again: \(verdict.problems.joined(separator: "\n"))")
                return
            }
            (rounds, cases) = (rounds + 1, cases + verdict.cases)
        } while ContinuousClock.now - start < limit
        print("fuzz: \(subject), VQWATCH_FUZZ_SEED=\(seed): \(rounds) rounds, \(cases) cases")
    }

    @Test("The inputs that libFuzzer has found a way with: the same holds of them")
    func corpus() {
        let names = namesInFolder(Self.corpus)
        #expect(names.count > 20)
        var cases = 0
        for (index, name) in names.enumerated() {
            let verdict = Verdict(on: bytesOfFile("\(Self.corpus)/\(name)") ?? [], isThorough: index % 10 == 0)
            #expect(verdict.isGood, "Corpus/\(name): \(verdict.problems.joined(separator: "\n"))")
            cases += verdict.cases
        }
        #expect(cases > names.count)
        print("fuzz: corpus of \(names.count) inputs, \(cases) cases")
    }
}
