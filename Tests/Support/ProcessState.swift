// SPDX-License-Identifier: MIT

extension ChildProcess {
    /// Waits until all threads of the process block.
    ///
    /// - Parameter limit: How long to wait.
    /// - Returns: Whether they did in time.
    @discardableResult
    public func waitUntilIdle(within limit: Duration = .seconds(10)) -> Bool {
        var observations = 0
        // A thread can block for a moment on a lock, hence several times in a row.
        return eventually(within: limit, every: .milliseconds(1)) {
            let threads = namesInFolder("/proc/\(processID)/task")
            let areBlocked = threads.allSatisfy { thread in
                let status = textOfFile("/proc/\(processID)/task/\(thread)/stat") ?? ""
                return status.split(separator: ")").last?.hasPrefix(" S") == true
            }
            observations = areBlocked ? observations + 1 : 0
            return observations == 3
        }
    }

    /// Whether a thread of the process blocks in write(2) to a descriptor (proc_pid_syscall(5)).
    ///
    /// - Parameter descriptor: Its number in the process.
    /// - Returns: Whether one does now.
    public func isBlocked(writingTo descriptor: Int32) -> Bool {
        #if arch(x86_64)
            let write = "1"
        #else
            let write = "64"
        #endif
        return namesInFolder("/proc/\(processID)/task").contains { thread in
            let call = textOfFile("/proc/\(processID)/task/\(thread)/syscall") ?? ""
            return call.hasPrefix("\(write) 0x\(String(descriptor, radix: 16)) ")
        }
    }
}
