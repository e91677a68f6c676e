// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite("A dispatch, on a real cluster", .serialized)
struct DispatchTests {
    @Test("passes on what its handler throws, and loses no notification")
    func passesErrorsOn() throws {
        let sandbox = try Sandbox(nodes: 1)
        let found = try Exercise.findings("throwing", on: sandbox)
        #expect(found["one"] == "nodelist, refused nodelist")
        #expect(found["one nonblocking"] == "quorum, refused quorum")
        #expect(found["all"] == "nodelist, refused nodelist")
        #expect(found["nothing lost"] == "quorum, no error")
        #expect(found["all of four"] == "nodelist, refused nodelist")
        #expect(found["refused again"] == "quorum nodelist, refused nodelist")
        #expect(found["one of them"] == "quorum, no error")
        #expect(found["one of the new"] == "nodelist, no error", "queued while others were kept")
        #expect(found["the last"] == "quorum, no error")
        #expect(found["no more"] == ", CS_ERR_TRY_AGAIN from votequorum_dispatch")
        #expect(found["within a handler"] == "nodelist (quorum, refused quorum) nodelist quorum")
        #expect(found["error of the library"] == "CS_ERR_NOT_EXIST from votequorum_getinfo")
        #expect(found["still connected"] == "1")
    }

    @Test("that blocks returns when its handler throws, and ends the connection")
    func returnsFromBlocking() throws {
        let sandbox = try Sandbox(nodes: 1)
        let found = try Exercise.findings("throwing-blocked", on: sandbox)
        #expect(found["blocking"]?.hasPrefix("refused nodelist 1.") == true)
        #expect(found["afterwards"] == "INTERRUPTED from votequorum_dispatch")
        #expect(found["a request"] == "INTERRUPTED from votequorum_getinfo")
    }

    @Test("of the configuration map does the same")
    func passesErrorsOnForTheMap() throws {
        let sandbox = try Sandbox(nodes: 1)
        let found = try Exercise.findings("throwing-changes", on: sandbox)
        #expect(found["first"] == "refused test.1")
        #expect(found["rest"] == "test.2 test.3")
        #expect(found["blocking"] == "refused test.4")
        #expect(found["afterwards"] == "INTERRUPTED from cmap_get")
    }

    @Test("refuses a list that is longer than the library's buffer, and ends the connection")
    func refusesLongLists() throws {
        func ids(_ count: Int) -> String { (1...count).map(String.init).joined(separator: ",") }
        let found = try Exercise.findings(
            "lists",
            script: """
                nodes 1
                timeline
                nodelist next \(ids(1000))
                nodelist next \(ids(65_537))
                """)
        #expect(found["nodelist of 1000"] != nil)
        #expect(found["nodelist of 65537"] == nil)
        #expect(found["lists"] == "CS_ERR_LIBRARY from votequorum_dispatch")
    }
}
