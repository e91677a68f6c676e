// SPDX-License-Identifier: MIT

import Corosync
import Testing

@testable import QuorumWatch

@Suite("Errors of the libraries")
struct ErrorAdviceTests {
    @Test("of every code come with something to do", arguments: CorosyncError.Code.named + [.init(rawValue: 4242)])
    func haveAdvice(_ code: CorosyncError.Code) {
        let error = CorosyncError(code: code, operation: .votequorumDispatch)
        #expect(error.withAdvice == "\(error.reason) (\(code) from votequorum_dispatch); \(error.advice)")
        #expect(error.advice.split(separator: " ").count >= 2)
    }
}
