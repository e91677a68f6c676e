// SPDX-License-Identifier: MIT

import Corosync
import Dispatch
import Glibc

let verdicts = VoteQuorum.notifications { notification, quorum throws(CorosyncError) -> String? in
    guard case .quorum(let quorate, _) = notification else { return nil }
    let info = try quorum.info()
    return "\(quorate ? "quorate" : "not quorate"): \(info.totalVotes) votes, quorum \(info.quorum)"
}

func follow() async {
    while !Task.isCancelled {
        do throws(NotificationsError<CorosyncError>) {
            for try await element in verdicts {
                switch element {
                case .received(let verdict?): print(verdict)
                case .received(nil): break
                case .dropped(let count): print("\(count) notifications dropped")
                }
                fflush(nil)
            }
        } catch {
            print(error)
            fflush(nil)
            try? await Task.sleep(for: .seconds(1))
        }
    }
}

let following = Task { await follow() }

signal(SIGTERM, SIG_IGN)
let termination = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .main)
termination.setEventHandler { following.cancel() }
termination.resume()

await following.value
print("terminated")
