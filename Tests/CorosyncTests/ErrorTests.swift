// SPDX-License-Identifier: MIT

import Corosync
import Testing
import TestSupport

@Suite("Errors")
struct ErrorTests {
    @Test("have the name that the C header gives them, and words for people")
    func haveMessages() throws {
        let header = try ChildProcess.run(["cat", "/usr/include/corosync/corotypes.h"]).output
        var named: Set<UInt32> = []
        for line in header.split(separator: "\n") {
            let words = line.split { " =,\t".contains($0) }
            guard words.count >= 2, words[0].hasPrefix("CS_ERR_"), let value = UInt32(words[1]) else { continue }
            let code = CorosyncError.Code(rawValue: value)
            #expect(code.description == words[0])
            #expect(!code.reason.isEmpty)
            named.insert(value)
        }
        #expect(named == Set(CorosyncError.Code.named.map(\.rawValue)))
        #expect(Set(CorosyncError.Code.named.map(\.description)).count == named.count)
    }

    @Test("without a name are kept")
    func keepUnknownCodes() {
        let error = CorosyncError(code: .init(rawValue: 4242), operation: .votequorumDispatch)
        #expect(error.code.description == "CS_ERR_4242")
        #expect(error.description.contains("votequorum_dispatch"))
    }

    @Test("have a description with the reason, the code and the function")
    func describe() {
        let error = CorosyncError(code: .accessDenied, operation: .cmapInitialize)
        #expect(
            error.description == "this user may not connect to corosync (CS_ERR_ACCESS from cmap_initialize_map)")
        #expect(NotificationsError<Never>.corosync(error).description == error.description)
        #expect(ConfigurationMap.ReadError.corosync(error).description == error.description)
        #expect(DispatchError<Never>.corosync(error).description == error.description)
    }
}
