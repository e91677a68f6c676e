// SPDX-License-Identifier: MIT

import Glibc
import Testing

@Suite("The stand-in's functions")
struct ExportTests {
    @Test("Every function that a header declares is in the library", arguments: ["votequorum", "cmap"])
    func everyDeclaredFunctionIsExported(library: String) throws {
        let header = Probe.read("/usr/include/corosync/\(library).h")
        let declared = header.matches(of: /cs_error_t\s+((?:votequorum|cmap)_\w+)\s*\(/).map { String($0.output.1) }
        #expect(declared.count >= 16)

        let standIn = try #require(dlopen(Probe.library, RTLD_NOW | RTLD_LOCAL))
        defer { dlclose(standIn) }
        for name in declared {
            #expect(dlsym(standIn, name) != nil, "\(name) is missing")
        }
    }
}
