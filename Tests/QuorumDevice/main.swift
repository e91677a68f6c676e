// SPDX-License-Identifier: MIT

// A quorum device under a test's control. It registers itself under the name given and answers that like a command.
// Then it obeys one command a line on standard input:
//
//     vote, novote        poll with that vote, now and every --interval milliseconds (default 200) from now on
//     silent              stop polling: the device is dead when its timeout has passed
//     poll                poll again, with the vote as it was
//     register, unregister
//     master-wins 0|1
//     exit
//
// with one answer a line on standard output: ok, the name of the error, or unknown command.

import Corosync
import Glibc

func fail(_ message: String, status: CInt = 1) -> Never {
    let line = "\(message)\n"
    write(STDERR_FILENO, line, line.utf8.count)
    exit(status)
}

var arguments = CommandLine.arguments.dropFirst()
var interval: CInt = 200
if arguments.first == "--interval", let value = arguments.dropFirst().first.flatMap({ CInt($0) }), value > 0 {
    interval = value
    arguments = arguments.dropFirst(2)
}
guard arguments.count == 1, let name = arguments.first else {
    fail("usage: quorum-device [--interval MILLISECONDS] NAME", status: 64)
}
do throws(CorosyncError) {
    try QuorumDevice(name: name, interval: interval).run()
} catch {
    fail("quorum-device: \(error)")
}
