// SPDX-License-Identifier: MIT

import Glibc
import Testing
import TestSupport

/// Compares `--if-down` with the decisions of votequorum, on random clusters with random histories.
///
/// `VQWATCH_PREDICTIONS` is the number of clusters (20), `VQWATCH_PREDICTION_SEED` the seed of the first; each of the others
/// has the next seed, and another rule of votequorum that it certainly uses.
@Suite("A prediction on a real cluster")
struct PredictionTests {
    @Test("is the decision of every survivor after the nodes are killed")
    func reality() {
        let count = Int(numberFromEnvironment("VQWATCH_PREDICTIONS") ?? 20)
        let seed = numberFromEnvironment("VQWATCH_PREDICTION_SEED") ?? .random(in: 0..<1_000_000_000)
        // A cluster spends most of the time waiting.
        let all = inParallel((0..<UInt64(count)).map { seed &+ $0 }, by: 6) { seed in
            let trial = PredictionTrial(seed: seed)
            print(trial.report)
            fflush(nil)
            return trial
        }
        for trial in all where [.wrong, .failed].contains(trial.verdict) { Issue.record("\(trial.report)") }
        var counts: [PredictionTrial.Verdict: Int] = [:]
        for trial in all { counts[trial.verdict, default: 0] += 1 }
        print(PredictionTrial.Verdict.allCases.map { "\($0) \(counts[$0, default: 0])" }.joined(separator: ", "))
        // A program whose predictions are all unknown must not pass.
        #expect(counts[.unknown, default: 0] + counts[.void, default: 0] <= count / 5)
    }
}
